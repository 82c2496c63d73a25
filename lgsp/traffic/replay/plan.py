"""What a capture asks again: which of its records go, in which form, and when. The books balance.

records = to send + filtered (not wanted) + skipped (cannot be sent), each with its reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self
from urllib.parse import urlsplit

from lgsp.capture.record import GATEWAY, Asked, Record
from lgsp.traffic.replay.bind import Binding, Slot, Trace
from lgsp.traffic.replay.fresh import Fresh
from lgsp.traffic.replay.place import Said
from lgsp.traffic.replay.sign import Signature
from lgsp.traffic.replay.turns import Turns

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

    `key` is that of its draws, and names it in its replay: the number of its record, in later rounds with that of the round (`12.2`).

    `number` counts the calls of a replay from 0; `takes` is what it has from replies to earlier ones, `gives` what later ones
    have from the reply to it, `signs` what is computed as it goes. Calls of one `turn` go one after the other.
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
    key: str = ""
    turn: str | None = None
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

    With a `rate` the calls go evenly, so many a second, whatever their times. `begin` and `end` are seconds from the first record
    that can be sent; whose key stands in `done` went before. `maps` rewrites what a path begins with. `bindings` say which values
    of replies later calls have, `signatures` what is computed again as they go, `turns` which calls wait for each other, `fresh` what of them
    is another one on another day.
    """

    speed: float | None = 1.0
    rate: float | None = None
    gap: float | None = None
    begin: float = 0.0
    end: float | None = None
    done: Collection[str] = ()
    maps: Sequence[tuple[str, str]] = ()
    bindings: Sequence[Binding] = ()
    signatures: Sequence[Signature] = ()
    turns: Turns = field(default_factory=Turns)
    fresh: Fresh = field(default_factory=Fresh)


def sendable(records: Iterable[Record], books: Books) -> Iterator[Record]:
    """The records that can be asked again; the others are counted by why they cannot."""
    for record in records:
        books.records += 1
        why = _why_not(record)
        if record.tap != GATEWAY:
            books.filtered[f"seen at {record.tap}, not at the entrance"] += 1
        elif why:
            books.skipped[why] += 1
        else:
            yield record


class Plan:
    """Records to calls, one by one as they come. It may go through a capture several times, one after the other."""

    def __init__(self, wish: Wish, books: Books) -> None:
        self._wish = wish
        self._books = books
        self._trace = Trace(wish.bindings)
        self._round = 0
        self._number = 0
        self._due = 0.0
        self._after = 0.0
        """Of the last call so far, and how long after it another round begins."""

    def __repr__(self) -> str:
        return f"<Plan of {self._number} calls in {self._round} rounds>"

    def calls(self, records: Iterable[Record]) -> Iterator[Planned]:
        """The calls of a round; `records` are `sendable`, and come in the order of their times."""
        self._round += 1
        wish, last = self._wish, 0.0
        first: int | None = None
        start, in_round, passed = self._due + self._after if self._number else 0.0, 0, 0.0
        for record in records:
            first = record.t if first is None else first
            at = (record.t - first) / _NS
            if at < wish.begin or (wish.end is not None and at >= wish.end):
                self._books.filtered["outside of --from and --until"] += 1
                continue
            if self._key(record) in wish.done:
                self._books.filtered["went in an earlier run"] += 1
                continue
            if in_round:
                pause = at - last
                passed += pause if wish.gap is None else min(pause, wish.gap)
            last = at
            self._due = start + self._moment(in_round, passed)
            self._after = (self._due - start) / in_round if in_round else 1.0 / (wish.rate or 1.0)
            yield self._call(record, first)
            in_round += 1

    def _moment(self, number: int, passed: float) -> float:
        wish = self._wish
        if wish.rate is not None:
            return number / wish.rate
        return 0.0 if wish.speed is None else passed / wish.speed

    def _key(self, record: Record) -> str:
        return str(record.seq) if self._round == 1 else f"{record.seq}.{self._round}"

    def _call(self, record: Record, first: int) -> Planned:
        asked = record.request
        if asked is None:
            raise ValueError("a record without a request is never planned")
        target, body = _target(asked.url, self._wish.maps), asked.body.data or b""
        headers = {name.lower(): value for name, value in asked.headers if name.lower() not in _OWN and name[:1] != ":"}
        whole = Said(asked.headers, body, target)
        takes, gives = self._trace.takes(whole), self._trace.gives(self._number, record)
        given = {recorded for slot in takes for recorded in slot.sources}
        said = self._wish.fresh.made(Said(tuple(headers.items()), body, target), first, given)
        call = Planned(
            self._number,
            record.seq,
            self._due,
            asked.method,
            said.target,
            dict(said.headers),
            said.body,
            record.service,
            record.operation,
            key=self._key(record),
            turn=self._wish.turns.of(record, whole),
            takes=takes,
            gives=gives,
            signs=tuple(each for each in self._wish.signatures if _signed_by(each, record, asked, target)),
        )
        self._number += 1
        return call


def plan(records: Iterable[Record], wish: Wish) -> tuple[list[Planned], Books]:
    """All calls of a capture that is held in memory, in whatever order it lies there."""
    books = Books()
    kept = sorted(sendable(records, books), key=lambda record: (record.t, record.seq))
    return list(Plan(wish, books).calls(kept)), books


def _signed_by(signature: Signature, record: Record, asked: Asked, target: str) -> bool:
    return signature.means(record.service, record.operation, asked.method, target)


_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NOT_SENT = re.compile("[\\x00\\r\\n\\ud800-\\udfff]")


def _why_not(record: Record) -> str:
    """Why a record cannot be sent; empty when it can."""
    if record.request is None:
        return "no request"
    if not record.request.body.whole:
        return "its body was not kept"
    if not _METHOD.fullmatch(record.request.method):
        return "its method is none"
    try:
        urlsplit(record.request.url).geturl().encode()
    except ValueError:
        return "its url is none"
    if any(_NOT_SENT.search(part) for pair in record.request.headers for part in pair):
        return "a header cannot be sent"
    return ""


def _target(url: str, maps: Sequence[tuple[str, str]]) -> str:
    place = urlsplit(url)
    path = place.path or "/"
    for old, new in maps:
        if path.startswith(old):
            path = new + path[len(old) :]
            break
    return f"{path}?{place.query}" if place.query else path


class Writing(Protocol):
    """What is asked, as far as it says whether something may change."""

    @property
    def service(self) -> str:
        """Of which service."""
        ...

    @property
    def operation(self) -> str:
        """Which operation."""
        ...

    @property
    def method(self) -> str:
        """In the words of HTTP."""
        ...

    @property
    def target(self) -> str:
        """Path and query."""
        ...


def writes(planned: Iterable[Writing], idempotent: Callable[[str, str], bool]) -> Counter[str]:
    """The calls that may change something at the target, by what they ask; `idempotent` knows services and operations."""
    return Counter(
        f"{call.service} {call.operation}".strip() or f"{call.method} {call.target.partition('?')[0]}"
        for call in planned
        if call.method not in _READS and not idempotent(call.service, call.operation)
    )
