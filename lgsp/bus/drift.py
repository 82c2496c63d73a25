"""How a broker differs from what should stand there: one pure function over two definitions documents."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lgsp.bus.topology import ASYNC, REQUEST, VHOST, password_hash

GUEST = "guest"
"""The user with a known password that a new broker has."""
Document = Mapping[str, Any]
Thing = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is missing, that is other than it should be (in `fields`), or that nobody asked for."""

    state: Literal["missing", "different", "extra"]
    kind: str
    name: tuple[str, ...]
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        other = f"  ({', '.join(self.fields)})" if self.fields else ""
        return f"{self.state:<9}  {self.kind:<10}  {' '.join(self.name)}{other}"


@dataclass(frozen=True, slots=True)
class _Kind:
    """How things of one section are told apart, what of them is compared, and which of them are ours to judge."""

    word: str
    name: tuple[str, ...]
    fields: Mapping[str, Callable[[Thing], object]]
    judged: Callable[[Thing], bool] = lambda _: False


def _plain(field: str, default: object = None) -> Callable[[Thing], object]:
    return lambda thing: thing.get(field, default)


def _queue_kind(thing: Thing) -> object:
    return thing.get("arguments", {}).get("x-queue-type", "classic")


def _tags(thing: Thing) -> object:
    tags = thing.get("tags", "")
    return sorted(filter(None, tags.split(",") if isinstance(tags, str) else tags))


def _is_work(name: str) -> bool:
    return name.startswith(("q.sync.", "q.async."))


def _leads_to_work(binding: Thing) -> bool:
    # Whoever binds its own queue to replies is a client of docs/bus.md; requests have one way only.
    return binding["source"] in {REQUEST, ASYNC} or (bool(binding["source"]) and _is_work(binding["destination"]))


_SECTIONS: Mapping[str, _Kind] = {
    "vhosts": _Kind("vhost", ("name",), {}),
    "exchanges": _Kind(
        "exchange",
        ("name",),
        {field: _plain(field) for field in ("type", "durable", "auto_delete", "internal")},
        lambda exchange: exchange["name"].startswith("lgsp."),
    ),
    "queues": _Kind(
        "queue",
        ("name",),
        {"durable": _plain("durable"), "x-queue-type": _queue_kind},
        lambda queue: _is_work(queue["name"]),
    ),
    "bindings": _Kind("binding", ("source", "destination", "routing_key"), {}, _leads_to_work),
    "policies": _Kind(
        "policy",
        ("name",),
        {field: _plain(field) for field in ("pattern", "apply-to", "definition", "priority")},
        lambda _: True,
    ),
    "users": _Kind("user", ("name",), {"tags": _tags}, lambda user: user["name"] == GUEST),
    "permissions": _Kind(
        "permission", ("user",), {field: _plain(field) for field in ("configure", "write", "read")}, lambda _: True
    ),
}


def drift(
    wanted: Document, found: Document, passwords: Mapping[str, str], also: Collection[str] = ()
) -> list[Difference]:
    """What is missing on the broker, differs or is too much, in the order in which a broker is built.

    `found` is the whole broker's; of it only virtual host `lgsp` counts, and `guest`. `passwords` are those of the
    wanted users: whether they are the broker's is seen from its hashes. `also` names users whose rights are somebody's
    own affair.
    """
    return [each for section in _SECTIONS for each in _of(section, wanted, found, passwords, also)]


def _of(
    section: str, wanted: Document, found: Document, passwords: Mapping[str, str], also: Collection[str]
) -> Iterator[Difference]:
    kind = _SECTIONS[section]
    there = {_name(kind, thing): thing for thing in found.get(section, ()) if thing.get("vhost", VHOST) == VHOST}
    for thing in wanted[section]:
        name = _name(kind, thing)
        if name not in there:
            yield Difference("missing", kind.word, name)
            continue
        other = there.pop(name)
        fields = [field for field, of in kind.fields.items() if of(thing) != of(other)]
        if section == "users" and not _has_password(other, passwords.get(thing["name"], "")):
            fields.append("password")
        if fields:
            yield Difference("different", kind.word, name, tuple(fields))
    for name, thing in sorted(there.items()):
        if kind.judged(thing) and thing.get("user") not in also:
            yield Difference("extra", kind.word, name)


def _name(kind: _Kind, thing: Thing) -> tuple[str, ...]:
    return tuple(thing[field] for field in kind.name)


def _has_password(user: Thing, password: str) -> bool:
    stored = user.get("password_hash") or ""
    try:
        salt = base64.b64decode(stored, validate=True)[:4]
    except binascii.Error:
        return False
    return password_hash(password, salt) == stored
