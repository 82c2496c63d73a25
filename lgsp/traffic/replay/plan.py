"""What a capture asks again: which of its records go, in which form, and when. The books balance.

records = to send + filtered (not wanted) + skipped (cannot be sent), each with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlsplit

from lgsp.capture.record import GATEWAY, Record
from lgsp.traffic.replay.bind import Binding, Slot, Trace
from lgsp.traffic.replay.place import Said
from lgsp.traffic.replay.sign import Signature

_NS = 1_000_000_000
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset(
    {
        "authorization", "connection", "content-length", "cookie", "expect", "host", "keep-alive", "proxy-authorization",
        "te", "trailer", "transfer-encoding", "upgrade", "x-lgsp-key",
    }
)  # fmt: skip
"""Headers that speak of the recorded connection, or are somebody's credentials: never sent again."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One call: `due` in seconds from the start of the replay, `target` path and query as they go out.

    `number` counts the calls of a replay from 0; `takes` is what it has from replies to earlier ones, `gives` what later ones
    have from the reply to it, `signs` what is computed as it goes.
    """

    number: int
    seq: int
    due: float
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    service: str
    operation: str
    takes: tuple[Slot, ...] = ()
    gives: tuple[Binding, ...] = ()
    signs: tuple[Signature, ...] = ()

    @property
    def said(self) -> Said:
        """What goes out."""
        return Said(tuple(self.headers.items()), self.body, self.target)

    def saying(self, said: Said) -> Self:
        """The same call with something else to say."""
        return replace(self, headers=dict(said.headers), body=said.body, target=said.target)


@dataclass(slots=True)
class Books:
    """Where every record of a capture went. `failed`: nobody answered, or what it takes never came; `why` has the reasons."""

    records: int = 0
    sent: int = 0
    failed: int = 0
    unsent: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)

    @property
    def balance(self) -> bool:
        """Whether every record went somewhere, once."""
        ended = self.sent + self.failed + self.unsent
        return self.records == ended + self.filtered.total() + self.skipped.total()


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a capture is wanted, and how fast. `speed` `None` is as fast as it goes; `gap` the longest pause that is kept.

    `begin` and `end` are seconds from the first record of the capture. `maps` rewrites what a path begins with. `bindings` say
    which values of replies later calls have, `signatures` what is computed again as they go.
    """

    speed: float | None = 1.0
    gap: float | None = None
    begin: float = 0.0
    end: float | None = None
    maps: Sequence[tuple[str, str]] = ()
    bindings: Sequence[Binding] = ()
    signatures: Sequence[Signature] = ()


def plan(records: Iterable[Record], wish: Wish) -> tuple[list[Planned], Books]:
    """The calls of a capture by the time when they were made, and where the other records went."""
    books, kept = Books(), list[Record]()
    for record in records:
        books.records += 1
        why = _why_not(record)
        if record.tap != GATEWAY:
            books.filtered[f"seen at {record.tap}, not at the entrance"] += 1
        elif why:
            books.skipped[why] += 1
        else:
            kept.append(record)
    kept.sort(key=lambda record: (record.t, record.seq))
    first = kept[0].t if kept else 0
    planned: list[Planned] = []
    before = passed = 0.0
    trace = Trace(wish.bindings)
    for record in kept:
        at = (record.t - first) / _NS
        if at < wish.begin or (wish.end is not None and at >= wish.end):
            books.filtered["outside of --from and --until"] += 1
            continue
        if planned:
            pause = at - before
            passed += pause if wish.gap is None else min(pause, wish.gap)
        before = at
        due = 0.0 if wish.speed is None else passed / wish.speed
        planned.append(_planned(record, len(planned), due, wish, trace))
    return planned, books


def _why_not(record: Record) -> str:
    """Why a record cannot be sent; empty when it can."""
    if record.request is None:
        return "no request"
    if not record.request.body.whole:
        return "its body was not kept"
    return ""


def _planned(record: Record, number: int, due: float, wish: Wish, trace: Trace) -> Planned:
    asked = record.request
    if asked is None:
        raise ValueError("a record without a request is never planned")
    place = urlsplit(asked.url)
    path = place.path or "/"
    for old, new in wish.maps:
        if path.startswith(old):
            path = new + path[len(old) :]
            break
    headers = {name.lower(): value for name, value in asked.headers if name.lower() not in _OWN and name[:1] != ":"}
    target = f"{path}?{place.query}" if place.query else path
    body = asked.body.data or b""
    takes = trace.takes(Said(asked.headers, body, target))
    gives = trace.gives(number, record)
    names = (record.service, record.operation)
    signs = tuple(each for each in wish.signatures if each.means(*names, asked.method, target))
    return Planned(number, record.seq, due, asked.method, target, headers, body, *names, takes, gives, signs)


def writes(planned: Iterable[Planned], idempotent: Callable[[str, str], bool]) -> Counter[str]:
    """The calls that may change something at the target, by what they ask; `idempotent` knows services and operations."""
    return Counter(
        f"{call.service} {call.operation}".strip() or f"{call.method} {call.target.partition('?')[0]}"
        for call in planned
        if call.method not in _READS and not idempotent(call.service, call.operation)
    )
