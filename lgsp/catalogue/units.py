"""Durations and rates with their units, as people write them."""

from __future__ import annotations

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_STEP = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_FREQUENCY = re.compile(r"(\d{1,9})/(s|m|h|d)")


def parse_duration(text: str) -> float:
    """Seconds of `80ms`, `10s`, `1m30s`, `2h`. Raises `ValueError` in words."""
    if _NUMBER.fullmatch(text):
        raise ValueError(f"a duration needs its unit: {text}ms or {text}s?")
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration: write it as 80ms, 10s or 1m30s")
    return sum(float(number) * _SECONDS[unit] for number, unit in _STEP.findall(text))


def parse_percent(text: str) -> float:
    """The ratio of `1%` or `0.2%`, from 0 to 1. Raises `ValueError` in words."""
    found = _PERCENT.fullmatch(text)
    if not found:
        if _NUMBER.fullmatch(text):
            raise ValueError(f"a rate needs its unit: {text}%?")
        raise ValueError(f"{text!r} is no rate: write it as 1% or 0.2%")
    ratio = float(found[1]) / 100
    if ratio > 1:
        raise ValueError(f"{text} is more than 100%")
    return ratio


def parse_number(text: str) -> float:
    """A number without a unit, 0 or more. Raises `ValueError` in words."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    return float(text)


def parse_frequency(text: str) -> tuple[int, float]:
    """How many in how many seconds: `50/s` is (50, 1.0), `1000/m` is (1000, 60.0). Raises `ValueError` in words."""
    found = _FREQUENCY.fullmatch(text)
    if not found:
        if _NUMBER.fullmatch(text):
            raise ValueError(f"a limit needs its unit: {text}/s or {text}/m?")
        raise ValueError(f"{text!r} is no limit: write it as 50/s, 1000/m, 20000/h or 100000/d")
    if int(found[1]) == 0:
        raise ValueError(f"{text} lets nothing through: leave out the subscription instead")
    return int(found[1]), _SECONDS[found[2]]
