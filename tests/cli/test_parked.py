"""What was given up: the command, the admin port, and what neither says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders import Unstored
from click.testing import CliRunner, Result
from ledgers import START, a_ledger, asked
from ports import an_admin_port

from lgsp.bus.memory import MemoryBus
from lgsp.catalogue.callback import Callback
from lgsp.catalogue.consumer import Consumer
from lgsp.cli import lgsp
from lgsp.clock import ManualClock
from lgsp.edge.guard import Guard, Role
from lgsp.edge.parked import Parked
from lgsp.forwarding.callbacks import Callbacks
from lgsp.forwarding.forwarder import Forwarder
from lgsp.ledger.calls import Calls
from lgsp.ledger.events import Events
from lgsp.ledger.files import Files
from lgsp.ledger.outbox import Outbox
from lgsp.ledger.reader import Reader
from lgsp.model import Outcome, Reply

CANARY = "001234567890"
"""What only a body and a path hold."""


@dataclass
class Stage:
    forwarder: Forwarder
    admin: str
    state: Path
    again: str
    calls: Calls

    async def give_up(self, service: str = "svc") -> str:
        request = asked(service=service, operation="POST /x/{id}", path=f"/x/{CANARY}", body=CANARY.encode())
        await self.forwarder.send(request, wait=0)
        assert await self.forwarder.take(Reply(request.id, Outcome.PROVIDER_ERROR, 502, "poison"), 1)
        return request.id

    async def run(self, *arguments: str) -> Result:
        whole = ["parked", *arguments, "--admin", self.admin, "--state", str(self.state)]
        return await asyncio.to_thread(CliRunner().invoke, lgsp, whole)


@asynccontextmanager
async def stage(directory: Path) -> AsyncIterator[Stage]:
    clock, again = ManualClock(START), asked().id
    (directory / "secrets").mkdir()
    (directory / "secrets" / "admin-token").write_text("secret")
    async with a_ledger(directory, clock) as ledger, MemoryBus(clock) as bus:
        watch = Unstored()

        async def deaf(*_: object) -> str:
            return "nobody listens"

        callbacks = Callbacks(Calls(ledger), deaf, watch, clock, directory, str, seed=7)
        callbacks.replace([Consumer(id="told", callback=Callback(url="https://told.example", secret_file="none"))])
        async with (
            callbacks,
            Forwarder(
                bus, Outbox(ledger, clock), [], watch, watch, clock, seed=7, bus_forgets=True, debts=callbacks
            ) as forwarder,
        ):
            routes = Parked(forwarder, callbacks, Events(ledger, clock), lambda: again).routes()
            guard = Guard({Role.ADMIN: "secret"}, clock.now, loopback=True)
            async with an_admin_port(routes, clock, guard) as port:
                yield Stage(forwarder, port, directory, again, Calls(ledger))


async def test_what_was_given_up_is_listed_and_shown_without_its_words(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        nothing = await made.run("ls")
        assert (nothing.exit_code, nothing.stdout) == (0, "")
        first, other = await made.give_up(), await made.give_up("other")
        listed = json.loads((await made.run("ls", "--json")).stdout)
        assert [(one["id"], one["service"], one["outcome"], one["reason"]) for one in listed] == [
            (first, "svc", "provider_error", "poison"),
            (other, "other", "provider_error", "poison"),
        ]
        assert listed[0]["kept_until"] == "2023-06-23T00:00:00.000Z"
        [line] = (await made.run("ls", "--service", "other")).stdout.splitlines()
        assert other in line
        shown = await made.run("show", first)
        assert shown.exit_code == 0
        assert json.loads((await made.run("show", first, "--json")).stdout) == listed[0]
        assert CANARY not in shown.output + line + json.dumps(listed)


async def test_requeued_it_is_a_transaction_of_its_own(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        id_ = await made.give_up()
        done = await made.run("requeue", id_)
        assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, f"{id_} -> {made.again}")
        assert json.loads((await made.run("ls", "--json")).stdout) == []
        [event] = Reader(Files(made.state, "gw1")).events()
        assert (event.who, event.what, event.subject) == ("admin", "parked.requeue", id_)
        assert event.detail == {"as": made.again}
        kept = await made.forwarder.find(made.again)
        assert kept is not None
        assert (kept.has_body, kept.outcome) == (True, None)


async def test_a_callback_that_was_given_up_is_listed_and_begins_anew(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        request = asked(service="svc", operation="POST /x", consumer="told", body=CANARY.encode())
        await made.forwarder.send(request, wait=0)
        assert await made.forwarder.take(Reply(request.id, body=b"done"), 1)
        await made.calls.give_up(request.id, keep=START + 1)
        [one] = json.loads((await made.run("ls", "--callbacks", "--json")).stdout)
        assert (one["id"], one["consumer"], one["outcome"], one["tries"]) == (request.id, "told", "ok", 8)
        [line] = (await made.run("ls", "--callbacks")).stdout.splitlines()
        assert request.id in line
        assert (await made.run("requeue", request.id)).exit_code == 0
        assert json.loads((await made.run("ls", "--callbacks", "--json")).stdout) == []
        assert [call.id for call in await made.calls.owed()] == [request.id]
        assert [event.what for event in Reader(Files(made.state, "gw1")).events()] == ["callback.requeue"]


async def test_dropped_it_is_gone_for_good_and_asks_before(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        id_ = await made.give_up()
        assert (await made.run("drop", id_)).exit_code != 0
        assert len(await made.forwarder.list_parked()) == 1
        done = await made.run("drop", "--yes", id_)
        assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, id_)
        assert [event.what for event in Reader(Files(made.state, "gw1")).events()] == ["parked.drop"]
        assert await made.forwarder.list_parked() == []


@pytest.mark.parametrize("what", [["show"], ["requeue"], ["drop", "--yes"]])
async def test_what_is_not_parked_is_said_to_be_absent(tmp_path: Path, what: list[str]) -> None:
    async with stage(tmp_path) as made:
        open_ = asked()
        await made.forwarder.send(open_, wait=0)
        for id_ in (open_.id, asked().id, "nonsense"):
            done = await made.run(*what, id_)
            assert done.exit_code != 0
            assert "no parked transaction has the id" in str(done.exception)
