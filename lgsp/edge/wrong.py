"""Which field of a request a refusal is about, as far as its words say so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

Field = tuple[str, str]
"""A name and its value."""
_LOOKED_AT = 65_536
_AT_MOST = 500
_SHORTEST = 4
"""A value that a refusal quotes is at least so long: `1` stands in any sentence."""
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>([^<>]*)</")
_WORD = re.compile(r"\w+")


def fields_of(query: str, body: bytes) -> list[Field]:
    """The fields of a request: parameters, members of JSON, elements of XML, wherever they stand. The first 500."""
    text = body[:_LOOKED_AT].decode(errors="replace")
    found = [*parse_qsl(query, keep_blank_values=True), *_inside(text)]
    return found[:_AT_MOST]


def wrong_fields(fields: Iterable[Field], known: Iterable[str], reply: bytes) -> list[str]:
    """The fields that a refusal names: in a member `field` of its own, by name, or by quoting the value.

    `known` are names that the operation has beside those that were sent: what is missing is named too.
    """
    text = reply[:_LOOKED_AT].decode(errors="replace")
    sent = list(fields)
    told = list(_inside(text)) or [("", text)]
    said = [value for name, value in told if name == "field" and value]
    if said:
        return list(dict.fromkeys(said))
    words = {word for _, value in told for word in _WORD.findall(value)}
    names = dict.fromkeys([*(name for name, _ in sent), *known])
    by_name = [name for name in names if len(name) > 1 and name in words]
    quoted = [n for n, value in sent if len(value) >= _SHORTEST and any(value in answer for _, answer in told)]
    return list(dict.fromkeys([*by_name, *quoted]))


def _inside(text: str) -> Iterator[Field]:
    begin = text.lstrip()[:1]
    if begin in {"{", "["}:
        try:
            yield from _members(json.loads(text))
        except (ValueError, RecursionError):
            return
    elif begin == "<":
        yield from ((found[1], found[2].strip()) for found in _ELEMENT.finditer(text))
    elif "=" in text:
        yield from parse_qsl(text, keep_blank_values=True)


def _members(value: Any) -> Iterator[Field]:  # noqa: ANN401 - JSON
    todo = [("", value)]
    while todo:
        name, each = todo.pop()
        if isinstance(each, dict):
            todo += [(str(key), inner) for key, inner in reversed(each.items())]
        elif isinstance(each, list):
            todo += [(name, inner) for inner in reversed(each)]
        else:
            yield name, "" if each is None else str(each)
