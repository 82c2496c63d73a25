"""YAML text to nodes that know their place. Every scalar stays text: the schema says what it becomes.

What YAML would misread in silence (tabs, curly quotes, aliases ...) is a problem with its line and its mend.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

import yaml

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 200_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DECIMAL_COMMA = re.compile(r"(?<=[\s:\[{])(\d+),(\d+)(?=(?:%|ms|s|m|h)(?:[\s,}\]]|$))")
_TEMPLATE = re.compile(r"(:\s+)(\{\{.*\}\})(\s*)$")
_SIGNS = {
    "\t": ("a tab", "  "),
    "\N{NO-BREAK SPACE}": ("a no-break space", " "),
    "\N{NARROW NO-BREAK SPACE}": ("a no-break space", " "),
    "\N{LEFT DOUBLE QUOTATION MARK}": ("a curly quote", '"'),
    "\N{RIGHT DOUBLE QUOTATION MARK}": ("a curly quote", '"'),
    "\N{LEFT SINGLE QUOTATION MARK}": ("a curly quote", "'"),
    "\N{RIGHT SINGLE QUOTATION MARK}": ("a curly quote", "'"),
}
_SIGN = re.compile("[" + "".join(_SIGNS) + "]")


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its name for people, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake and its place; `fix` is the corrected line, where there is one."""

    file: str
    line: int
    column: int
    where: str
    problem: str
    fix: str = ""

    def __str__(self) -> str:
        path = f"{self.where}: " if self.where else ""
        write = f"\n    write: {self.fix.strip()}" if self.fix else ""
        return f"{self.file}:{self.line}:{self.column}: {path}{self.problem}{write}"


@dataclass(slots=True)
class Node:
    """A piece of YAML with its place (lines and columns from 1). `plain`: a scalar without quotes."""

    kind: Literal["text", "mapping", "list"]
    line: int
    column: int
    text: str = ""
    plain: bool = False
    entries: list[tuple[Node, Node]] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """A file's lines, its root node (`None` where it could not be read), and the problems found so far."""

    name: str
    lines: list[str]
    root: Node | None
    problems: list[Problem]

    def note(self, node: Node, where: str, problem: str, *, write: str | None = None) -> None:
        """Note a problem at a node; `write` is what should stand in its place."""
        fix = ""
        line = self.lines[node.line - 1] if node.line <= len(self.lines) else ""
        if write is not None and line[node.column - 1 :].startswith(node.text):
            fix = line[: node.column - 1] + write + line[node.column - 1 + len(node.text) :]
        self.problems.append(Problem(self.name, node.line, node.column, where, problem, fix))


def near(word: str, known: Iterator[str] | list[str]) -> str:
    """`; did you mean 'x'?` where a known word is near, else nothing."""
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


def read(source: Source) -> Document:
    """Nodes of a file. Never raises: what is wrong stands in `problems`."""
    document = Document(source.name, [], None, [])
    if len(source.data) > MAX_BYTES:
        document.problems.append(Problem(source.name, 1, 1, "", f"the file is larger than {MAX_BYTES} bytes"))
        return document
    try:
        text = source.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.data.count(b"\n", 0, error.start) + 1
        document.problems.append(Problem(source.name, line, 1, "", "the file is not UTF-8"))
        return document
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    document.lines = [_mended(document, number, line) for number, line in enumerate(text.split("\n"), 1)]
    try:
        document.root = _Composer(document, "\n".join(document.lines)).compose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.problems.append(Problem(source.name, line, column, "", f"this is no YAML: {error.problem}"))
    except yaml.YAMLError as error:
        document.problems.append(Problem(source.name, 1, 1, "", f"this is no YAML: {error}".splitlines()[0]))
    return document


def _mended(document: Document, number: int, line: str) -> str:
    """The line with what YAML would misread put right, and noted, so that the mistakes behind it are found as well."""
    code = line.partition(" #")[0] if not line.lstrip().startswith("#") else ""
    comment = line[len(code) :]
    found = [(sign.start() + 1, f"{_SIGNS[sign[0]][0]} stands here") for sign in _SIGN.finditer(code)]
    mended = _SIGN.sub(lambda sign: _SIGNS[sign[0]][1], code)
    found += [(comma.start() + 1, f"{comma[0]!r} has a decimal comma") for comma in _DECIMAL_COMMA.finditer(mended)]
    mended = _DECIMAL_COMMA.sub(r"\1.\2", mended)
    template = _TEMPLATE.search(mended)
    if template:
        found.append((template.start(2) + 1, "a template is quoted"))
        mended = _TEMPLATE.sub(r'\1"\2"\3', mended)
    for column, problem in found[:1]:  # one fix mends the whole line
        document.problems.append(Problem(document.name, number, column, "", problem, mended + comment))
    return mended + comment


class _Composer:
    """Events to nodes, bounded in depth and number; anchors, aliases, tags and second documents are noted."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._events = yaml.parse(text, Loader=_LOADER)
        self._nodes = 0

    def compose(self) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._note(event, "a second document begins here: one file holds one")
                    break
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, 1)
        return root

    def _note(self, event: Any, problem: str) -> None:  # noqa: ANN401 - PyYAML's events have no types
        mark = event.start_mark
        self._document.problems.append(Problem(self._document.name, mark.line + 1, mark.column + 1, "", problem))

    def _node(self, event: Any, depth: int) -> Node:  # noqa: ANN401 - PyYAML's events have no types
        self._nodes += 1
        mark = event.start_mark
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            what = f"deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else f"more than {MAX_NODES} pieces"
            raise yaml.MarkedYAMLError(problem=f"the file is {what}", problem_mark=mark)
        node = Node("text", mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.AliasEvent):
            self._note(event, f"the alias *{event.anchor} is refused: write it out")
            node.text = "alias"
            return node
        if event.anchor:
            self._note(event, f"the anchor &{event.anchor} is refused: nothing may refer to it")
        if event.tag and event.tag != "!":
            self._note(event, f"the tag {event.tag} is refused")
        if isinstance(event, yaml.ScalarEvent):
            node.text = event.value
            node.plain = event.style in {None, ""}
        elif isinstance(event, yaml.MappingStartEvent):
            node.kind = "mapping"
            while not isinstance(event := next(self._events), yaml.MappingEndEvent):
                key = self._node(event, depth + 1)
                node.entries.append((key, self._node(next(self._events), depth + 1)))
        else:
            node.kind = "list"
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                node.items.append(self._node(event, depth + 1))
        return node
