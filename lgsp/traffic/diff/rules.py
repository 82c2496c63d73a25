"""What is no difference: rules by operation and place, read from YAML and written as it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Node, Source, read
from lgsp.catalogue.units import parse_duration, parse_number
from lgsp.errors import CatalogueError, SettingsError

IGNORE, EQUAL, SUBSET, UNORDERED, SHAPE, UUID, PROBLEM = "ignore", "equal", "subset", "unordered", "shape", "uuid", "problem"  # fmt: skip
TOLERANCE, WITHIN, MATCHES = "tolerance", "within", "matches"
COMPARE = (IGNORE, EQUAL, SUBSET, UNORDERED, TOLERANCE, WITHIN, MATCHES, UUID, SHAPE, PROBLEM)
_OF = {TOLERANCE: "a number", WITHIN: "a duration", MATCHES: "a regular expression", UNORDERED: "the name of a member"}
_WORDS_OF_A_PROBLEM = ("detail", "instance")
"""What of `application/problem+json` is written for one occurrence."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How the values `at` a place and below are compared, in the operations that it is about; `*` stands for anything.

    `of`: how far numbers may be apart (tolerance), or times, in seconds (within); what both have to look like (matches); by
    which member the items of a list belong together (unordered; empty: by the whole of them).
    """

    at: str
    compare: str
    of: str | float = ""
    service: str = "*"
    operation: str = "*"


@dataclass(frozen=True, slots=True)
class Way:
    """How the values at one place are compared; `within` and `tolerance` 0: exactly."""

    ignore: bool = False
    subset: bool = False
    unordered: bool = False
    by: str = ""
    shape: bool = False
    uuid: bool = False
    tolerance: float = 0.0
    within: float = 0.0
    matches: tuple[re.Pattern[str], ...] = ()


class Ways:
    """The rules of one operation."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = [(_below([rule.at]), rule) for rule in _spread(rules)]
        self._known: dict[str, Way] = {}

    def way(self, path: str) -> Way:
        """How the values at a place are compared."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = _way([rule for at, rule in self._rules if at.fullmatch(path)])
        return known


class Rules:
    """Rules, each for the operations that it names. `equal` goes before all others, whatever stands around it."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.all = tuple(rules)
        self._known: dict[tuple[str, str], Ways] = {}

    def of(self, service: str, operation: str) -> Ways:
        """Those of one operation."""
        known = self._known.get((service, operation))
        if known is None:
            meant = [r for r in self.all if _fits(r.service, service) and _fits(r.operation, operation)]
            known = self._known[service, operation] = Ways(meant)
        return known


def read_rules(file: Path) -> list[Rule]:
    """The rules of a file: `diff:`, a list of `{at, compare, of, service, operation}`.

    Raises `CatalogueError` with every mistake and its line, `SettingsError` where the file cannot be read.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror or error}") from error
    document = read(Source(str(file), data))
    reader, found = Reader(document), list[Rule]()
    if document.root is not None:
        for _, _, value in reader.entries(document.root, "", ("diff",)):
            found = [_rule(reader, item, f"diff[{number}]") for number, item in enumerate(reader.items(value, "diff"))]
    if document.problems:
        raise CatalogueError([str(problem) for problem in sorted(document.problems)])
    return found


def written(rules: Iterable[tuple[Rule, str]], head: Sequence[str]) -> str:
    """The YAML of rules, each with a remark; `read_rules` reads it again."""
    lines = [f"# {line}" for line in head]
    each = [f"  - {_flow(rule)}  # {remark}" for rule, remark in rules]
    return "\n".join([*lines, *(["diff:", *each] if each else ["diff: []"])]) + "\n"


def _flow(rule: Rule) -> str:
    of = {"of": rule.of} if rule.of != "" else {}
    scope = {name: value for name in ("service", "operation") if (value := getattr(rule, name)) != "*"}
    words: dict[str, object] = {"at": rule.at, "compare": rule.compare} | of | scope
    if rule.compare == WITHIN:
        words["of"] = f"{rule.of:g}s"
    return f"{{{', '.join(f'{name}: {_quoted(value)}' for name, value in words.items())}}}"


def _quoted(value: object) -> str:
    """A value as YAML has it; what a reader of it would put into another form, or refuse, is escaped."""
    shown = json.dumps(value, ensure_ascii=False)
    formed = unicodedata.is_normalized("NFC", shown)
    return "".join(
        s if (s.isascii() and s.isprintable()) or (formed and s.isalnum()) else f"\\U{ord(s):08x}" for s in shown
    )


def _rule(reader: Reader, node: Node, where: str) -> Rule:
    given = {
        name: value for name, _, value in reader.entries(node, where, ("at", "compare", "of", "service", "operation"))
    }
    words = {name: reader.text(given[name], where) for name in ("at", "service", "operation") if name in given}
    if "at" not in words or "compare" not in given:
        reader.note(node, where, "`at` and `compare` belong here")
        return Rule("", EQUAL)
    compare = reader.choice(given["compare"], where, COMPARE)
    if "of" not in given and compare in _OF and compare != UNORDERED:
        reader.note(node, where, f"`of` is missing: {compare} wants {_OF[compare]}")
        return Rule("", EQUAL)
    of = _of(reader, given["of"], where, compare) if "of" in given else ""
    return Rule(compare=compare, of=of, **words)


def _of(reader: Reader, node: Node, where: str, compare: str) -> str | float:
    if compare not in _OF:
        reader.note(node, where, f"{compare} takes no `of`")
        return ""
    if compare == UNORDERED:
        return reader.text(node, where)
    try:
        return value_of(compare, node.text)
    except ValueError as error:
        reader.note(node, where, str(error))
        return ""


def value_of(compare: str, text: str) -> str | float:
    """What a rule is to be of. Raises `ValueError` in words."""
    if compare == TOLERANCE:
        return parse_number(text)
    if compare == WITHIN:
        return parse_duration(text)
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


def _way(rules: list[Rule]) -> Way:
    named = {rule.compare for rule in rules}
    if EQUAL in named:
        return Way()
    return Way(
        ignore=IGNORE in named,
        subset=SUBSET in named,
        unordered=UNORDERED in named,
        by=next((str(rule.of) for rule in rules if rule.compare == UNORDERED and rule.of), ""),
        shape=SHAPE in named,
        uuid=UUID in named,
        tolerance=max((float(rule.of) for rule in rules if rule.compare == TOLERANCE), default=0.0),
        within=max((float(rule.of) for rule in rules if rule.compare == WITHIN), default=0.0),
        matches=tuple(re.compile(str(rule.of)) for rule in rules if rule.compare == MATCHES),
    )


def _spread(rules: Iterable[Rule]) -> Iterable[Rule]:
    for rule in rules:
        if rule.compare == PROBLEM:
            yield from (Rule(f"{rule.at}.{word}", IGNORE) for word in _WORDS_OF_A_PROBLEM)
        else:
            yield rule


def _fits(pattern: str, text: str) -> bool:
    return pattern == "*" or re.fullmatch(_any(pattern), text, re.DOTALL) is not None


def _any(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in pattern.split("*"))


def _below(paths: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(map(_any, paths))})(?:[.\[].*)?", re.DOTALL)
