"""What is known of a service's contract, and the cases that hold its stand-in to it.

A fact is one thing a client may rely on: an operation, a field that it sends, a value of it that is taken, a field that it
gets, a value of it, a status. Each says how well it is known, and from where. Whether a case covers a fact is measured on
what was really sent and really came back, never declared; and what comes back beyond the facts is a finding.

A field is a path of names, `MainInformation.NAME`; lists are not part of it. Of XML it is a path of local names below the
SOAP body, attributes with `@`; of a header its name with a colon, `timestamp:`; of a path's parameter its name in braces.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote, urlencode

import remembering

from connectors.province.markup import NotXml, local, parse
from lgsp.model import Outcome, Reply, Request

Kind = Literal["operation", "sends", "takes", "gets", "says", "status"]
Answer = Callable[[Request], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Known:
    """How well something is known, and from where: a source of `docs/sources.md`, `K` (the field's common knowledge) or `A` (ours)."""

    evidence: Literal["documented", "seen", "assumed"]
    source: str


def documented(source: str) -> Known:
    """An artefact of a real provincial LGSP, or the published guide."""
    return Known("documented", source)


def seen(source: str) -> Known:
    """Working third-party code."""
    return Known("seen", source)


OURS = Known("assumed", "A")
COMMON = Known("assumed", "K")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a checklist. `name` is a field, `field=value`, or a status; empty for the operation itself."""

    operation: str
    kind: Kind
    name: str
    known: Known = field(compare=False)

    def __str__(self) -> str:
        return f"{self.operation} {self.kind} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Case:
    """One exchange with what must come back; those in `after` are sent before it, in order."""

    name: str
    known: Known
    request: Request
    answering: Callable[[], Answer]
    outcome: Outcome
    status: int
    gives: Mapping[str, object]
    after: tuple[Case, ...] = ()

    def __str__(self) -> str:
        return f"{self.request.operation}: {self.name}"

    async def run(self) -> Reply:
        """The reply, in a world of its own."""
        answer = self.answering()
        for earlier in self.after:
            await answer(earlier.request)
        return await answer(self.request)

    async def check(self) -> None:
        """Red where outcome, status or one of the values is another one."""
        reply = await self.run()
        assert (reply.outcome, reply.status) == (self.outcome, self.status), reply.body.decode(errors="replace")
        found = values_of(reply.headers.get("content-type", ""), reply.body)
        given = {name: found.get(name, []) for name in self.gives}
        wanted = {name: value if isinstance(value, list) else [value] for name, value in self.gives.items()}
        begins = {name: given[name][: len(value)] for name, value in wanted.items()}
        assert begins == wanted, f"{begins} instead of {wanted}"


class Contract:
    """The contract of one service: its checklist, and its cases.

    `answering` makes what answers one case; by default it is the service's connector, which was told nothing before.
    """

    def __init__(self, service: str, *, answering: Callable[[], Answer] | None = None) -> None:
        self.service = service
        self.facts: list[Fact] = []
        self.cases: list[Case] = []
        self._answering = answering or (lambda: remembering.answering(self.module))

    def answer(self) -> Answer:
        """What answers, in a world of its own."""
        return self._answering()

    @cached_property
    def module(self) -> Any:
        """The service's connector."""
        return importlib.import_module(f"connectors.{self.service.replace('-', '_')}")

    def operation(self, name: str, known: Known, **more: Any) -> str:
        """Note an operation and, with the arguments of `knows`, what is known as well of it; gives its name back."""
        self.facts.append(Fact(name, "operation", "", known))
        self.knows(known, name, **more)
        return name

    def knows(
        self,
        known: Known,
        *operations: str,
        sends: str = "",
        gets: str = "",
        takes: Mapping[str, Iterable[object]] | None = None,
        says: Mapping[str, Iterable[object]] | None = None,
        status: Iterable[int] = (),
    ) -> None:
        """Note facts of operations. `sends`, `gets`: fields, with spaces between. `takes`, `says`: the values of one.

        A field of a reply with `says` has those values and no others.
        """
        for operation in operations:
            names: list[tuple[Kind, str]] = [("sends", name) for name in sends.split()]
            names += [("gets", name) for name in gets.split()]
            names += [("takes", f"{name}={one}") for name, values in (takes or {}).items() for one in values]
            names += [("says", f"{name}={one}") for name, values in (says or {}).items() for one in values]
            names += [("status", str(one)) for one in status]
            self.facts += [Fact(operation, kind, name, known) for kind, name in names]

    def case(
        self,
        name: str,
        known: Known,
        operation: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        outcome: Outcome = Outcome.OK,
        status: int = 200,
        gives: Mapping[str, object] | None = None,
        after: tuple[Case, ...] = (),
        consumer: str = "c",
    ) -> Case:
        """Note a case. `body`: bytes as they are, anything else as JSON. `gives`: field to its first value, or list of values."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = "text/xml; charset=utf-8" if data.lstrip().startswith(b"<") else "application/json"
        template = operation.partition(" ")[2]
        for parameter, value in (path or {}).items():
            template = template.replace(f"{{{parameter}}}", quote(value, safe=""))
        request = Request(
            id=f"t-{len(self.cases)}",
            service=self.service,
            operation=operation,
            path=template,
            query=urlencode(query or {}),
            consumer=consumer,
            key=name,
            body=data,
            headers={"content-type": kind} | dict(headers or {}),
        )
        made = Case(name, known, request, self._answering, outcome, status, gives or {}, after)
        self.cases.append(made)
        return made

    def failure(
        self,
        name: str,
        known: Known,
        operation: str,
        outcome: Outcome,
        status: int,
        gives: Mapping[str, object] | None = None,
    ) -> Case:
        """Note a failure that is simulated, with the words that the connector has for it."""

        async def fail(request: Request) -> Reply:
            refused: Reply = self.module.refuse(request, outcome)
            return refused

        path = operation.partition(" ")[2]
        request = Request(id=f"t-{len(self.cases)}", service=self.service, operation=operation, path=path, key=name)
        made = Case(name, known, request, lambda: fail, outcome, status, gives or {})
        self.cases.append(made)
        return made

    async def covered(self) -> set[Fact]:
        """Every fact that a case shows, whether it is on the checklist or not."""
        shown: set[Fact] = set()
        for case in self.cases:
            shown |= set(shown_by(case.request, await case.run()))
        return shown

    def beyond(self, operation: str, reply: Reply) -> list[str]:
        """What a reply has that no fact knows of; nothing for one without words of its own: the gateway speaks then."""
        if not reply.body and reply.status >= 400:
            return []
        known = {(fact.kind, fact.name) for fact in self.facts if fact.operation == operation}
        fields = {above for kind, name in known if kind == "gets" for above in _with_parents(name)}
        closed = {name.partition("=")[0] for kind, name in known if kind == "says"}
        found = values_of(reply.headers.get("content-type", ""), reply.body)
        beyond = [f"field {name}" for name in found if name not in fields]
        beyond += [
            f"{name}={one}"
            for name in closed & found.keys()
            for one in found[name]
            if ("says", f"{name}={one}") not in known
        ]
        if ("status", str(reply.status)) not in known:
            beyond.append(f"status {reply.status}")
        return beyond


def shown_by(request: Request, reply: Reply) -> Iterator[Fact]:
    """The facts that one exchange shows."""

    def fact(kind: Kind, name: str = "") -> Fact:
        return Fact(request.operation, kind, name, OURS)

    yield fact("operation")
    sent = values_of(request.headers.get("content-type", ""), request.body)
    sent |= {name: [value] for name, value in request.query_values.items()}
    sent |= {f"{{{name}}}": [value] for name, value in request.path_values.items()}
    sent |= {f"{name}:": [value] for name, value in request.headers.items()}
    for name, values in sent.items():
        yield fact("sends", name)
        yield from (fact("takes", f"{name}={value}") for value in values)
    yield fact("status", str(reply.status))
    for name, values in values_of(reply.headers.get("content-type", ""), reply.body).items():
        yield fact("gets", name)
        yield from (fact("says", f"{name}={value}") for value in values)


def values_of(content_type: str, data: bytes) -> dict[str, list[object]]:
    """Every field of a body with its values in order; what is neither JSON nor XML is one field, named after its type."""
    found: dict[str, list[object]] = {}
    if not data:
        return found
    try:
        pairs = _json_values("", json.loads(data)) if "json" in content_type else _xml_values("", parse(data))
        for name, value in pairs:
            found.setdefault(name, []).append(value)
    except (ValueError, NotXml):
        return {f"({content_type.partition(';')[0]})": [""]}
    return found


def _json_values(above: str, value: Any) -> Iterator[tuple[str, object]]:
    if isinstance(value, list):
        for item in value:
            yield from _json_values(above, item)
        return
    if not isinstance(value, dict):
        if above:
            yield above, value
        return
    if above:
        yield above, {}
    for name, inner in value.items():
        under = f"{above}.{name}" if above else name
        if inner == []:
            yield under, []
        yield from _json_values(under, inner)


def _xml_values(above: str, element: Any) -> Iterator[tuple[str, object]]:
    name = local(element)
    if name in {"Envelope", "Body"} and not above:
        for inner in element:
            yield from _xml_values("", inner)
        return
    under = f"{above}.{name}" if above else name
    yield under, (element.text or "").strip()
    for attribute, value in element.attrib.items():
        yield f"{under}.@{attribute}", value
    for inner in element:
        yield from _xml_values(under, inner)


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
