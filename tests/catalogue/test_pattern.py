from __future__ import annotations

import pytest

from lgsp.catalogue.pattern import LONGEST_TEXT, compile_pattern, does_match


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^0{3}", "000123", True),
        ("^0{3}", "100023", False),
        (r"^\d{2}[A-Z]\d?-\d{3}\.?\d{2}$", "92A-123.45", True),
        ("^(GET|POST)$", "POST", True),
        ("^[A-ZĐ]+-[0-9]+$", "QĐ-12", True),
        ("khẩn", "Rất khẩn cấp", True),
        ("a+b", "xaab", True),
        ("^$", "", True),
        ("x$", "a" * LONGEST_TEXT + "x", False),  # beyond what is looked at
    ],
)
def test_a_pattern_is_searched_for(pattern: str, text: str, found: bool) -> None:  # noqa: FBT001 - a row of the table
    assert does_match(compile_pattern(pattern), text) is found


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(a+)+$", "could take very long"),
        ("^(a+)+$", "could take very long"),
        ("^(a|a)*$", "could take very long"),
        ("^(a|aa)+$", "could take very long"),
        ("^(a?){40}a{40}$", "could take very long"),
        ("^.*.*.*x", "could take very long"),
        (".*a.*b", "begin it with ^"),
        ("^((a{1,9}){1,9}){1,9}$", "could take very long"),
        (r"(a)\1", "a back-reference"),
        ("(?=a)b", "a look-ahead"),
        ("(?!a)b", "a look-ahead"),
        ("(?<!a)b", "a look-ahead"),
        ("(", "is no pattern"),
        ("a{99999999999}", "is no pattern"),
        ("a" * 501, "at most 500 letters"),
    ],
)
def test_what_could_take_for_ever_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(ValueError, match="pattern") as caught:
        compile_pattern(pattern)
    assert says in str(caught.value)
