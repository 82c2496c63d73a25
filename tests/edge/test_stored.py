"""Calls that are stored first: answered in time, answered 202, refused."""

from __future__ import annotations

import json

import pytest
from gateways import Forwards, stage

from lgsp.errors import (
    LedgerUnavailable,
)
from lgsp.ledger.outbox import Conflict
from lgsp.model import Outcome


async def test_a_stored_request_that_ends_in_time_is_answered_as_the_provider_does() -> None:
    async with stage() as made:
        got = await made.ask("POST", "/svc/batch", data=b"1")
        [(request, wait)] = made.forwarder.sent
        assert (got.status, got.body, wait) == (201, b"received", 30.0)
        assert got.headers["X-Transaction-Id"] == request.id
        assert got.headers["Location"] == f"/lgsp/v1/transactions/{request.id}"
        assert "Preference-Applied" not in got.headers
        assert made.bus.arrived == []
        assert made.watch.answered == [("service", "POST", 201)]
        assert made.watch.in_flight == {"svc": 0}
        assert made.forwarder.ages == [3_600.0]


async def test_a_stored_request_that_does_not_end_in_time_is_answered_202() -> None:
    async with stage(forwarder=Forwards(ends=False)) as made:
        got = await made.ask("POST", "/svc/batch", data=b"1")
        id_ = made.forwarder.sent[0][0].id
        where = f"/lgsp/v1/transactions/{id_}"
        assert (got.status, got.headers["Location"], got.headers["X-Lgsp-Outcome"]) == (202, where, "open")
        assert json.loads(got.body) == {"transaction": id_, "state": "stored", "status": where}
        assert made.watch.answered == [("service", "POST", 202)]


@pytest.mark.parametrize("prefer", ["respond-async", "wait=5, Respond-Async"])
@pytest.mark.parametrize("path", ["/svc/x", "/svc/batch"])
async def test_whoever_prefers_it_is_answered_at_once(prefer: str, path: str) -> None:
    async with stage(forwarder=Forwards(ends=False)) as made:
        got = await made.ask("POST", path, headers={"Prefer": prefer})
        assert (got.status, got.headers["Preference-Applied"]) == (202, "respond-async")
        assert [wait for _, wait in made.forwarder.sent] == [0.0]


async def test_what_is_synchronous_is_not_stored() -> None:
    async with stage() as made:
        got = await made.ask("POST", "/svc/x", headers={"Prefer": "return=minimal"})
        assert (got.status, "Location" in got.headers, made.forwarder.sent) == (200, False, [])


async def test_a_service_that_is_off_stores_nothing() -> None:
    async with stage() as made:
        got = await made.ask("GET", "/off/x", headers={"Prefer": "respond-async"})
        assert (got.status, got.fault["code"], made.forwarder.sent) == (503, 700700, [])


async def test_a_full_outbox_refuses_before_anything_is_stored() -> None:
    async with stage(forwarder=Forwards(full="overloaded")) as made:
        got = await made.ask("POST", "/svc/batch")
        assert (got.status, got.fault["reason"], got.headers["Retry-After"]) == (503, "overloaded", "2")
        assert (made.watch.sheds, made.forwarder.sent) == (["outbox"], [])
        assert made.ledger.totals()["svc", Outcome.BUS_ERROR] == 1


async def test_a_key_that_stands_for_something_else_is_a_conflict() -> None:
    async with stage(forwarder=Forwards(error=Conflict())) as made:
        got = await made.ask("POST", "/svc/batch", headers={"Idempotency-Key": "1"})
        assert (got.status, got.fault["reason"], got.fault["retryable"]) == (409, "conflict", False)
        assert made.ledger.totals()["svc", Outcome.REJECTED] == 1


async def test_what_cannot_be_stored_is_not_accepted() -> None:
    async with stage(forwarder=Forwards(error=LedgerUnavailable("full"))) as made:
        got = await made.ask("POST", "/svc/batch")
        assert (got.status, sum(made.ledger.accepted().values())) == (503, 0)
        assert "ledger_unavailable" in got.fault["description"]


async def test_a_gateway_that_goes_down_lets_nobody_wait_for_what_is_stored() -> None:
    async with stage() as made:
        await made.gateway.stop()
        assert made.forwarder.released
