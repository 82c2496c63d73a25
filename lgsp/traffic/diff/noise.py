"""What differs between two runs of one build is noise: the narrowest rules under which the two are the same.

A place is noise where it differs in a tenth of the pairs that have it, or more. What differs more seldom stays a finding: a change
in one call of a hundred is not learned away. Of a rule as narrow as `uuid` only a change that keeps the form is not found any more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from lgsp.traffic.diff.comparing import DIFFERENT, ORDER, Difference, differences
from lgsp.traffic.diff.pairing import Pair
from lgsp.traffic.diff.rules import IGNORE, MATCHES, SHAPE, UNORDERED, UUID, Rule, Rules, Way
from lgsp.traffic.diff.values import alike
from lgsp.traffic.diff.view import operation_of, view

SELDOM = 0.1
_SIGN = re.compile(r"(?P<digit>[0-9])|(?P<small>[a-z])|(?P<large>[A-Z])|(?P<other>.)", re.DOTALL)
_CLASS = {"digit": "[0-9]", "small": "[a-z]", "large": "[A-Z]"}
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Learned:
    """One rule, and in how many of how many pairs its place differed."""

    rule: Rule
    pairs: int
    of: int


@dataclass(slots=True)
class Noise:
    """What two runs taught: `rules`; `seldom` are the places that differ too seldom, `alone` the records without a partner."""

    rules: list[Learned] = field(default_factory=list)
    seldom: list[tuple[str, str, str]] = field(default_factory=list)
    pairs: int = 0
    alone: int = 0


@dataclass(slots=True)
class _Place:
    """One place of one operation: the pairs in which it differs, and the rules under which it would not."""

    kinds: set[str] = field(default_factory=set)
    pairs: int = 0
    narrow: list[tuple[str, str]] | None = None

    def note(self, found: Iterable[Difference]) -> None:
        """What one pair has here."""
        self.pairs += 1
        for each in found:
            self.kinds.add(each.kind)
            fits = list(_fitting(each)) if each.kind == DIFFERENT else []
            self.narrow = fits if self.narrow is None else [way for way in self.narrow if way in fits]

    def rule(self, path: str, service: str, operation: str) -> Rule:
        """The narrowest that holds for all that was seen."""
        if self.kinds == {ORDER}:
            return Rule(path, UNORDERED, service=service, operation=operation)
        compare, of = (self.narrow or [(IGNORE, "")])[0]
        return Rule(path, compare, of, service, operation)


def learn(paired: Iterable[Pair], rules: Rules) -> Noise:
    """What the pairs of two runs of one build have to be excused for, beyond `rules`."""
    noise = Noise()
    places: dict[tuple[str, str, str], _Place] = {}
    there: Counter[tuple[str, str, str]] = Counter()
    calls: Counter[tuple[str, str]] = Counter()
    for pair in paired:
        if pair.ours is None or pair.theirs is None:
            noise.alone += 1
            continue
        noise.pairs += 1
        ours, theirs, called = view(pair.ours), view(pair.theirs), operation_of(pair.ours)
        calls[called] += 1
        there.update((*called, path) for path in set(_paths(ours)) & set(_paths(theirs)))
        found = sorted(differences(ours, theirs, rules.of(*called)), key=lambda each: each.path)
        for path, here in groupby(found, key=lambda each: each.path):
            places.setdefault((*called, path), _Place()).note(here)
    for name, place in sorted(places.items()):
        service, operation, path = name
        of = there[name] if place.kinds <= {DIFFERENT, ORDER} else calls[service, operation]
        if place.pairs < SELDOM * of:
            noise.seldom.append(name)
        else:
            noise.rules.append(Learned(place.rule(path, service, operation), place.pairs, of))
    return noise


def _fitting(difference: Difference) -> Iterator[tuple[str, str]]:
    """The rules under which two values are the same, from the narrowest on."""
    ours, theirs = difference.ours, difference.theirs
    if alike(difference.path, ours, theirs, Way(uuid=True)):
        yield UUID, ""
    if isinstance(ours, str) and isinstance(theirs, str):
        wider = _forms(theirs)
        yield from ((MATCHES, form) for form in _forms(ours) if form in wider)
    if alike(difference.path, ours, theirs, Way(shape=True)):
        yield SHAPE, ""


def _forms(text: str) -> list[str]:
    """Regular expressions that a text fits, from narrow to wide."""
    if not 0 < len(text) <= _LONGEST:
        return []
    kinds = [(sign.lastgroup or "", sign[0]) for sign in _SIGN.finditer(text)]
    forms = []
    if any(kind in _CLASS for kind, _ in kinds):
        runs = ((kind, [sign for _, sign in run]) for kind, run in groupby(kinds, key=lambda each: each[0]))
        forms.append("".join(_run(kind, signs) for kind, signs in runs))
    signs = ("[0-9a-f]", "[0-9A-Za-z_-]")
    forms += [f"{each}{{{len(text)}}}" for each in signs if re.fullmatch(f"{each}+", text)]
    return [*forms, "[0-9]+"] if text.isascii() and text.isdigit() else forms


def _run(kind: str, signs: list[str]) -> str:
    if kind not in _CLASS:
        return re.escape("".join(signs))
    return _CLASS[kind] + (f"{{{len(signs)}}}" if len(signs) > 1 else "")


def _paths(tree: object) -> Iterator[str]:
    """Every place of a tree, as often as it is there."""
    todo: list[tuple[str, object]] = [("", tree)]
    while todo:
        path, value = todo.pop()
        yield path
        if isinstance(value, dict):
            todo += [(f"{path}.{name}" if path else name, inner) for name, inner in value.items()]
        elif isinstance(value, list):
            todo += [(f"{path}[]", inner) for inner in value]
