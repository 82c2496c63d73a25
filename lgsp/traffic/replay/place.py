"""Where in a request or a reply a value stands, in a word.

path           the segments of the path       header:NAME   what a header says
query:NAME     a parameter of the query       cookie:NAME   a cookie, sent or set
form:NAME      a field of a form              $.a.b[0].c    in JSON; `[]` is every item
xml:NAME       the text of every element of that name, whatever its prefix
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus
from xml.sax.saxutils import escape, unescape

from lgsp.capture.record import Headers, dump, parse

PATH, QUERY, FORM, HEADER, COOKIE, JSON, XML = "path", "query", "form", "header", "cookie", "json", "xml"
_NAMED = (QUERY, FORM, HEADER, COOKIE, XML)
_JSON_PATH = re.compile(r"\$(?:\.[^.\[\]]+|\[\d*\])+")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d*)\]")
Change = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Said:
    """What one side said. `target` is path and query of a request, empty of a reply."""

    headers: Headers = ()
    body: bytes = b""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A place; `text` is how it is written."""

    text: str
    kind: str
    name: str = ""
    steps: tuple[str | int | None, ...] = ()

    def __str__(self) -> str:
        return self.text


def parse_place(text: str) -> Place:
    """The place that a text names. Raises `ValueError` in words."""
    if text == PATH:
        return Place(text, PATH)
    kind, _, name = text.partition(":")
    if kind in _NAMED and name:
        return Place(text, kind, name.lower() if kind == HEADER else name)
    if _JSON_PATH.fullmatch(text):
        steps = (name or (int(number) if number else None) for name, number in _STEP.findall(text))
        return Place(text, JSON, steps=tuple(steps))
    known = ", ".join(f"{kind}:NAME" for kind in _NAMED)
    raise ValueError(f"{text!r} is no place: write path, {known}, or $.field.of.json")


def values(place: Place, said: Said) -> list[str]:
    """What stands there, each value as a text; nothing where there is no such place."""
    found: list[str] = []

    def note(value: str) -> str:
        found.append(value)
        return value

    changed(place, said, note)
    return found


def changed(place: Place, said: Said, change: Change) -> Said:
    """The same with each value at the place changed; byte for byte the same where nothing is."""
    if place.kind in {HEADER, COOKIE}:
        return replace(said, headers=_in_headers(place, said.headers, change))
    if place.kind in {PATH, QUERY}:
        return replace(said, target=_in_target(place, said.target, change))
    if place.kind == JSON:
        return replace(said, body=_in_json(place, said.body, change))
    try:
        text = said.body.decode()
    except UnicodeDecodeError:
        return said
    text = _in_pairs(text, place.name, change) if place.kind == FORM else _in_xml(text, place.name, change)
    return replace(said, body=text.encode())


def put(place: Place, said: Said, value: str) -> Said:
    """The same with this value there: in place of each that is there, else added where the place can have it."""
    if values(place, said):
        return changed(place, said, lambda _: value)
    if place.kind == HEADER:
        return replace(said, headers=(*said.headers, (place.name, value)))
    if place.kind == COOKIE:
        sent = next((text for name, text in said.headers if name.lower() == "cookie"), "")
        others = tuple(pair for pair in said.headers if pair[0].lower() != "cookie")
        pair = f"{place.name}={value}"
        return replace(said, headers=(*others, ("cookie", f"{sent}; {pair}" if sent else pair)))
    if place.kind == QUERY:
        return replace(said, target=f"{said.target}{'&' if '?' in said.target else '?'}{_pair(place.name, value)}")
    if place.kind == FORM:
        body = f"{said.body.decode()}&{_pair(place.name, value)}" if said.body else _pair(place.name, value)
        return replace(said, body=body.encode())
    if place.kind == JSON:
        return replace(said, body=_added(place, said.body, value))
    return said


def _in_headers(place: Place, headers: Headers, change: Change) -> Headers:
    def one(name: str, text: str) -> str:
        lower = name.lower()
        if place.kind == HEADER:
            return change(text) if lower == place.name else text
        if lower == "cookie":
            return "; ".join(_cookie(part, place.name, change) for part in text.split("; "))
        if lower == "set-cookie":
            first, sign, rest = text.partition(";")
            return _cookie(first, place.name, change) + sign + rest
        return text

    return tuple((name, one(name, text)) for name, text in headers)


def _cookie(text: str, wanted: str, change: Change) -> str:
    name, sign, value = text.partition("=")
    return f"{name}={change(value)}" if sign and name.strip() == wanted else text


def _in_target(place: Place, target: str, change: Change) -> str:
    path, sign, query = target.partition("?")
    if place.kind == QUERY:
        return path + sign + _in_pairs(query, place.name, change)
    return "/".join(_respelt(part, change, unquote, _segment) for part in path.split("/")) + sign + query


def _segment(value: str) -> str:
    return quote(value, safe="-._~!$&'()*+,;=:@")


def _pair(name: str, value: str) -> str:
    return f"{quote_plus(name)}={quote_plus(value)}"


def _in_pairs(text: str, wanted: str, change: Change) -> str:
    """A query or a form with the values of one name changed; the others are spelt as they were."""

    def one(pair: str) -> str:
        name, sign, value = pair.partition("=")
        if unquote_plus(name) != wanted:
            return pair
        return name + sign + _respelt(value, change, unquote_plus, quote_plus)

    return "&".join(one(pair) for pair in text.split("&"))


def _respelt(spelt: str, change: Change, read: Change, spell: Change) -> str:
    value = read(spelt)
    new = change(value)
    return spelt if new == value else spell(new)


def _in_xml(text: str, name: str, change: Change) -> str:
    element = re.compile(rf"(<(?:[\w.-]+:)?{re.escape(name)}(?:\s[^<>]*)?>)([^<]*)(?=</)")
    return element.sub(lambda found: found[1] + _respelt(found[2], change, unescape, escape), text)


def _in_json(place: Place, body: bytes, change: Change) -> bytes:
    try:
        tree = parse(body.decode())
    except (ValueError, RecursionError):
        return body
    touched = False
    for holder, at in list(_holders(tree, place.steps)):
        old = holder[at]
        if isinstance(old, dict | list):
            continue
        value = scalar(old)
        new = change(value)
        if new != value:
            holder[at] = _of_kind(old, new)
            touched = True
    return dump(tree)[:-1] if touched else body


def _holders(tree: Any, steps: tuple[str | int | None, ...]) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - JSON
    """Each container that has something at the end of the steps, and at what index or name."""
    step, rest = steps[0], steps[1:]
    inside: Iterable[Any] = ()
    if isinstance(step, str):
        inside = [step] if isinstance(tree, dict) and step in tree else []
    elif isinstance(tree, list):
        inside = range(len(tree)) if step is None else [step] if step < len(tree) else []
    for at in inside:
        if rest:
            yield from _holders(tree[at], rest)
        else:
            yield tree, at


def scalar(value: object) -> str:
    """A value of JSON that holds no others, as a text."""
    return value if isinstance(value, str) else dump(value)[:-1].decode()


def _of_kind(old: object, new: str) -> object:
    """The new value as the old one was: a number stays one where it can."""
    if isinstance(old, str) or old is None:
        return new
    try:
        value = parse(new)
    except ValueError:
        return new
    return value if isinstance(value, int | float) else new


def _added(place: Place, body: bytes, value: str) -> bytes:
    try:
        tree = parse(body.decode()) if body else {}
    except (ValueError, RecursionError):
        return body
    inside: Any = tree
    *way, last = place.steps
    for step in way:
        if not (isinstance(step, str) and isinstance(inside, dict)):
            return body
        inside = inside.setdefault(step, {})
    if not (isinstance(last, str) and isinstance(inside, dict)):
        return body
    inside[last] = value
    return dump(tree)[:-1]
