"""Which values of replies come back in later requests: the bindings that a capture shows by itself.

A value counts that a reply said first: one that somebody asked with before is an echo. It has to look made, by a digit in it or
by its length, and to explain most of what stands at the place where it comes back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter
from urllib.parse import parse_qsl, unquote

from lgsp.capture.record import GATEWAY, Asked, Record, parse, split_url
from lgsp.traffic.diff.view import operation_of
from lgsp.traffic.replay.bind import Binding, Put, Which
from lgsp.traffic.replay.place import parse_place, scalar

_LONG = 16
_SHORT = 4
_MOST = 0.5
"""The part of what stands at a place that replies have to explain."""
_QUIET = frozenset(
    {"content-length", "content-type", "date", "host", "user-agent", "accept", "connection", "cookie", "set-cookie"}
)
_NAME = re.compile(r"[^A-Za-z0-9]+")
Leaf = tuple[str, str]
"""A place, and what stands there."""


def correlated(records: Iterable[Record]) -> list[Binding]:
    """The bindings that explain a capture, those that explain most first."""
    said: dict[str, tuple[str, str]] = {}
    asked_with: set[str] = set()
    seen: Counter[tuple[str, str]] = Counter()
    explained: Counter[tuple[str, str, str, str]] = Counter()
    ordered = sorted(
        (record for record in records if record.tap == GATEWAY and record.request), key=attrgetter("t", "seq")
    )
    for record in ordered:
        if record.request is None:
            continue
        name = _name_of(record)
        for place, value in _asked(record.request):
            seen[name, place] += 1
            if value in said:
                explained[*said[value], name, place] += 1
            else:
                asked_with.add(value)
        for place, value in _answered(record):
            if value not in asked_with and _made(value):
                said.setdefault(value, (name, place))
    puts: dict[tuple[str, str], Counter[str]] = {}
    for (source, take, name, place), count in explained.items():
        if count >= _MOST * seen[name, place]:
            # Which segment of a path it is tells them apart here; a binding finds it by its value.
            puts.setdefault((source, take), Counter())[place if place[:5] != "path:" else "path"] += count
    ranked = sorted(puts.items(), key=lambda each: (-each[1].total(), each[0]))
    return list(_named(ranked))


def _named(ranked: list[tuple[tuple[str, str], Counter[str]]]) -> Iterator[Binding]:
    used: Counter[str] = Counter()
    for (source, take), places in ranked:
        word = _NAME.sub("_", re.split(r"[.:]", take.rstrip("[]"))[-1]).strip("_").lower() or "value"
        used[word] += 1
        name = word if used[word] == 1 else f"{word}_{used[word]}"
        puts = tuple(Put(parse_place(place)) for place, _ in places.most_common())
        yield Binding(name, Which(source), parse_place(take), puts)


def _name_of(record: Record) -> str:
    """As `Which` names calls: what looks like an id in a path is any segment."""
    service, operation = operation_of(record)
    return f"{service} {operation}".strip()


def _made(value: str) -> bool:
    return len(value) >= _LONG or (len(value) >= _SHORT and any(letter.isdigit() for letter in value))


def _asked(asked: Asked) -> Iterator[Leaf]:
    place = split_url(asked.url)
    yield from ((f"path:{at}", unquote(part)) for at, part in enumerate(place.path.split("/")) if _made(part))
    yield from ((f"query:{name}", value) for name, value in parse_qsl(place.query))
    for name, text in asked.headers:
        lower = name.lower()
        if lower == "cookie":
            for part in text.split("; "):
                cookie, _, value = part.partition("=")
                yield f"cookie:{cookie}", value
        elif lower not in _QUIET and lower[:1] != ":":
            yield f"header:{name}", text.split()[-1] if text.split() else ""
    yield from _in_body(asked.body.data or b"", form=True)


def _answered(record: Record) -> Iterator[Leaf]:
    if record.reply is None:
        return
    for name, text in record.reply.headers:
        lower = name.lower()
        if lower == "set-cookie":
            cookie, _, value = text.partition(";")[0].partition("=")
            yield f"cookie:{cookie}", value
        elif lower not in _QUIET and lower[:1] != ":":
            yield f"header:{name}", text
    yield from _in_body(record.reply.body.data or b"", form=False)


def _in_body(body: bytes, *, form: bool) -> Iterator[Leaf]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return
    if text.lstrip()[:1] in {"{", "["}:
        try:
            yield from _leaves("$", parse(text))
        except (ValueError, RecursionError):
            return
    elif text.lstrip()[:1] == "<":
        yield from ((f"xml:{found[1]}", found[2]) for found in _ELEMENT.finditer(text))
    elif form and "=" in text:
        yield from ((f"form:{name}", value) for name, value in parse_qsl(text))


_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>([^<]+)</")


def _leaves(path: str, value: object) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for name, inside in value.items():
            if name and not re.search(r"[.\[\]]", name):
                yield from _leaves(f"{path}.{name}", inside)
    elif isinstance(value, list):
        for number, inside in enumerate(value):
            yield from _leaves(f"{path}[{number}]", inside)
    elif value is not None and not isinstance(value, bool) and path != "$":
        yield path, scalar(value)
