from __future__ import annotations

from datetime import date

import pytest

from connectors.province.index import CRITERIA, GROUPS, Counts, counts_between, counts_of, ratio

OF = {each.code: each for each in CRITERIA}
SOME = Counts(
    came=100, synchronised=90, in_time=95, online_with_result=40, with_fee=20, paid_online=5, e_results=60, digitised=50,
    by_population=70, disliked=2, reports=10, reports_in_time=9,
)  # fmt: skip


@pytest.mark.parametrize(
    ("code", "share"),
    [
        ("1.4", 0.9),
        ("2.1", 0.95),
        ("3.3", 0.36),
        ("3.6", 0.25),
        ("4.1", 0.6),
        ("4.2", 0.5),
        ("4.5", 0.7),
        ("5.2", 0.9),
        ("5.4", 0.93),
    ],
)
def test_each_formula(code: str, share: float) -> None:
    of = OF[code].share
    assert of is not None
    assert of(SOME) == pytest.approx(share)
    assert of(Counts()) is None


def test_five_groups_of_100_points_and_each_has_a_formula() -> None:
    assert sum(most for _, most in GROUPS.values()) == 100
    assert {each.group for each in CRITERIA if each.share} == set(GROUPS)
    assert [each.code for each in CRITERIA if each.share is None] == ["4.3"]


def test_days_add_up() -> None:
    monday, tuesday = date(2023, 4, 17), date(2023, 4, 18)
    assert counts_between(monday, tuesday) == counts_of(monday) + counts_of(tuesday)
    assert counts_between(tuesday, monday) == Counts()
    assert ratio(1, 0) is None
