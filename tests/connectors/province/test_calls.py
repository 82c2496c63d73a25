from __future__ import annotations

from datetime import date, timedelta

from connectors.province.calls import FIRST, LAST, count, each_of, find
from connectors.province.ticket import FIELDS

APRIL = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


def test_april_received_1598_and_settled_1582() -> None:
    heard = [call for day in APRIL for call in each_of(day)]
    assert (len(heard), sum(call.settled is not None for call in heard)) == (1_598, 1_582)
    assert len({call.code for call in heard}) == 1_598
    assert {call.field for call in heard} == set(FIELDS)


def test_a_report_is_in_time_when_it_is_settled_by_its_day() -> None:
    heard = [call for day in APRIL for call in each_of(day)]
    assert {call.in_time for call in heard if call.settled is None} == {False}
    assert {call.in_time for call in heard if call.settled and call.settled > call.due} == {False}
    assert 0.95 < sum(call.in_time for call in heard) / len(heard) < 0.99


def test_every_report_is_found_by_its_code_and_no_other_is() -> None:
    day = date(2023, 4, 3)
    assert [find(call.code) for call in each_of(day)] == list(each_of(day))
    for other in (f"PA230403{count(day):02d}", "PA23049900", "PA230403", "XX23040300"):
        assert find(other) is None
