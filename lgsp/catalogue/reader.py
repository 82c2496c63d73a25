"""Nodes to values: each kind of value has one method, which notes what is wrong and gives a harmless value instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from lgsp.catalogue.source import Document, Node, near
from lgsp.catalogue.units import parse_duration, parse_frequency, parse_number, parse_percent

T = TypeVar("T")
_SWITCH = {"on", "off", "yes", "no", "y", "n"}
_LOOKS_NUMERIC = re.compile(r"[-+]?\d[\d_]*(\.\d*)?([eE][-+]?\d+)?")
_LEADING_ZERO = re.compile(r"[-+]?0\d+")
_SEXAGESIMAL = re.compile(r"\d+(:\d+)+(\.\d+)?")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}.*")
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_DIGITS_AT_MOST = 15


class Reader:
    """Reads the nodes of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def note(self, node: Node, where: str, problem: str, *, write: str | None = None) -> None:
        """Note a problem at a node."""
        self.document.note(node, where, problem, write=write)

    def entries(self, node: Node, where: str, known: Iterable[str] | None = None) -> Iterator[tuple[str, Node, Node]]:
        """Key, key's node and value of a mapping: each key once, only known ones (any, with `None`), none of `x-*`."""
        if node.kind != "mapping":
            self.note(node, where, "a mapping (`key: value` lines) belongs here")
            return
        words = None if known is None else list(known)
        seen: dict[str, int] = {}
        for key, value in node.entries:
            name = self._key(key, where)
            if name is None or name.startswith("x-"):
                continue
            if name in seen:
                self.note(key, where, f"the key {name!r} stands here a second time, first in line {seen[name]}")
                continue
            seen[name] = key.line
            if words is not None and name not in words:
                self.note(key, where, f"unknown key {name!r}{near(name, words)}", write=_nearest(name, words))
                continue
            yield name, key, value

    def _key(self, key: Node, where: str) -> str | None:
        if key.kind != "text":
            self.note(key, where, "a key is a word, not a list or mapping")
            return None
        if key.text == "<<":
            self.note(key, where, "merge keys are refused: write the entries out")
            return None
        if key.plain and (key.text.lower() in _SWITCH or _LOOKS_NUMERIC.fullmatch(key.text)):
            self.note(key, where, f"the key {key.text} is quoted, or YAML reads something else", write=f'"{key.text}"')
            return None
        return key.text

    def text(self, node: Node, where: str) -> str:
        """A text; what YAML would read as a number, a switch or a time has to be quoted."""
        if node.kind != "text":
            self.note(node, where, "a text belongs here")
            return ""
        if node.plain and (why := _misread(node.text) or _numeric(node.text)):
            self.note(node, where, why, write=f'"{node.text}"')
        return node.text

    def choice(self, node: Node, where: str, choices: Iterable[str]) -> str:
        """One word of a closed list."""
        words = list(choices)
        if node.kind == "text" and node.text in words:
            return node.text
        given = node.text if node.kind == "text" else node.kind
        known = ", ".join(words)
        problem = f"{given!r} is none of {known}{near(given, words)}"
        self.note(node, where, problem, write=_nearest(given, words))
        return words[0]

    def truth(self, node: Node, where: str) -> bool:
        """`true` or `false`."""
        if node.kind == "text" and node.text in {"true", "false"}:
            return node.text == "true"
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(node.text.lower())
        self.note(node, where, f"{node.text!r} is neither true nor false", write=meant)
        return False

    def duration(self, node: Node, where: str) -> float:
        """Seconds."""
        return self._unit(node, where, parse_duration, 1.0)

    def percent(self, node: Node, where: str) -> float:
        """A ratio from 0 to 1."""
        return self._unit(node, where, parse_percent, 0.0)

    def frequency(self, node: Node, where: str) -> tuple[int, float]:
        """So many in so many seconds: `100/s`, `10/m`."""
        if node.kind == "text":
            try:
                return parse_frequency(node.text)
            except ValueError as error:
                self.note(node, where, str(error))
        else:
            self.note(node, where, "one value belongs here, not a list or mapping")
        return 1, 1.0

    def number(self, node: Node, where: str) -> float:
        """A number, 0 or more."""
        return self._unit(node, where, parse_number, 1.0)

    def whole(self, node: Node, where: str, at_least: int = 1) -> int:
        """A whole number of things."""
        number = self.number(node, where)
        if number != int(number) or number < at_least:
            self.note(node, where, f"a whole number, {at_least} or more, belongs here")
            return at_least
        return int(number)

    def status(self, node: Node, where: str) -> int:
        """An HTTP status."""
        if node.kind == "text" and node.text.isdigit() and 100 <= int(node.text) <= 599:
            return int(node.text)
        self.note(node, where, f"{node.text!r} is no HTTP status")
        return 200

    def _unit(self, node: Node, where: str, parse: Callable[[str], float], instead: float) -> float:
        if node.kind != "text":
            self.note(node, where, "one value belongs here, not a list or mapping")
            return instead
        try:
            return parse(node.text)
        except ValueError as error:
            self.note(node, where, str(error))
            return instead

    def items(self, node: Node, where: str) -> list[Node]:
        """The nodes of a list."""
        if node.kind == "list":
            return node.items
        self.note(node, where, "a list belongs here")
        return []

    def body(self, node: Node, where: str) -> object:
        """Anything, as JSON would have it; unquoted words are numbers, true, false, null or text."""
        if node.kind == "mapping":
            return {key: self.body(value, f"{where}.{key}") for key, _, value in self.members(node, where)}
        if node.kind == "list":
            return [self.body(item, where) for item in node.items]
        if not node.plain:
            return node.text
        why = _misread(node.text)
        if why:
            self.note(node, where, why, write=f'"{node.text}"')
            return node.text
        return _json_word(node.text)

    def members(self, node: Node, where: str) -> Iterator[tuple[str, Node, Node]]:
        """Key, key's node and value of a mapping whose keys are free: each key once, none of them left out."""
        seen: dict[str, int] = {}
        for key, value in node.entries:
            name = self._key(key, where)
            if name is None:
                continue
            if name in seen:
                self.note(key, where, f"the key {name!r} stands here a second time, first in line {seen[name]}")
                continue
            seen[name] = key.line
            yield name, key, value


def _json_word(text: str) -> object:
    words: dict[str, object] = {"true": True, "false": False, "null": None, "~": None, "": None}
    if text in words:
        return words[text]
    if _JSON_NUMBER.fullmatch(text):
        return float(text) if any(sign in text for sign in ".eE") else int(text)
    return text


def _misread(text: str) -> str:
    """Why YAML would read something else than what stands there; empty where it would not."""
    if text.lower() in _SWITCH:
        return f"{text} is quoted, or YAML reads a switch"
    if _LEADING_ZERO.fullmatch(text):
        return f"{text} is quoted, or YAML reads another number"
    if _SEXAGESIMAL.fullmatch(text):
        return f"{text} is quoted, or YAML reads a number to the base of 60"
    if _DATE.fullmatch(text):
        return f"{text} is quoted, or YAML reads a date"
    if _LOOKS_NUMERIC.fullmatch(text) and sum(sign.isdigit() for sign in text) > _DIGITS_AT_MOST:
        return f"{text} is quoted, or its last digits are lost"
    return ""


def _numeric(text: str) -> str:
    if _LOOKS_NUMERIC.fullmatch(text):
        return f"{text} is quoted: a text belongs here, and YAML reads a number"
    if text in {"true", "false", "null", "~"}:
        return f"{text} is quoted: a text belongs here"
    return ""


def _nearest(word: str, words: list[str]) -> str | None:
    hint = near(word, words)
    return hint.split("'")[1] if hint else None
