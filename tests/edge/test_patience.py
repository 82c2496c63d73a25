from __future__ import annotations

import pytest

from lgsp.edge.patience import Patience


@pytest.mark.parametrize(
    ("told", "early"),
    [
        ([], []),
        ([("a", "s", "2", 10.0)], [10.0, 11.9]),
        ([("a", "s", "2", 10.0), ("a", "s", "5", 11.0)], [10.0, 11.9, 12.0, 15.9]),
        ([("a", "s", "5", 10.0), ("a", "s", "1", 10.0)], [10.0]),
        ([("a", "s", "0", 10.0)], []),
        ([("b", "s", "9", 10.0), ("a", "t", "9", 10.0)], []),
        ([("a", "s", "Fri, 31 Dec 1999 23:59:59 GMT", 10.0)], []),
        ([("a", "s", "-5", 10.0)], []),
        ([("a", "s", "٣", 10.0)], []),
    ],
    ids=["never", "once", "longer", "shorter", "at once", "others", "a date", "below 0", "no digit of ours"],
)
def test_a_call_is_early_until_the_time_is_over(told: list[tuple[str, str, str, float]], early: list[float]) -> None:
    patience = Patience()
    for each in told:
        patience.told(*each)
    assert [at for at in (10.0, 11.9, 12.0, 15.9, 16.0, 10.0) if patience.is_early("a", "s", at)] == early


def test_nobody_is_held_longer_than_a_day_and_nothing_is_kept_of_what_is_over() -> None:
    patience = Patience()
    patience.told("a", "s", "9" * 30, 0.0)
    assert (patience.is_early("a", "s", 86_399.0), repr(patience)) == (True, "<Patience, 1 are waited for>")
    assert (patience.is_early("a", "s", 86_400.0), repr(patience)) == (False, "<Patience, 0 are waited for>")
