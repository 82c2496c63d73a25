from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from structlog.testing import capture_logs

from lgsp.clock import ManualClock
from lgsp.edge import faults
from lgsp.edge.access import Stranger
from lgsp.edge.audit import APART, Audit, Repeats
from lgsp.errors import LedgerUnavailable


class Kept:
    """A ledger that takes events, or does not."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, str, dict[str, Any]]] = []
        self.is_full = False

    async def note(self, who: str, what: str, subject: str, detail: Mapping[str, Any]) -> None:
        if self.is_full:
            raise LedgerUnavailable("the disk is full")
        self.events.append((who, what, subject, dict(detail)))


def told(**fields: object) -> dict[str, object]:
    return {"event": "caller refused", "log_level": "warning", **fields}


def test_what_comes_again_is_counted_and_so_is_what_is_too_much() -> None:
    repeats = Repeats(2)
    assert repeats.over() == []
    assert [repeats.is_news(thing) for thing in "aabac"] == [True, False, True, False, False]
    assert [repeats.is_news("d") for _ in range(3)] == [False] * 3
    assert repeats.over() == [("a", 2), ("and others", 4)]
    assert repeats.over() == []
    assert repeats.is_news("d")


def test_the_first_few_of_a_kind_are_told_where_they_may_be_few() -> None:
    repeats = Repeats(9)
    assert [repeats.is_news("a", 3) for _ in range(5)] == [True, True, True, False, False]
    assert repeats.over() == [("a", 2)]


async def test_a_flood_of_one_stranger_is_one_line_and_a_number_and_no_event() -> None:
    clock, kept = ManualClock(), Kept()
    audit = Audit(clock, kept.note)
    with capture_logs() as logs:
        for number in range(1_000):
            audit.stranger("no token", "10.0.0.1", asked=f"s{number}")
        audit.stranger("forged", "10.0.0.1", asked="gis")
        audit.stranger("no token", "10.0.0.2", asked="gis")
        await audit.settle()
        audit.stranger("no token", "10.0.0.1", asked="gis")
    assert logs == [
        told(why="no token", address="10.0.0.1", asked="s0"),
        told(why="forged", address="10.0.0.1", asked="gis"),
        told(why="no token", address="10.0.0.2", asked="gis"),
        told(why="no token", address="10.0.0.1", more=999),
        told(why="no token", address="10.0.0.1", asked="gis"),
    ]
    assert kept.events == []


async def test_strangers_from_everywhere_write_no_more_than_a_minute_has_room_for() -> None:
    audit = Audit(ManualClock())
    with capture_logs() as logs:
        for number in range(5 * APART):
            audit.stranger("no token", f"10.0.{number // 250}.{number % 250}")
        await audit.settle()
    assert len(logs) == APART + 1
    assert logs[-1] == told(why="and others", address="", more=4 * APART)


async def test_who_is_somebody_is_an_event_and_a_flood_of_it_a_number() -> None:
    kept = Kept()
    audit = Audit(ManualClock(), kept.note)
    elsewhere = Stranger(faults.OTHER_NETWORK, "one-stop")
    with capture_logs() as logs:
        for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.1"):
            await audit.refused(elsewhere, address, "gis")
        await audit.settle()
    why = faults.OTHER_NETWORK.description
    assert kept.events == [
        ("one-stop", "consumer.refused", "gis", {"address": "10.0.0.1", "why": why}),
        ("one-stop", "consumer.refused", "gis", {"address": "10.0.0.2", "why": why}),
        ("one-stop", "consumer.refused", "gis", {"address": "10.0.0.1", "why": why, "more": 2}),
    ]
    assert logs == []


async def test_somebody_from_everywhere_fills_no_ledger() -> None:
    kept = Kept()
    audit = Audit(ManualClock(), kept.note)
    for number in range(2 * APART):
        await audit.known("one-stop", "consumer.refused", f"s{number}", "10.0.0.1")
    await audit.settle()
    assert len(kept.events) == APART + 1
    assert kept.events[-1] == ("and others", "repeated", "", {"address": "", "more": APART})


async def test_what_finds_no_ledger_is_a_line_of_the_log() -> None:
    kept = Kept()
    kept.is_full = True
    with capture_logs() as logs:
        await Audit(ManualClock(), kept.note).known("demo", "token.issued", "demo", "10.0.0.1", token="7")
        await Audit(ManualClock()).known("viewer", "role.refused", "POST /x", "::1", wanted="admin")
    named = {"log_level": "warning", "who": "demo", "what": "token.issued", "subject": "demo", "address": "10.0.0.1"}
    assert logs[0] == {"event": "not in the ledger", "token": "7", "error": "the disk is full", **named}
    assert (logs[1]["event"], logs[1]["who"], logs[1]["wanted"]) == ("decided", "viewer", "admin")
