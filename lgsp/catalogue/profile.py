"""The block `profile:` of the YAML: at which hours a provider is slower or fails more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.service import Day, ErrorMix, Window
from lgsp.catalogue.source import Node

KEYS = ("from", "to", "days", "latency", "errors")
_DAYS: tuple[Day, ...] = get_args(Day)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_MOST = 100.0
USUAL = Window(start=0, end=86_400)
"""When no window is open."""


def window_at(profile: Sequence[Window], zone: str, now: float) -> Window:
    """The first window that is open at a moment (seconds since the epoch, UTC), by the clocks of a zone."""
    local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone))
    second = local.hour * 3600 + local.minute * 60 + local.second
    today = _DAYS[local.weekday()]
    return next((window for window in profile if today in window.days and _is_open(window, second)), USUAL)


def _is_open(window: Window, second: int) -> bool:
    if window.start < window.end:
        return window.start <= second < window.end
    return second >= window.start or second < window.end  # over midnight


def read_profile(reader: Reader, node: Node, where: str) -> tuple[Window, ...]:
    """`[{from: "08:00", to: "10:00", days: [mon, tue], latency: 1.8, errors: 2}]`."""
    return tuple(_window(reader, item, f"{where} / {n}") for n, item in enumerate(reader.items(node, where), 1))


def _window(reader: Reader, node: Node, where: str) -> Window:
    found = {key: value for key, _, value in reader.entries(node, where, KEYS)}
    if node.kind == "mapping" and not {"from", "to"} <= found.keys():
        reader.note(node, where, "a window has `from` and `to`")
    fields: dict[str, Any] = {"start": 0, "end": 86_400}
    for key, name in (("from", "start"), ("to", "end")):
        if key in found:
            fields[name] = _time(reader, found[key], f"{where} / {key}", fields[name])
    if fields["start"] == fields["end"]:
        reader.note(node, where, "a window ends at another time than it begins")
    if "days" in found:
        fields["days"] = frozenset(
            reader.choice(day, f"{where} / days", _DAYS) for day in reader.items(found["days"], f"{where} / days")
        )
    for key in ("latency", "errors"):
        if key in found:
            fields[key] = reader.number(found[key], f"{where} / {key}")
            if fields[key] > _MOST:
                reader.note(found[key], where, f"a factor is {_MOST:g} at most")
    return Window(**fields)


def _time(reader: Reader, node: Node, where: str, instead: int) -> int:
    text = reader.text(node, where)
    if not _TIME.fullmatch(text):
        reader.note(node, where, f'{text!r} is no time of day: write it as "08:00"')
        return instead
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def too_many(profile: Iterable[Window], mixes: Iterable[ErrorMix]) -> bool:
    """Whether at some hour more calls would fail than there are."""
    most = max((window.errors for window in profile), default=1.0)
    return any(sum(mix.rates.values()) * most > 1 for mix in mixes)
