from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from ledgers import START, a_ledger, pass_through, tampering

from lgsp.cli import lgsp
from lgsp.clock import ManualClock
from lgsp.ledger.chain import Checkpoint
from lgsp.ledger.events import OPERATOR, Events, append
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.ledger.verify import verify


@pytest.fixture
async def lies(tmp_path: Path) -> Path:
    """A ledger of two rows and three events, signed at its end."""
    directory, clock = tmp_path / "state", ManualClock(START)
    async with a_ledger(directory, clock) as ledger:
        await pass_through(ledger, 2)
        events = Events(ledger, clock)
        assert await events.note(OPERATOR, "parked.drop", "019a", {}) == 1
        await clock.advance(60)
        assert await events.note(OPERATOR, "fault.add", "gw1-1", {"kind": "outage", "lý do": "diễn tập"}) == 2
        await events.note("files", "consumer.changed", "desk", {"keys": ["secrets"]})
    return directory


def test_what_was_done_is_read_in_its_order(lies: Path) -> None:
    found = Reader(Files(lies, "gw1")).events()
    assert [(event.sequence, event.who, event.what, event.subject) for event in found] == [
        (1, "operator", "parked.drop", "019a"),
        (2, "operator", "fault.add", "gw1-1"),
        (3, "files", "consumer.changed", "desk"),
    ]
    assert found[1].detail == {"kind": "outage", "lý do": "diễn tập"}
    assert [event.sequence for event in Reader(Files(lies, "gw1")).events(int((START + 1) * 1e6))] == [2, 3]


def test_what_nobody_changed_is_well(lies: Path) -> None:
    found = verify(Files(lies, "gw1"))
    assert (found.problems, found.rows, found.events) == ([], 2, 3)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE event SET who = 'nobody' WHERE seq = 2", "event 2 was changed"),
        ("UPDATE event SET at_us = at_us + 1 WHERE seq = 1", "event 1 was changed"),
        ("UPDATE event SET detail = '{}' WHERE seq = 3", "event 3 was changed"),
        ("DELETE FROM event WHERE seq = 2", "event 2 is missing: event 3 stands in its place"),
        ("DELETE FROM event WHERE seq = 3", "truncated: 2 events, checkpoint {last} attests 3"),
        ("DELETE FROM event", "truncated: 0 events, checkpoint {last} attests 3"),
    ],
)
def test_what_was_changed_is_named(lies: Path, statement: str, says: str) -> None:
    last = verify(Files(lies, "gw1")).checkpoints
    with tampering(lies) as db:
        db.execute(statement)
    assert any(says.format(last=last) in problem for problem in verify(Files(lies, "gw1")).problems)


def test_events_written_anew_are_found_by_the_checkpoint(lies: Path) -> None:

    last = verify(Files(lies, "gw1")).checkpoints
    with tampering(lies) as db:
        db.execute("DELETE FROM event")
        for number in range(3):
            append(db, number, "nobody", "nothing", "", {})
    assert any(
        f"event 3 has another link than checkpoint {last}" in each for each in verify(Files(lies, "gw1")).problems
    )


async def test_events_alone_are_signed_too(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with a_ledger(tmp_path, clock) as ledger:
        await Events(ledger, clock).note(OPERATOR, "parked.drop", "x", {})
    async with a_ledger(tmp_path, clock) as ledger:
        assert ledger._book.checkpoint.events == 1
        assert ledger._book.checkpoint.sequence == 0
    assert verify(Files(tmp_path, "gw1")).problems == []


def test_a_checkpoint_from_before_there_were_events_is_written_as_it_was() -> None:
    assert "event" not in Checkpoint("gw1", 1, 0, 0, 0, "", {}, "").document()
    assert '"events":2' in Checkpoint("gw1", 1, 0, 0, 0, "", {}, "", events=2).document()


async def test_many_at_once_are_one_chain(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with a_ledger(tmp_path, clock) as ledger:
        events = Events(ledger, clock)
        numbers = await asyncio.gather(*(events.note(OPERATOR, "x.y", str(n), {}) for n in range(50)))
    assert sorted(numbers) == list(range(1, 51))
    assert verify(Files(tmp_path, "gw1")).events == 50


def test_the_command_lists_and_exports_them(lies: Path) -> None:
    def run(*words: str) -> str:
        done = CliRunner().invoke(lgsp, ["ledger", *words, "--state", str(lies)])
        assert done.exit_code == 0, done.output
        return done.stdout

    first, second, third = run("events").splitlines()
    assert first.startswith("2023-05-24T00:00:00.000Z  operator   parked.drop")
    assert "diễn tập" in second
    assert third.endswith('desk  {"keys": ["secrets"]}')
    told = json.loads(run("events", "--json", "--since", "2023-05-24T00:00:30Z"))
    assert [(one["sequence"], one["subject"]) for one in told] == [(2, "gw1-1"), (3, "desk")]
    assert [json.loads(line)["what"] for line in run("export", "--events").splitlines()] == [
        "parked.drop",
        "fault.add",
        "consumer.changed",
    ]
