"""Replies that were recorded, by what was asked: the same question again gets the next of its answers."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from lgsp.capture.record import CONNECTOR, GATEWAY, Asked, Record
from lgsp.catalogue.replies import outcome_of
from lgsp.catalogue.service import Catalogue
from lgsp.model import Outcome, Reply, Request

OnMiss = Literal["fail", "nearest", "simulate", "upstream"]
"""What answers a question that was not recorded: nobody, the nearest one's reply, the stand-in, or the real provider."""
_LOOKED_AT = 1_000
"""So many questions of the same form are compared to find the nearest."""
_SHORT = 4_096
"""Bytes of a body that are kept to compare; of a longer one only the digest."""
_NOT_KEPT = frozenset({"content-length", "transfer-encoding", "connection", "x-transaction-id", "x-lgsp-outcome"})
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked of a service: path below its context, query, and the body, JSON whatever the order of its members."""

    service: str
    method: str
    path: str
    query: str
    body: bytes

    @property
    def form(self) -> tuple[str, str, int]:
        """What questions share that are compared at all."""
        return self.service, self.method, self.path.count("/")

    def __str__(self) -> str:
        return f"{self.method} {self.path}" + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Said:
    """One recorded reply, and how long it took."""

    outcome: Outcome
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def to(self, request: Request) -> Reply:
        """The same reply, to another request."""
        return Reply(request.id, self.outcome, self.status, "", self.body, self.headers)


@dataclass(slots=True)
class _Answers:
    """The replies to one question in their order; the last one stays."""

    said: list[Said] = field(default_factory=list)
    given: int = 0

    def next(self) -> Said:
        self.given += 1
        return self.said[min(self.given, len(self.said)) - 1]


class Recorded:
    """What a capture answers. All of it lies in memory.

    Records of connectors count where there are any of a service, else the gateway's; a record whose service is not
    named belongs to the service whose context its path begins with.
    """

    def __init__(self, records: Iterable[Record], catalogue: Catalogue, on_miss: OnMiss) -> None:
        self.on_miss = on_miss
        self.skipped = 0
        self._answers: dict[Question, _Answers] = {}
        self._by_form: dict[tuple[str, str, int], list[Question]] = defaultdict(list)
        contexts = {context: each.id for each in catalogue for context in (each.context, *each.aliases)}
        self._contexts = sorted(contexts.items(), key=lambda item: -len(item[0]))
        seen: dict[tuple[str, str], list[tuple[Question, Said]]] = defaultdict(list)
        for record in records:
            pair = self._taken(record)
            if pair is not None:
                seen[pair[0].service, record.tap].append(pair)
            elif record.tap in {GATEWAY, CONNECTOR}:
                self.skipped += 1
        for (service, tap), pairs in seen.items():
            if tap == CONNECTOR or (service, CONNECTOR) not in seen:
                for question, said in pairs:
                    self._keep(question, said)

    def __repr__(self) -> str:
        return f"<Recorded {len(self)} replies to {len(self._answers)} questions, {self.skipped} skipped>"

    def __len__(self) -> int:
        return sum(len(answers.said) for answers in self._answers.values())

    def find(self, request: Request) -> Said | None:
        """The next reply to this very question."""
        answers = self._answers.get(_question(request))
        return None if answers is None else answers.next()

    def nearest(self, request: Request) -> Question | None:
        """The recorded question that differs least, of those with the same method and as many segments."""
        asked = _question(request)
        found = self._by_form.get(asked.form, ())[:_LOOKED_AT]
        return min(found, key=lambda question: _difference(question, asked), default=None)

    def next_of(self, question: Question) -> Said:
        """The next reply to a question that was recorded."""
        return self._answers[question].next()

    def _keep(self, question: Question, said: Said) -> None:
        if question not in self._answers:
            self._answers[question] = _Answers()
            self._by_form[question.form].append(question)
        self._answers[question].said.append(said)

    def _taken(self, record: Record) -> tuple[Question, Said] | None:
        """Question and reply of a record; nothing where one of them is not whole, or the reply was not the provider's."""
        asked = record.request
        if asked is None or record.tap not in {GATEWAY, CONNECTOR} or not asked.body.whole:
            return None
        question = self._asked(record, asked)
        said = _said(record)
        return None if question is None or said is None else (question, said)

    def _asked(self, record: Record, asked: Asked) -> Question | None:
        try:
            parts = urlsplit(asked.url)
        except ValueError:
            return None
        service, path = record.service, parts.path
        if record.tap == GATEWAY:
            # Recorded elsewhere it may name no service, or one of another catalogue.
            owner = next(((c, s) for c, s in self._contexts if path == c or path.startswith(f"{c}/")), None)
            if owner is None:
                return None
            service, path = owner[1], path.removeprefix(owner[0])
        return Question(service, asked.method.upper(), path, parts.query, _normal(asked.body.data or b""))


def _said(record: Record) -> Said | None:
    reply = record.reply
    outcome = Outcome(record.outcome) if record.outcome in list(Outcome) else None
    seconds = record.times.get("total", 0) / 1e9
    if outcome in {Outcome.TIMEOUT, Outcome.UNREACHABLE} or (outcome is None and (reply is None or not reply.status)):
        return Said(outcome or Outcome.TIMEOUT, 504, {}, b"", seconds)
    if reply is None or outcome is Outcome.BUS_ERROR or not reply.body.whole or not 200 <= reply.status <= 599:
        return None
    body = reply.body.data or b""
    dropped = _NOT_KEPT if body.startswith(_GZIP) else _NOT_KEPT | {"content-encoding"}  # it lies here unpacked
    headers = {name.lower(): value for name, value in reply.headers if name.lower() not in dropped}
    return Said(outcome or outcome_of(reply.status), reply.status, headers, body, seconds)


def _question(request: Request) -> Question:
    method = request.operation.partition(" ")[0]
    return Question(request.service, method, request.path, request.query, _normal(request.body))


def _normal(body: bytes) -> bytes:
    """A body by which it is found: short, and for JSON the same in whatever order its members stand."""
    if body[:1] in {b"{", b"["}:
        with suppress(ValueError, RecursionError):  # it may be text that only begins like JSON
            body = json.dumps(json.loads(body), sort_keys=True).encode()
    return body if len(body) <= _SHORT else hashlib.sha256(body).digest()


def _difference(one: Question, other: Question) -> tuple[int, int, int]:
    """How far two questions lie apart: segments of the path, then fields of the query, then of the body."""
    path = sum(a != b for a, b in zip(one.path.split("/"), other.path.split("/"), strict=True))
    query = set(parse_qsl(one.query, keep_blank_values=True)) ^ set(parse_qsl(other.query, keep_blank_values=True))
    return path, len(query), _apart(one.body, other.body)


def _apart(one: bytes, other: bytes) -> int:
    if one == other:
        return 0
    try:
        a, b = json.loads(one), json.loads(other)
    except (ValueError, RecursionError):
        return 1
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return 1
    return sum(name not in a or name not in b or a[name] != b[name] for name in a.keys() | b.keys())
