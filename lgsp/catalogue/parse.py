"""YAML to services, or every mistake with its line."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

from lgsp.catalogue.calendar import read_zone
from lgsp.catalogue.capacity import read_capacity
from lgsp.catalogue.examples import read_examples
from lgsp.catalogue.follow import read_follows
from lgsp.catalogue.latency import read_latency
from lgsp.catalogue.limits import read_breaker, read_in_flight
from lgsp.catalogue.profile import read_profile, too_many
from lgsp.catalogue.reader import Reader
from lgsp.catalogue.replies import OpenFile, RepliesReader
from lgsp.catalogue.service import (
    Catalogue,
    Delivery,
    ErrorMix,
    Evidence,
    Mode,
    Operation,
    Route,
    Service,
    Text,
    Tier,
)
from lgsp.catalogue.source import Node, Source, read
from lgsp.catalogue.upstream import read_upstream
from lgsp.errors import CatalogueError
from lgsp.model import Outcome

RESERVED = ("/token", "/revoke", "/openapi.json", "/docs", "/lgsp")
LOWEST_OBJECTIVE = 0.931
LONGEST_TIMEOUT = 60.0
SHORTEST_AGE, LONGEST_AGE = 60.0, 30 * 86_400.0
MIXABLE = (Outcome.PROVIDER_ERROR, Outcome.REJECTED, Outcome.TIMEOUT, Outcome.UNREACHABLE)
_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_CONTEXT = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_PARAMETER = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_LITERAL = re.compile(r"[A-Za-z0-9._~-]+")

SERVICE_KEYS = (
    "title",
    "owner",
    "tier",
    "route",
    "context",
    "aliases",
    "timeout",
    "objective",
    "mode",
    "connector",
    "request_id",
    "limit",
    "hard_limit",
    "in_flight",
    "breaker",
    "share",
    "latency",
    "errors",
    "capacity",
    "profile",
    "upstream",
    "data",
    "operations",
)
OPERATION_KEYS = (
    "summary",
    "idempotent",
    "delivery",
    "max_age",
    "evidence",
    "source",
    "weight",
    "latency",
    "errors",
    "request",
    "reply",
    "replies",
    "follows",
    "examples",
)


def read_catalogue(directory: Path, also: Source | None = None) -> Catalogue:
    """The services of a configuration directory: `services.yaml`, then `services.d/*.yaml` in order of name.

    `also` is read as if it stood there, in place of what has its name. Raises `CatalogueError` with every mistake of
    every file.
    """
    files = [directory / "services.yaml", *sorted((directory / "services.d").glob("*.yaml"))]
    sources = {str(file.relative_to(directory)): file.read_bytes() for file in files}
    if also is not None:
        sources[also.name] = also.data
    return Catalogue(
        parse_services(
            [Source(name, data) for name, data in sources.items()],
            has_module=_importable,
            open_file=lambda beside, name: _read_beside(directory, beside, name),
            zone=read_zone(directory),
        )
    )


def no_file(beside: str, name: str) -> bytes:
    """For YAML that stands alone."""
    raise ValueError(f"{name} is not beside {beside}")


def _read_beside(directory: Path, beside: str, name: str) -> bytes:
    """A file that lies beside a YAML file, or below it; nothing else can be named."""
    base = (directory / beside).parent.resolve()
    file = (base / name).resolve()
    if not file.is_relative_to(base):
        raise ValueError("a file lies beside the YAML, or below it")
    try:
        return file.read_bytes()
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from error


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def parse_services(
    sources: Sequence[Source],
    *,
    has_module: Callable[[str], bool],
    open_file: Callable[[str, str], bytes] = no_file,
    zone: str = "UTC",
) -> dict[str, Service]:
    """The services of some files. Raises `CatalogueError`.

    `has_module` says whether a connector module exists; `open_file` gives the bytes of a file beside another one.
    """
    documents = [read(source) for source in sources]
    services: dict[str, Service] = {}
    contexts: dict[str, str] = dict.fromkeys(RESERVED, "the gateway")
    for document in documents:
        if document.root is None or (document.root.kind == "text" and not document.root.text):
            continue
        reader = Reader(document)
        for name, key, value in reader.entries(document.root, ""):
            service = _ServiceReader(reader, name, value, has_module, partial(open_file, document.name)).read()
            if not _ID.fullmatch(name):
                reader.note(key, name, "an id is lower-case letters, digits and hyphens, and begins with a letter")
            if name in services:
                reader.note(key, name, f"there is a service {name!r} already, in {services[name].where}")
            _claim(reader, key, service, contexts)
            services[name] = service.model_copy(update={"zone": zone})
    problems = sorted(problem for document in documents for problem in document.problems)
    if problems:
        raise CatalogueError([str(problem) for problem in problems])
    return services


def _claim(reader: Reader, key: Node, service: Service, contexts: dict[str, str]) -> None:
    for context in (service.context, *service.aliases):
        owner = contexts.setdefault(context, service.id)
        if owner != service.id:
            reader.note(key, service.id, f"the context {context} belongs to {owner}")


class _ServiceReader:
    """Reads one entry of the file."""

    def __init__(
        self, reader: Reader, name: str, node: Node, has_module: Callable[[str], bool], open_file: OpenFile
    ) -> None:
        self._reader = reader
        self._open_file = open_file
        self._replies = RepliesReader(reader, open_file)
        self._name = name
        self._node = node
        self._has_module = has_module

    def read(self) -> Service:
        """The service, with harmless values in place of what was wrong."""
        found = {key: value for key, _, value in self._reader.entries(self._node, self._name, SERVICE_KEYS)}
        for needed in ("title", "operations"):
            if needed not in found and self._node.kind == "mapping":
                self._reader.note(self._node, self._name, f"the key {needed!r} is missing")
        fields: dict[str, Any] = {
            "id": self._name,
            "where": f"{self._reader.document.name}:{max(1, self._node.line - 1)}",
            "title": Text(vi=self._name, en=self._name),
            "context": f"/{self._name}",
            "connector": self._default_connector(),
            "operations": {},
        }
        readers = self._readers()
        if "data" in found:  # first: replies are read by its tables
            fields["data"] = self._replies.data(found.pop("data"), f"{self._name} / data")
            self._replies = RepliesReader(self._reader, self._open_file, fields["data"])
        fields |= {key: readers[key](node, f"{self._name} / {key}") for key, node in found.items()}
        if fields.get("mode") in {"proxy", "spy"} and "upstream" not in found:
            self._reader.note(found["mode"], self._name, f"mode {fields['mode']} needs an `upstream` with its `url`")
        service = Service(**fields)
        mixes = [service.errors, *(operation.errors for operation in service.operations.values())]
        if "profile" in found and too_many(service.profile, filter(None, mixes)):
            self._reader.note(found["profile"], self._name, "the rates of errors add up to more than 100% at some hour")
        return service

    def _readers(self) -> dict[str, Callable[[Node, str], Any]]:
        reader = self._reader
        return {
            "title": self._text,
            "owner": reader.text,
            "tier": lambda node, where: reader.choice(node, where, get_args(Tier)),
            "route": lambda node, where: reader.choice(node, where, get_args(Route)),
            "context": self._context,
            "aliases": lambda node, where: tuple(self._context(item, where) for item in reader.items(node, where)),
            "timeout": self._timeout,
            "objective": self._objective,
            "mode": lambda node, where: reader.choice(node, where, get_args(Mode)),
            "connector": self._connector,
            "request_id": reader.text,
            "limit": reader.frequency,
            "hard_limit": reader.frequency,
            "in_flight": lambda node, where: read_in_flight(reader, node, where),
            "breaker": lambda node, where: read_breaker(reader, node, where),
            "share": reader.percent,
            "latency": lambda node, where: read_latency(reader, node, where),
            "errors": self._errors,
            "capacity": lambda node, where: read_capacity(reader, node, where),
            "profile": lambda node, where: read_profile(reader, node, where),
            "upstream": lambda node, where: read_upstream(reader, node, where),
            "operations": self._operations,
        }

    def _default_connector(self) -> str | None:
        module = f"connectors.{self._name.replace('-', '_')}"
        return module if self._has_module(module) else None

    def _connector(self, node: Node, where: str) -> str:
        module = self._reader.text(node, where)
        if not self._has_module(module):
            self._reader.note(node, where, f"there is no module {module!r}: a connector is a Python module on the path")
        return module

    def _text(self, node: Node, where: str) -> Text:
        if node.kind == "text":
            both = self._reader.text(node, where)
            return Text(vi=both, en=both)
        found = {
            key: self._reader.text(value, where) for key, _, value in self._reader.entries(node, where, ("vi", "en"))
        }
        if node.kind == "mapping" and not found:
            self._reader.note(node, where, "give it in vi, in en, or both")
        first = next(iter(found.values()), "")
        return Text(vi=found.get("vi", first), en=found.get("en", first))

    def _context(self, node: Node, where: str) -> str:
        context = self._reader.text(node, where)
        if not _CONTEXT.fullmatch(context):
            self._reader.note(
                node, where, f"{context!r} is no context: write it as /name/v1.0.0, without a slash at its end"
            )
        return context

    def _timeout(self, node: Node, where: str) -> float:
        seconds = self._reader.duration(node, where)
        if not 0 < seconds <= LONGEST_TIMEOUT:
            self._reader.note(
                node, where, f"a timeout lies above 0 s and is at most {LONGEST_TIMEOUT:g} s: longer no queue waits"
            )
            return LONGEST_TIMEOUT
        return seconds

    def _max_age(self, node: Node, where: str) -> float:
        seconds = self._reader.duration(node, where)
        if not SHORTEST_AGE <= seconds <= LONGEST_AGE:
            self._reader.note(node, where, "a maximum age lies between 1m and 30d")
            return LONGEST_AGE
        return seconds

    def _objective(self, node: Node, where: str) -> float:
        objective = self._reader.percent(node, where)
        if objective < LOWEST_OBJECTIVE:
            self._reader.note(
                node, where, f"an objective below {LOWEST_OBJECTIVE:.1%} is refused: its alerts could never fire"
            )
        return objective

    def _errors(self, node: Node, where: str) -> ErrorMix:
        names = [str(outcome) for outcome in MIXABLE]
        rates = {
            Outcome(name): self._reader.percent(value, f"{where} / {name}")
            for name, _, value in self._reader.entries(node, where, names)
        }
        if sum(rates.values()) > 1:
            self._reader.note(node, where, "the rates add up to more than 100%")
        return ErrorMix(rates=rates)

    def _operations(self, node: Node, where: str) -> dict[str, Operation]:
        operations: dict[str, Operation] = {}
        if node.kind == "list":  # the short form: names only, each echoes
            for item in node.items:
                name = self._reader.text(item, where)
                self._check_name(item, where, name, operations)
                operations[name] = _an_operation(name, {})
            return operations
        for name, key, value in self._reader.entries(node, where):
            self._check_name(key, where, name, operations)
            operations[name] = self._operation(name, value, f"{self._name} / {name}")
        if node.kind == "mapping" and not node.entries:
            self._reader.note(node, where, "a service has one operation at least")
        return operations

    def _check_name(self, node: Node, where: str, name: str, known: Iterable[str]) -> None:
        problem = wrong_name(name)
        if problem:
            self._reader.note(node, where, problem)
            return
        for other in known:
            if name != other and _PARAMETER.sub("{}", name) == _PARAMETER.sub("{}", other):
                self._reader.note(node, where, f"{name!r} and {other!r} are the same path")

    def _operation(self, name: str, node: Node, where: str) -> Operation:
        reader = self._reader
        readers: dict[str, Callable[[Node, str], Any]] = {
            "summary": self._text,
            "idempotent": reader.truth,
            "delivery": lambda node, where: reader.choice(node, where, get_args(Delivery)),
            "max_age": self._max_age,
            "evidence": lambda node, where: reader.choice(node, where, get_args(Evidence)),
            "source": reader.text,
            "weight": reader.number,
            "latency": lambda node, where: read_latency(reader, node, where),
            "errors": self._errors,
            "request": self._replies.request,
            "reply": self._replies.reply,
            "replies": self._replies.replies,
            "follows": lambda node, where: read_follows(reader, self._replies, node, where),
            "examples": lambda node, where: read_examples(reader, name, node, where),
        }
        found = {key: value for key, _, value in reader.entries(node, where, OPERATION_KEYS)}
        fields = {key: readers[key](value, f"{where} / {key}") for key, value in found.items()}
        if "reply" in fields:
            if "replies" in fields:
                reader.note(found["replies"], where, "an operation has `reply` or `replies`, not both")
            fields["replies"] = fields.pop("reply")
        if "evidence" in found and found["evidence"].text in {"documented", "seen"} and not fields.get("source"):
            reader.note(found["evidence"], where, f"evidence {found['evidence'].text!r} names its source")
        return _an_operation(name, fields)


def _an_operation(name: str, fields: dict[str, Any]) -> Operation:
    last = name.rpartition("/")[2] or name
    given = {"summary": Text(vi=last, en=last), "idempotent": name.startswith(("GET ", "HEAD "))}
    return Operation(**{"name": name} | given | fields)


def wrong_name(name: str) -> str:
    """What is wrong with an operation's name; empty where it is well."""
    method, _, template = name.partition(" ")
    if method not in _METHODS or not template.startswith("/"):
        return f"{name!r} is no operation: write it as `GET /path/{{parameter}}`"
    parameters = []
    for segment in template.split("/")[1:]:
        if _PARAMETER.fullmatch(segment):
            parameters.append(segment)
        elif not _LITERAL.fullmatch(segment):
            return f"{segment!r} in {name!r} is neither a word nor one {{parameter}}"
    if len(set(parameters)) < len(parameters):
        return f"{name!r} uses a parameter's name twice"
    return ""
