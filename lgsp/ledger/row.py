"""One line of the account, and its bytes: what is hashed is what is stored.

A line has two halves of fixed width, integers big-endian: `OPENED` is known when a transaction is accepted, `ENDED`
when it has its outcome. The journal keeps them as they are, the chain hashes them, the tables hold their fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b, sha256
from struct import Struct
from struct import error as StructError  # noqa: N812 - struct calls its exception `error`
from typing import Literal
from uuid import UUID

from lgsp.model import Outcome, Request, Stamps, Transaction

Segment = Literal["", "caller", "gateway", "bus", "connector", "provider"]
"""Whose fault it was; empty where it was nobody's."""
Kind = tuple[str, str, str]
"""Service, operation and consumer: closed sets, so the few combinations that occur are numbered."""

OPENED = Struct(">16sQIB24sI")
"""id, accepted (µs), number of the kind, flags, hashes of the caller's ids, bytes of the request."""
ENDED = Struct(">QBBHHIB20s32s")
"""took (µs), outcome, segment at fault, status, attempts, bytes of the reply, whether times are known, times, reason."""
LINE = Struct(OPENED.format + ENDED.format[1:])
"""Both halves."""
TIMES = Struct(">5I")
SEQUENCE = Struct(">Q")
REPLAY, FORCED = 1, 2
_OUTCOMES = tuple(Outcome)
_SEGMENTS: tuple[Segment, ...] = ("", "caller", "gateway", "bus", "connector", "provider")
OUTCOME_CODE: Mapping[str, int] = {outcome: number for number, outcome in enumerate(_OUTCOMES)}
SEGMENT_CODE: Mapping[str, int] = {segment: number for number, segment in enumerate(_SEGMENTS)}
_NO_CALLERS = bytes(24)
_MOST = 0xFFFF_FFFF
_US = 1_000_000
_NOBODYS_FAULT = frozenset({Outcome.OK, Outcome.BUSINESS_FAULT})
_CONNECTORS_FAULT = frozenset({"bad_reply", "connector_exception", "connector_lost", "poison"})
_BUS_FAULT = frozenset({"bus_unavailable", "bus_blocked", "unconfirmed", "unroutable", "unsupported_version"})


@dataclass(frozen=True, slots=True)
class Times:
    """Where the time of a transaction went, microseconds: ours, the queue, the connector, its provider, the way back."""

    gateway: int
    queue: int
    connector: int
    provider: int
    back: int


@dataclass(frozen=True)
class Row:
    """One transaction as the ledger knows it. `sequence` is 0 and `outcome` is `None` while it is open."""

    sequence: int
    kind: Kind
    body: bytes
    """Both halves; the second one empty while it is open."""

    @cached_property
    def _opened(self) -> tuple[bytes, int, int, int, bytes, int]:
        return OPENED.unpack_from(self.body)

    @cached_property
    def _ended(self) -> tuple[int, int, int, int, int, int, int, bytes, bytes]:
        return ENDED.unpack_from(self.body, OPENED.size) if self.is_ended else (0, 0, 0, 0, 0, 0, 0, b"", b"")

    @property
    def is_ended(self) -> bool:
        """Whether it has its outcome."""
        return len(self.body) > OPENED.size

    @property
    def id(self) -> str:
        """The transaction's id."""
        return str(UUID(bytes=self._opened[0]))

    @property
    def accepted_us(self) -> int:
        """When it was accepted, microseconds since the epoch, UTC."""
        return self._opened[1]

    @property
    def origin(self) -> str:
        """`live` or `replay`."""
        return "replay" if self._opened[3] & REPLAY else "live"

    @property
    def is_forced(self) -> bool:
        """Whether a tester chose the outcome."""
        return bool(self._opened[3] & FORCED)

    @property
    def request_bytes(self) -> int:
        """Size of the request's body."""
        return self._opened[5]

    @property
    def took_us(self) -> int:
        """From acceptance to outcome, microseconds."""
        return self._ended[0]

    @property
    def outcome(self) -> Outcome | None:
        """How it ended."""
        return _OUTCOMES[self._ended[1]] if self.is_ended else None

    @property
    def fault(self) -> Segment:
        """The segment at fault."""
        return _SEGMENTS[self._ended[2]]

    @property
    def status(self) -> int:
        """The reply's HTTP status; 0 without a reply."""
        return self._ended[3]

    @property
    def attempts(self) -> int:
        """How often it was published at most."""
        return self._ended[4]

    @property
    def reply_bytes(self) -> int:
        """Size of the reply's body."""
        return self._ended[5]

    @property
    def times(self) -> Times | None:
        """Where the time went; `None` when no connector told."""
        return Times(*TIMES.unpack(self._ended[7])) if self._ended[6] else None

    @property
    def reason(self) -> str:
        """The short word of the closed list; empty where the outcome says it all."""
        return self._ended[8].rstrip(b"\0").decode(errors="replace")


def segment_at_fault(outcome: Outcome, reason: str) -> Segment:
    """Whose fault an outcome is. `rejected` is the caller's, silence the provider's, and what we broke is ours."""
    if outcome in _NOBODYS_FAULT:
        return ""
    if outcome is Outcome.REJECTED:
        return "caller"
    if outcome is Outcome.BUS_ERROR:
        return "bus" if reason in _BUS_FAULT else "gateway"
    return "connector" if reason in _CONNECTORS_FAULT else "provider"


def times_of(started: float, sent: float, seconds: float, stamps: Stamps | None) -> bytes:
    """Where the time went, by two clocks; what comes out negative counts as 0. Empty without the connector's stamps."""
    if stamps is None or not sent:
        return b""
    provider = (stamps.t5 - stamps.t4) * 1e-9
    times = (
        round((sent - started) * _US),
        round((stamps.t3 * 1e-9 - sent) * _US),
        round(((stamps.t6 - stamps.t3) * 1e-9 - provider) * _US),
        round(provider * _US),
        round((started + seconds - stamps.t6 * 1e-9) * _US),
    )
    try:
        return TIMES.pack(*times)
    except StructError:  # one of them does not fit
        return TIMES.pack(*(min(max(time, 0), _MOST) for time in times))


def callers_of(request: Request, key: bytes) -> bytes:
    """Keyed hashes, 8 bytes each, of the ids by which the caller knows this request; at most three."""
    headers = request.headers
    if not (request.asked_as or "idempotency-key" in headers or "traceparent" in headers):
        return b""
    ids = (request.asked_as, headers.get("idempotency-key", ""), headers.get("traceparent", ""))
    return b"".join(caller_hash(text, key) for text in ids if text)


def caller_hash(text: str, key: bytes) -> bytes:
    """The keyed hash under which a caller's id is found; of a `traceparent` only the trace counts."""
    parts = text.strip().split("-")
    if len(parts) == 4 and len(parts[1]) == 32:
        text = parts[1]
    return blake2b(text.strip().encode(errors="replace"), digest_size=8, key=key).digest()


def trimmed(callers: bytes) -> bytes:
    """The hashes of a caller's ids without the places that hold none."""
    if callers == _NO_CALLERS:
        return b""
    return b"".join(callers[at : at + 8] for at in range(0, len(callers), 8) if any(callers[at : at + 8]))


def hashes_in(callers: bytes) -> set[bytes]:
    """The hashes, each once."""
    return {callers[at : at + 8] for at in range(0, len(callers), 8)}


def opened_of(request: Request, kind: int, accepted: float, key: bytes) -> bytes:
    """The first half of the line of `request`. Raises `ValueError` when its id is no UUID."""
    flags = (REPLAY if request.origin == "replay" else 0) | (FORCED if request.forced else 0)
    return OPENED.pack(
        bytes.fromhex(request.id.replace("-", "")),
        int(accepted * _US),
        kind,
        flags,
        callers_of(request, key),
        min(len(request.body), _MOST),
    )


def ended_us(body: bytes) -> int:
    """When the transaction of both halves ended, microseconds since the epoch."""
    accepted: int = OPENED.unpack_from(body)[1]
    took: int = ENDED.unpack_from(body, OPENED.size)[0]
    return accepted + took


def ended_of(transaction: Transaction) -> bytes:
    """The second half of the line of `transaction`."""
    reply = transaction.reply
    outcome = transaction.outcome
    status, answered, times = 0, 0, b""
    if reply is not None:
        status, answered = max(min(reply.status, 0xFFFF), 0), min(len(reply.body), _MOST)
        times = times_of(transaction.started_at, transaction.sent_at, transaction.seconds, reply.stamps)
    return ENDED.pack(
        max(int(transaction.seconds * _US), 0),
        OUTCOME_CODE[outcome],
        SEGMENT_CODE[segment_at_fault(outcome, transaction.reason)],
        status,
        max(min(transaction.request.attempt, 0xFFFF), 0),
        answered,
        bool(times),
        times,
        transaction.reason.encode()[:32],
    )


def crashed(opened: bytes, now: float) -> bytes:
    """The second half of a transaction that was under way when its gateway died."""
    accepted: int = OPENED.unpack(opened)[1]
    took = max(int(now * _US) - accepted, 0)
    return ENDED.pack(took, OUTCOME_CODE[Outcome.BUS_ERROR], SEGMENT_CODE["gateway"], 0, 1, 0, 0, b"", b"gateway_crash")


def kind_digest(kind: Kind) -> bytes:
    """Stands for service, operation and consumer in the chain: a name changed afterwards breaks its rows."""
    return sha256("\0".join(kind).encode()).digest()[:16]


def next_root(root: bytes, sequence: int, body: bytes, digest: bytes) -> bytes:
    """The chain's next link: over the link before, the row's number, its two halves, and what its kind stands for."""
    return sha256(root + SEQUENCE.pack(sequence) + body + digest).digest()
