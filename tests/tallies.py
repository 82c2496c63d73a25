"""Small periods for tests: tallies written by hand, and a report of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from builders import shipped

from lgsp.ledger.hours import bucket
from lgsp.ledger.past import About
from lgsp.ledger.tally import OFFICIAL, Sum, Tally
from lgsp.monitoring.report.compose import Standing, compose
from lgsp.monitoring.report.document import Document, Language, Section
from lgsp.monitoring.report.figures import Figures, Source, Span, Stream, figures
from lgsp.monitoring.report.proof import Account, Proof

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MAY = Span(date(2023, 5, 23), date(2023, 5, 24), ZONE)
Counted = tuple[str, str, str, str, int]
"""Local hour (`2023-05-23T09`), service, consumer, outcome, how many."""
LIVE: list[Counted] = [
    ("2023-05-23T00", "e-office", "so-tttt", "ok", 900),
    ("2023-05-23T09", "e-office", "so-tttt", "business_fault", 60),
    ("2023-05-23T09", "e-office", "ubnd", "timeout", 20),
    ("2023-05-24T23", "population", "ubnd", "rejected", 10),
    ("2023-05-24T23", "population", "ubnd", "ok", 10),
]
PAST: list[Counted] = [
    ("2023-05-23T09", "e-office", "", "ok", 700),
    ("2023-05-23T09", "tthc-dossiers", "", "bus_error", 5),
    ("2023-05-24T10", "gone-service", "", "unreachable", 7),
]


def hour(local: str) -> int:
    """Hours since the epoch."""
    return int(datetime.strptime(local, "%Y-%m-%dT%H").replace(tzinfo=ZONE).timestamp() // 3600)


def a_tally(counted: list[Counted], ms: int = 100) -> Tally:
    sums: dict[tuple[str, str, str], Sum] = {}
    hours: dict[tuple[int, str], int] = {}
    failing: dict[tuple[int, str], int] = {}
    sketches: dict[str, dict[int, int]] = {}
    last: dict[tuple[str, str], int] = {}
    for local, service, consumer, outcome, n in counted:
        at, us = hour(local), ms * 1000
        key = (service, consumer, outcome)
        sums[key] = sums.get(key, Sum()) + Sum(n, n * us, us, us, n * 10, n * 20)
        hours[at, outcome] = hours.get((at, outcome), 0) + n
        last[service, outcome] = max(at, last.get((service, outcome), 0))
        sketch = sketches.setdefault(service, {})
        sketch[bucket(us)] = sketch.get(bucket(us), 0) + n
        if outcome not in OFFICIAL:
            failing[at, service] = failing.get((at, service), 0) + n
    return Tally(sums, hours, sketches, last, failing)


def some_figures(**fields: Any) -> Figures:
    sources = [Source("gw1", synthetic=False, tally=a_tally(LIVE)), Source("past", synthetic=True, tally=a_tally(PAST))]
    streams = [Stream("dossiers", "2023-05-23", "2023-05-24", {"province": 30, "district": 70})]
    return figures(MAY, sources, **{"streams": streams, "before": 856} | fields)


def an_about(**fields: Any) -> About:
    return About(
        **{
            "scenario": "quang-nam-2023.yaml",
            "scenario_sha256": "ab" * 32,
            "seed": 7,
            "zone": ZONE.key,
            "first": "2023-05-23",
            "last": "2023-05-24",
            "calls": 712,
            "official": 700,
            "moved_days": 0,
            "minutes_sha256": "",
            "changes": [],
            "version": "1",
            "captions": {
                "dossiers": {"vi": "Hồ sơ", "en": "Dossiers"},
                "province": {"vi": "Cấp tỉnh", "en": "Province"},
            },
            "places": {"complete": ["Nông Sơn", "Hiệp Đức"]},
            "places_title": {"vi": "Bưu điện", "en": "Post"},
            "episodes": [
                {"first": "2023-05-24", "last": "2023-05-24", "services": [], "title": {"vi": "Sự cố", "en": "Trouble"}}
            ],
            "hours_sha256": "cd" * 32,
        }
        | fields
    )


def a_proof(**fields: Any) -> Proof:
    accounts = [Account("gw1", 1000, 3, 1000, "ef" * 32)]
    return Proof(
        **{
            "digest": "12" * 32,
            "command": "lgsp report --check 12",
            "version": "1",
            "accounts": accounts,
            "past": an_about(),
        }
        | fields
    )


def a_report(
    language: Language = "en",
    made: Figures | None = None,
    proof: Proof | None = None,
    annexes: tuple[Section, ...] = (),
    standing: Standing | None = None,
) -> Document:
    made, proof = made or some_figures(), proof or a_proof()
    return compose(made, shipped(), proof, standing or Standing(), language, annexes)
