import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.units import parse_duration, parse_number, parse_percent


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("80ms", 0.08), ("10s", 10), ("1m30s", 90), ("2h", 7200), ("1d", 86_400), ("0s", 0), ("1.5s", 1.5)],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "10 s", "s", "-1s", "10S", "1s1", "1e3s", "ten"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unit|no duration"):
        parse_duration(text)


@given(st.integers(0, 10_000_000))
def test_a_percentage_is_a_ratio(thousandths: int) -> None:
    text = f"{thousandths / 100_000:f}%"
    assert parse_percent(text) == pytest.approx(thousandths / 10_000_000)


@pytest.mark.parametrize("text", ["", "1", "0,2%", "-1%", "101%", "%", "1 %"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unit|no rate|more than 100"):
        parse_percent(text)


def test_a_number_has_no_unit() -> None:
    assert parse_number("60") == 60
    with pytest.raises(ValueError, match="no number"):
        parse_number("60%")
