"""Which rule answers: the first whose conditions all hold. Pure functions of the rules and one request's values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lgsp.catalogue.pattern import compile_pattern, does_match
from lgsp.catalogue.service import Comparison, Condition, Rule
from lgsp.catalogue.table import Table

Tables = Mapping[str, Table]
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_pattern = lru_cache(maxsize=4_096)(compile_pattern)


class _Missing:
    """The request has no such value."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Tried:
    """How a rule fared: how many of its conditions hold, and the first that does not, with the value it met."""

    rule: Rule
    held: int
    failed: Condition | None
    found: object = None

    @property
    def missed_by(self) -> int:
        """How many conditions do not hold."""
        return len(self.rule.when) - self.held


def choose(rules: Iterable[Rule], values: Mapping[str, Any], tables: Tables) -> Rule | None:
    """The first rule whose conditions all hold."""
    for rule in rules:
        if hold(rule.when, values, tables):
            return rule
    return None


def hold(conditions: Iterable[Condition], values: Mapping[str, Any], tables: Tables) -> bool:
    """Whether all conditions hold."""
    return all(_holds(condition, values, tables) for condition in conditions)


def explain(rules: Iterable[Rule], values: Mapping[str, Any], tables: Tables) -> list[Tried]:
    """How each rule fares, in their order."""
    tried = []
    for rule in rules:
        failed = [condition for condition in rule.when if not _holds(condition, values, tables)]
        first = failed[0] if failed else None
        found = None if first is None else value_of(first, values, tables)
        tried.append(Tried(rule, len(rule.when) - len(failed), first, found))
    return tried


def nearest(tried: Iterable[Tried]) -> list[Tried]:
    """The rules that missed by least, the first of them first; none where every rule fits."""
    missed = [one for one in tried if one.missed_by]
    least = min((one.missed_by for one in missed), default=0)
    return [one for one in missed if one.missed_by == least]


def value_of(condition: Condition, values: Mapping[str, Any], tables: Tables) -> object:
    """The value that a condition is about, or `MISSING`."""
    value: Any = values[condition.of]
    for step in condition.name:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, Mapping) and step in value:
            value = value[step]
        else:
            return MISSING
    if condition.table is None:
        return value
    row = tables[condition.table].rows.get(str(value))
    if row is None:
        return MISSING
    return row if condition.column is None else row.get(condition.column, MISSING)


def _holds(condition: Condition, values: Mapping[str, Any], tables: Tables) -> bool:
    value = value_of(condition, values, tables)
    return all(_passes(test, value) for test in condition.tests)


def _passes(test: Comparison, value: object) -> bool:
    if test.word == "exists":
        return (value is not MISSING) is test.value
    if value is MISSING:
        return False
    return _TESTS[test.word](value, test.value)


def _equal(one: object, other: object) -> bool:
    """Equal as JSON has it: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other


def _one_of(value: object, wanted: Any) -> bool:  # noqa: ANN401 - what the test holds
    return any(_equal(value, each) for each in wanted)


def _matches(value: object, pattern: Any) -> bool:  # noqa: ANN401 - what the test holds
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return does_match(_pattern(pattern), text)


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _compared(compare: Callable[[float, float], bool]) -> Callable[[object, Any], bool]:
    def test(value: object, bound: Any) -> bool:  # noqa: ANN401 - what the test holds
        number = _number(value)
        return number is not None and compare(number, bound)

    return test


_TESTS: dict[str, Callable[[object, Any], bool]] = {
    "equals": _equal,
    "one_of": _one_of,
    "matches": _matches,
    "from": _compared(lambda value, bound: value >= bound),
    "to": _compared(lambda value, bound: value <= bound),
    "above": _compared(lambda value, bound: value > bound),
    "below": _compared(lambda value, bound: value < bound),
}
