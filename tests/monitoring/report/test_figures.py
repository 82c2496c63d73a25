from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from tallies import LIVE, MAY, PAST, a_tally, hour, some_figures

from lgsp.model import Outcome
from lgsp.monitoring.report.figures import Source, Span, Stream, figures, official_success, sli, streams_of, together


def test_a_period_is_whole_days_of_its_own_calendar() -> None:
    span = Span(date(2023, 1, 1), date(2023, 5, 24), ZoneInfo("Asia/Ho_Chi_Minh"))
    begin, end = span.hours
    assert (span.days, end - begin) == (144, 144 * 24)
    assert begin * 3600 == 1_672_506_000  # 31 December, 17:00 UTC
    assert (span.before().first, span.before().last) == (date(2022, 8, 10), date(2022, 12, 31))


def test_every_group_has_every_transaction_once() -> None:
    made = some_figures()
    assert made.whole.total == 1712
    for name_of in (lambda key: key[0], lambda key: key[1], lambda _: "all"):
        groups = made.groups(name_of)
        assert sum(group.total for group in groups) == 1712
        assert sum(group.synthetic for group in groups) == 712
    days = made.by_time(lambda at: at.strftime("%Y-%m-%d"))
    assert [(day.name, day.total, day.synthetic) for day in days] == [("2023-05-23", 1685, 705), ("2023-05-24", 27, 7)]


def test_outcomes_and_whose_fault_they_are() -> None:
    made = some_figures()
    assert made.counts() == {
        "ok": 1610, "business_fault": 60, "rejected": 10, "provider_error": 0, "timeout": 20, "unreachable": 7,
        "bus_error": 5,
    }  # fmt: skip
    assert made.faults() == {"caller": 10, "provider": 27, "gateway": 5}
    assert figures(MAY, []).counts() == dict.fromkeys(Outcome, 0)


@pytest.mark.parametrize(
    ("counts", "official", "indicator"),
    [
        ({}, None, None),
        ({"rejected": 4}, 0.0, None),
        ({"ok": 90, "business_fault": 9, "timeout": 1}, 0.99, 0.99),
        ({"ok": 90, "rejected": 10}, 0.9, 1.0),
    ],
)
def test_the_two_success_figures(counts: dict[str, int], official: float | None, indicator: float | None) -> None:
    assert official_success(counts) == official
    assert sli(counts) == indicator


def test_the_digest_is_of_every_count_and_of_nothing_else() -> None:
    digest = some_figures().digest()
    assert some_figures().digest() == digest
    assert some_figures(before=5, left_out=3).digest() == digest
    one_more = [*LIVE[:-1], (*LIVE[-1][:4], LIVE[-1][4] + 1)]
    elsewhere = [*LIVE[:-1], ("2023-05-24T22", *LIVE[-1][1:])]
    for changed in (one_more, elsewhere):
        sources = [Source("gw1", False, a_tally(changed)), Source("past", True, a_tally(PAST))]  # noqa: FBT003
        assert figures(MAY, sources, streams=some_figures().streams).digest() != digest
    assert some_figures(streams=[Stream("dossiers", "2023-05-23", "2023-05-24", {"province": 31})]).digest() != digest


def test_files_together_are_one() -> None:
    whole = together([a_tally(LIVE, ms=100), a_tally(PAST, ms=300)])
    assert whole.sums["e-office", "", "ok"].n == 700
    assert whole.hours[hour("2023-05-23T09"), "ok"] == 700
    assert sorted(whole.sketches["e-office"].values()) == [700, 980]
    assert whole.last["population", "ok"] == hour("2023-05-24T23")
    assert together([]).total == 0


def test_streams_have_the_days_of_the_period_only() -> None:
    rows = [
        ("2023-05-22", "dossiers", "commune", 1),
        ("2023-05-23", "dossiers", "commune", 2),
        ("2023-05-24", "dossiers", "province", 4),
        ("2023-05-25", "dossiers", "province", 8),
        ("2023-05-24", "calls", "all", 16),
    ]
    assert streams_of(rows, MAY, ["province", "commune", "dossiers", "calls"]) == [
        Stream("dossiers", "2023-05-23", "2023-05-24", {"province": 4, "commune": 2}),
        Stream("calls", "2023-05-24", "2023-05-24", {"all": 16}),
    ]
    assert streams_of([], MAY) == []
