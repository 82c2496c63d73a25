from __future__ import annotations

from typing import Any

import pytest
from builders import a_reply, a_transaction
from hypothesis import given
from hypothesis import strategies as st
from ledgers import START, asked

from lgsp.ledger.row import (
    Row,
    Segment,
    Times,
    caller_hash,
    callers_of,
    crashed,
    ended_of,
    hashes_in,
    next_root,
    opened_of,
    segment_at_fault,
    trimmed,
)
from lgsp.model import Outcome, Stamps

KEY = b"k" * 32
KIND = ("svc", "GET /x", "c")


@pytest.mark.parametrize(
    ("outcome", "reason", "segment"),
    [
        ("ok", "", ""),
        ("business_fault", "", ""),
        ("rejected", "not_subscribed", "caller"),
        ("provider_error", "provider_fault", "provider"),
        ("provider_error", "", "provider"),
        ("provider_error", "bad_reply", "connector"),
        ("provider_error", "connector_exception", "connector"),
        ("provider_error", "connector_lost", "connector"),
        ("timeout", "budget_spent", "provider"),
        ("unreachable", "provider_down", "provider"),
        ("unreachable", "suspended", "provider"),
        ("bus_error", "unroutable", "bus"),
        ("bus_error", "unconfirmed", "bus"),
        ("bus_error", "overloaded", "gateway"),
        ("bus_error", "gateway_crash", "gateway"),
        ("bus_error", "a new word", "gateway"),
    ],
)
def test_every_outcome_has_a_segment_at_fault(outcome: str, reason: str, segment: Segment) -> None:
    assert segment_at_fault(Outcome(outcome), reason) == segment


@given(
    outcome=st.sampled_from(list(Outcome)),
    reason=st.text(alphabet="abcdefghijklmnopqrstuvwxyz_", max_size=32),
    status=st.integers(200, 599),
    body=st.binary(max_size=50),
    origin=st.sampled_from(["live", "replay"]),
    forced=st.booleans(),
    attempt=st.integers(1, 9),
    seconds=st.floats(0, 1_000),
)
def test_a_row_reads_back_what_was_written(body: bytes, origin: str, reason: str, **of: Any) -> None:
    request = asked(body=body, origin=origin, force="outcome=ok" if of["forced"] else "", attempt=of["attempt"])
    reply = a_reply(request, status=of["status"], body=body + b"!")
    transaction = a_transaction(of["outcome"], request=request, reply=reply, reason=reason, seconds=of["seconds"])
    row = Row(7, KIND, opened_of(request, 3, START, KEY) + ended_of(transaction))
    assert (row.id, row.accepted_us, row.origin, row.is_forced) == (request.id, int(START * 1e6), origin, of["forced"])
    assert (row.outcome, row.reason, row.status, row.attempts) == (of["outcome"], reason, of["status"], of["attempt"])
    assert (row.request_bytes, row.reply_bytes, row.took_us) == (len(body), len(body) + 1, int(of["seconds"] * 1e6))
    assert row.fault == segment_at_fault(of["outcome"], reason)
    assert row.times is None


@pytest.mark.parametrize(
    ("says", "stamps", "times"),
    [
        ("all five", (10, 11, 91, 92), Times(2_000, 8_000, 2_000, 80_000, 8_000)),
        ("a connector's clock that is behind", (0, 1, 81, 82), Times(2_000, 0, 2_000, 80_000, 18_000)),
        ("a connector's clock that is ahead", (200, 201, 281, 282), Times(2_000, 198_000, 2_000, 80_000, 0)),
        ("a provider that was never called", (10, 10, 10, 12), Times(2_000, 8_000, 2_000, 0, 88_000)),
    ],
)
def test_the_stamps_split_the_time(says: str, stamps: tuple[int, ...], times: Times) -> None:
    request = asked()
    given_stamps = Stamps(*(int((1_000 + ms / 1000) * 1e9) for ms in stamps))
    reply = a_reply(request, stamps=given_stamps)
    ended = ended_of(a_transaction(request=request, reply=reply, started_at=1_000.0, sent_at=1_000.002, seconds=0.1))
    row = Row(1, KIND, opened_of(request, 1, START, KEY) + ended)
    assert row.times is not None
    for segment in ("gateway", "queue", "connector", "provider", "back"):
        assert getattr(row.times, segment) == pytest.approx(getattr(times, segment), abs=1), f"{says}: {segment}"


def test_an_open_row_has_no_outcome_and_no_times() -> None:
    row = Row(0, KIND, opened_of(asked(), 1, START, KEY))
    assert (row.outcome, row.is_ended, row.times, row.reason, row.fault, row.took_us) == (None, False, None, "", "", 0)


def test_what_a_crash_ends_took_until_the_start_after_it() -> None:
    opened = opened_of(asked(), 1, START, KEY)
    row = Row(1, KIND, opened + crashed(opened, START + 12))
    assert (row.outcome, row.reason, row.fault, row.took_us) == (
        Outcome.BUS_ERROR, "gateway_crash", "gateway", 12_000_000,
    )  # fmt: skip
    behind = Row(1, KIND, opened + crashed(opened, START - 3_600))
    assert behind.took_us == 0


def test_a_caller_is_found_by_each_of_its_ids_and_by_no_other_key() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    request = asked(asked_as="YC-1", headers={"idempotency-key": "k-1", "traceparent": trace})
    found = hashes_in(trimmed(callers_of(request, KEY)))
    assert found == {caller_hash(text, KEY) for text in ("YC-1", "k-1", trace)}
    assert caller_hash("0af7651916cd43dd8448eb211c80319c", KEY) in found
    assert caller_hash("YC-1", b"another" * 4) not in found
    assert callers_of(asked(), KEY) == b""


@pytest.mark.parametrize("changed", ["root", "sequence", "body", "digest"])
def test_every_part_of_a_row_is_in_its_link(changed: str) -> None:
    parts = {"root": bytes(32), "sequence": 1, "body": b"body", "digest": bytes(16)}
    other = parts | {changed: {"root": b"\1" * 32, "sequence": 2, "body": b"Body", "digest": b"\1" * 16}[changed]}
    assert next_root(**parts) != next_root(**other)  # type: ignore[arg-type]  # a row of a table
