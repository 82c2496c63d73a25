"""The systems that call, from `consumers.yaml`: who they are, what they may ask, how often."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from lgsp.catalogue.callback import Callback, read_callback
from lgsp.catalogue.limits import read_in_flight
from lgsp.catalogue.reader import Reader
from lgsp.catalogue.secret import is_hashed
from lgsp.catalogue.service import Catalogue
from lgsp.catalogue.source import Document, Node, Source, read
from lgsp.catalogue.units import parse_frequency
from lgsp.errors import CatalogueError

KEYS = (
    "title",
    "organisation",
    "key",
    "secrets",
    "local",
    "certificates",
    "networks",
    "subscriptions",
    "blocked",
    "pending",
    "limits",
    "in_flight",
    "callback",
    "behaviour",
    "may_force",
    "disabled",
)
CONSUMER_FILES = ("consumers.yaml", "consumers.d/*.yaml")
"""What the consumers of a configuration directory are read from."""
LIVE_SECRETS = 2
IN_FLIGHT = 1_000
WRITTEN = "# Written by `lgsp consumers`, which writes it again when the secret is rotated."
"""The first line of a file that a command may write again or remove; all others are somebody's own."""
EVERYTHING = "*"
_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_KEY = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_ORGANISATION = re.compile(r"\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}")
_CERTIFICATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/@_-]{0,252}")
_POLICY = re.compile(r"[a-z0-9*-]+ [A-Z*]+ [^ ]+|[a-z0-9-]*\*[a-z0-9*-]*")
_SCOPE = re.compile(r"[a-z][a-z0-9-]{0,62}(?: (?:GET|HEAD|POST|PUT|PATCH|DELETE) /\S*)?")


class Limit(BaseModel):
    """At most `count` calls in any `seconds`, kept as a bucket that fills evenly.

    `scope` is what it counts: `*` all calls of the consumer, a service, one operation as `service METHOD /template`, or
    whatever fits a pattern with more stars (`gis * /layers*`, `*-registry`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: str
    count: int
    seconds: float


class Consumer(BaseModel):
    """One consumer. What it is not subscribed to, it may not call.

    `calm`: random errors, outages and simulated latency are off for its calls. `local`: its secret is made at the
    first start and lies in the state directory. `disabled`: it gets no tokens, and those it has are revoked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str = ""
    organisation: str = ""
    key: str = ""
    """The name with which it asks for a token, where that is not its id."""
    secrets: tuple[str, ...] = ()
    """Hashes, the newest first: two at most, so that a secret can be changed without a moment in which none is valid."""
    local: bool = False
    certificates: tuple[str, ...] = ()
    """Names of client certificates by which it is known; then its tokens count only beside one of them."""
    networks: tuple[str, ...] = ()
    """Where it may come from, as addresses or networks; none stands for anywhere."""
    subscriptions: tuple[str, ...] = ()
    """`*`, a service, or one operation as `service METHOD /template`."""
    blocked: tuple[str, ...] = ()
    """What it may not ask for although it is subscribed to it; `*` blocks the consumer itself, whose tokens stay good."""
    pending: tuple[str, ...] = ()
    """What it asked to be subscribed to, and nobody has approved yet."""
    limits: tuple[Limit, ...] = ()
    in_flight: int = IN_FLIGHT
    """So many of its calls may be under way at once at one gateway; what is more is throttled."""
    callback: Callback | None = None
    """Where it is told that something it had stored has ended."""
    behaviour: Literal["field", "calm"] = "field"
    may_force: bool = False
    disabled: bool = False

    @property
    def client(self) -> str:
        """The name with which it asks for a token."""
        return self.key or self.id


def read_consumers(directory: Path) -> dict[str, Consumer]:
    """The consumers of a configuration directory: `consumers.yaml`, then `consumers.d/*.yaml`.

    Raises `CatalogueError` with every mistake of every file.
    """
    return parse_consumers(consumer_sources(directory))


def consumer_sources(directory: Path) -> list[Source]:
    """The files of a configuration directory that speak of consumers, in the order in which they are read."""
    files = [directory / "consumers.yaml", *sorted((directory / "consumers.d").glob("*.yaml"))]
    return [Source(str(file.relative_to(directory)), file.read_bytes()) for file in files if file.is_file()]


def parse_consumers(sources: Iterable[Source]) -> dict[str, Consumer]:
    """The consumers of these files. Raises `CatalogueError` with every mistake of every file.

    An entry whose only key is `also` adds subscriptions to the consumer that another entry tells of.
    """
    documents = [read(source) for source in sources]
    consumers: dict[str, Consumer] = {}
    keys: dict[str, str] = {}
    names: dict[str, str] = {}
    additions: list[tuple[Reader, Node, str, tuple[str, ...]]] = []
    for document in documents:
        if document.root is None:
            continue
        reader = Reader(document)
        for name, node, value in reader.entries(document.root, ""):
            if [key.text for key, _ in value.entries] == ["also"]:
                additions.append(
                    (reader, node, name, tuple(_scopes(reader, f"{name}.subscriptions", value.entries[0][1])))
                )
                continue
            if name in consumers:
                reader.note(node, name, f"there is a consumer {name!r} already")
            if not _ID.fullmatch(name):
                reader.note(node, name, "an id begins with a small letter and has only a-z, 0-9 and -, 63 at most")
            consumer = consumers[name] = _consumer(reader, name, value)
            _claim(reader, node, consumer, keys, names)
    for reader, node, name, scopes in additions:
        if name in consumers:
            every = dict.fromkeys((*consumers[name].subscriptions, *scopes))
            consumers[name] = consumers[name].model_copy(update={"subscriptions": tuple(every)})
        else:
            reader.note(node, name, f"there is no consumer {name!r} to whom this could be added")
    _raise_for(documents)
    return consumers


def _claim(reader: Reader, node: Node, consumer: Consumer, keys: dict[str, str], names: dict[str, str]) -> None:
    """Note what it is known by, and what is another's already."""
    other = keys.setdefault(consumer.client, consumer.id)
    if other != consumer.id:
        reader.note(node, consumer.id, f"the key {consumer.client!r} is that of the consumer {other!r} already")
    for certificate in consumer.certificates:
        other = names.setdefault(certificate, consumer.id)
        if other != consumer.id:
            problem = f"the certificate {certificate!r} is that of the consumer {other!r} already"
            reader.note(node, consumer.id, problem)


def _raise_for(documents: Iterable[Document]) -> None:
    problems = sorted(problem for document in documents for problem in document.problems)
    if problems:
        raise CatalogueError([str(problem) for problem in problems])


def _consumer(reader: Reader, name: str, node: Node) -> Consumer:
    found = {key: value for key, _, value in reader.entries(node, name, KEYS)}

    def text(key: str, default: str) -> str:
        return reader.text(found[key], f"{name}.{key}") if key in found else default

    def truth(key: str) -> bool:
        return key in found and reader.truth(found[key], f"{name}.{key}")

    def scopes(key: str) -> tuple[str, ...]:
        return tuple(_scopes(reader, f"{name}.{key}", found[key])) if key in found else ()

    behaviour = (
        reader.choice(found["behaviour"], f"{name}.behaviour", ("field", "calm")) if "behaviour" in found else ""
    )
    key, organisation = text("key", ""), text("organisation", "")
    if "key" in found and not _KEY.fullmatch(key):
        reader.note(found["key"], f"{name}.key", "a key has only letters, digits and . _ ~ -, 128 at most")
    if organisation and not _ORGANISATION.fullmatch(organisation):
        problem = f"{organisation!r} is no organisation code: it has the form 000.00.00.X00"
        reader.note(found["organisation"], f"{name}.organisation", problem)
    more: dict[str, Any] = {}
    if "in_flight" in found:
        more["in_flight"] = read_in_flight(reader, found["in_flight"], f"{name}.in_flight")
    if "callback" in found:
        more["callback"] = read_callback(reader, found["callback"], f"{name}.callback")
    return Consumer(
        id=name,
        title=text("title", name),
        organisation=organisation,
        key=key,
        secrets=tuple(_secrets(reader, name, found["secrets"])) if "secrets" in found else (),
        local=truth("local"),
        certificates=tuple(_certificates(reader, name, found["certificates"])) if "certificates" in found else (),
        networks=tuple(_networks(reader, name, found["networks"])) if "networks" in found else (),
        subscriptions=scopes("subscriptions"),
        blocked=scopes("blocked"),
        pending=scopes("pending"),
        limits=tuple(_limits(reader, name, found["limits"])) if "limits" in found else (),
        behaviour="calm" if behaviour == "calm" else "field",
        may_force=truth("may_force"),
        disabled=truth("disabled"),
        **more,
    )


def _certificates(reader: Reader, name: str, node: Node) -> Iterator[str]:
    where = f"{name}.certificates"
    for item in reader.items(node, where):
        text = reader.text(item, where)
        if not _CERTIFICATE.fullmatch(text):
            reader.note(item, where, f"{text!r} is no name of a certificate: write its DNS name or URI, without a star")
        yield text


def _networks(reader: Reader, name: str, node: Node) -> Iterator[str]:
    where = f"{name}.networks"
    for item in reader.items(node, where):
        text = reader.text(item, where)
        try:
            yield str(ip_network(text))
        except ValueError:
            reader.note(item, where, f"{text!r} is no network: write it as 10.1.0.0/16, or one address")


def _secrets(reader: Reader, name: str, node: Node) -> Iterator[str]:
    where = f"{name}.secrets"
    items = reader.items(node, where)
    for number, item in enumerate(items):
        line = reader.text(item, where)
        if number == LIVE_SECRETS:
            reader.note(item, where, "two secrets are live at most: the new one and the one it replaces")
        if not is_hashed(line):
            # Not quoted in the message: it may be the secret itself.
            reader.note(item, where, "this is no hash of a secret: let `lgsp consumers rotate` or `add` write it")
        yield line


def _scopes(reader: Reader, where: str, node: Node) -> Iterator[str]:
    for item in reader.items(node, where):
        yield _scope(reader, where, item, reader.text(item, where))


def _limits(reader: Reader, name: str, node: Node) -> Iterator[Limit]:
    where = f"{name}.limits"
    for scope, key, value in reader.members(node, where):
        if not is_policy(scope):
            _scope(reader, where, key, scope)
        for item in value.items if value.kind == "list" else [value]:
            try:
                count, seconds = parse_frequency(item.text)
            except ValueError as error:
                reader.note(item, f"{where}.{scope}", str(error))
                continue
            yield Limit(scope=scope, count=count, seconds=seconds)


def is_policy(scope: str) -> bool:
    """Whether a limit's scope is a pattern of its own making rather than a name."""
    return scope != EVERYTHING and "*" in scope and _POLICY.fullmatch(scope) is not None


def _scope(reader: Reader, where: str, node: Node, scope: str) -> str:
    if scope != EVERYTHING and not _SCOPE.fullmatch(scope):
        problem = f'{scope!r} is neither a service nor an operation (`service METHOD /template`); "*" is everything'
        reader.note(node, where, problem)
    return scope


def strangers(consumers: Iterable[Consumer], catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Consumer and scope of each entry that names no service or operation of the catalogue."""
    known = {EVERYTHING} | {service.id for service in catalogue}
    known |= {f"{service.id} {operation}" for service in catalogue for operation in service.operations}
    for consumer in consumers:
        named = (*consumer.subscriptions, *consumer.blocked, *consumer.pending)
        for scope in dict.fromkeys((*named, *(limit.scope for limit in consumer.limits))):
            if scope not in known and not is_policy(scope):
                yield consumer.id, scope


def changes(old: Mapping[str, Consumer], new: Mapping[str, Consumer]) -> Iterator[tuple[str, str, list[str]]]:
    """Each consumer that is `added`, `removed` or `changed`, with the keys that differ; their values stay untold."""
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            yield name, "added" if name in new else "removed", []
        elif old[name] != new[name]:
            yield name, "changed", [key for key in KEYS if getattr(old[name], key) != getattr(new[name], key)]


def as_yaml(consumer: Consumer) -> str:
    """The entry as a file of `consumers.d/` that `read_consumers` reads as the same consumer."""
    units = {1.0: "s", 60.0: "m", 3_600.0: "h", 86_400.0: "d"}
    lines = [WRITTEN, f"{_quoted(consumer.id)}:"]
    texts = {key: getattr(consumer, key) for key in ("title", "organisation", "key")}
    lines += [f"  {key}: {_quoted(text)}" for key, text in texts.items() if text]
    for key in ("secrets", "certificates", "networks", "subscriptions", "blocked", "pending"):
        if entries := getattr(consumer, key):
            lines += [f"  {key}:", *(f"    - {_quoted(entry)}" for entry in entries)]
    if consumer.limits:
        lines.append("  limits:")
        for scope in dict.fromkeys(limit.scope for limit in consumer.limits):
            each = [f"{limit.count}/{units[limit.seconds]}" for limit in consumer.limits if limit.scope == scope]
            lines.append(f"    {_quoted(scope)}: [{', '.join(each)}]")
    if consumer.in_flight != IN_FLIGHT:
        lines.append(f"  in_flight: {consumer.in_flight}")
    if consumer.callback is not None:
        lines += ["  callback:", *(f"    {key}: {_quoted(text)}" for key, text in consumer.callback)]
    lines.append(f"  behaviour: {consumer.behaviour}")
    lines += [f"  {key}: true" for key in ("local", "may_force", "disabled") if getattr(consumer, key)]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # A JSON text is a quoted YAML text.
    return json.dumps(text, ensure_ascii=False)
