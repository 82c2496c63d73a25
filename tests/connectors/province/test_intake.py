"""The figures of the report come out of the dossiers one by one, and each goes its way as time passes."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import islice, pairwise

import pytest

from connectors.province.dossier import NEXT, STATES
from connectors.province.identifiers import is_dossier_code
from connectors.province.intake import CUT_OVER, LAST, LEVELS, day_of, each_of, find
from connectors.province.working import FIRST

SOME = date(2023, 4, 18)


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def test_four_months_took_in_what_the_province_reported() -> None:
    by_level: Counter[str] = Counter()
    for day in days(FIRST, LAST):
        by_level.update(day_of(day).levels)
    assert by_level == LEVELS
    assert by_level.total() == 197_734


def test_the_new_system_took_in_its_16960_of_which_7928_online() -> None:
    new = [filed for day in days(*CUT_OVER) for filed in each_of(day) if filed.in_new]
    assert (len(new), sum(filed.channel == 2 for filed in new)) == (16_960, 7_928)
    assert {filed.level for filed in new} == set(LEVELS)


def test_nothing_came_before_the_books_begin_and_the_pace_goes_on_after() -> None:
    assert day_of(FIRST - timedelta(days=1)).total == 0
    assert 2_300 < day_of(date(2026, 11, 25)).total < 2_500


def test_every_dossier_is_found_by_its_code_and_no_other_is() -> None:
    filed = list(each_of(SOME))
    assert len({each.code for each in filed}) == len(filed) == day_of(SOME).total
    assert all(is_dossier_code(each.code) for each in filed[::97])
    assert [find(each.code) for each in filed[::97]] == filed[::97]
    code = filed[0].code
    for other in (code.replace("-000001", "-000000"), code[:-6] + "999999", "x" + code, code.replace("230418", "230499"),
                  code.replace("000.00.", "000.01."), "000.00.00.H47-230418-0001"):  # fmt: skip
        assert find(other) is None, other


def test_a_dossier_takes_only_steps_that_are_allowed_and_all_ten_states_occur() -> None:
    seen = set()
    for filed in islice(each_of(SOME), 800):
        states = []
        assert filed.state_at(filed.received - timedelta(minutes=1)) is None
        work = (filed.end - filed.received) / 50
        for moment in (*(filed.received + number * work for number in range(51)), filed.returned):
            state = filed.state_at(moment)
            assert state is not None
            if not states or states[-1] != state:
                states.append(state)
        assert states[0] == 1
        assert all(after in NEXT[before] for before, after in pairwise(states)), (filed.code, states)
        seen.update(states)
    assert seen == set(STATES)


@pytest.mark.parametrize(("supplements", "late"), [(0, False), (1, False), (2, True)])
def test_more_than_one_supplement_counts_as_late(supplements: int, late: bool) -> None:  # noqa: FBT001 - a row
    in_time = [filed for filed in each_of(SOME) if filed.end <= filed.due and filed.supplements == supplements]
    assert in_time
    assert {filed.is_late for filed in in_time} == {late}


def test_what_ends_after_its_day_is_late() -> None:
    filed = list(each_of(SOME))
    assert {each.is_late for each in filed if each.end > each.due} == {True}
    assert all(each.received < each.end < each.returned for each in filed)
    assert filed[0].received.date() == datetime(2023, 4, 18).date()  # noqa: DTZ001 - local time
