"""Regular expressions whose cost is known before they run: what could take for ever is refused."""

from __future__ import annotations

import importlib
import re
from typing import Any

LONGEST_TEXT = 1_000
"""Letters of a value that a pattern looks at."""
LONGEST_PATTERN = 500
DEAREST = LONGEST_TEXT**2
_parser: Any = importlib.import_module("re._parser")
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
_SINGLE = {"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT"}
_REFUSED = {"GROUPREF": "a back-reference", "GROUPREF_EXISTS": "a condition", "ASSERT": "a look-ahead"}


def compile_pattern(text: str) -> re.Pattern[str]:
    """The pattern. Raises `ValueError` in words for what is none, and for one whose cost has no bound."""
    if len(text) > LONGEST_PATTERN:
        raise ValueError(f"a pattern is at most {LONGEST_PATTERN} letters long")
    try:
        compiled = re.compile(text)
        ways = _ways(_parser.parse(text))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{text!r} is no pattern: {error}") from error
    anchored = text.startswith(("^", r"\A"))
    if ways * (1 if anchored else LONGEST_TEXT) > DEAREST:
        hint = "repeat less" if anchored else "repeat less, or begin it with ^"
        raise ValueError(f"the pattern {text!r} could take very long on a value made for it: {hint}")
    return compiled


def does_match(pattern: re.Pattern[str], text: str) -> bool:
    """Whether the pattern is found in the first letters of a text."""
    return pattern.search(text[:LONGEST_TEXT]) is not None


def _ways(parts: Any) -> int:  # noqa: ANN401 - the parser's trees have no types
    """In how many ways a pattern can be tried at one place, at most: what backtracking can cost."""
    ways = 1
    for operator, value in parts:
        name = str(operator)
        if name in _REFUSED or name == "ASSERT_NOT":
            raise ValueError(f"{_REFUSED.get(name, 'a look-ahead')} in a pattern is refused")
        if name in _SINGLE:
            continue
        ways = min(ways * _ways_of(name, value), DEAREST + 1)
    return ways


def _ways_of(name: str, value: Any) -> int:  # noqa: ANN401 - as above
    if name in _REPEATS:
        least, most, body = value
        most = min(int(most), LONGEST_TEXT)
        inner = _ways(body)
        # Each round can be tried in so many ways: bounded here, since the power itself may be astronomical.
        rounds = inner ** min(most, 64) if inner > 1 else 1
        return int(min(rounds * (most - int(least) + 1), DEAREST + 1))
    if name == "BRANCH":
        return sum(_ways(branch) for branch in value[1])
    if name == "SUBPATTERN":
        return _ways(value[-1])
    if name == "ATOMIC_GROUP":
        return _ways(value)
    raise ValueError(f"{name.lower()} in a pattern is refused")
