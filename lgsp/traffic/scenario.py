"""How much: the rate of calls by hour and day, on the scenario's own clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Node, Source, read
from lgsp.errors import CatalogueError
from lgsp.traffic.pacer import Stepped
from lgsp.traffic.period import KEYS, Period, blocks, day, read_period, value_of

HOUR = 3600.0
_WEEK = 7 * 24 * HOUR
EVEN = (100 / 24,) * 24
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of traffic: its part of a working day's calls (0 to 1), and how that is spread over hours and days.

    `hours` holds 24 percentages that sum to 100; `days` the factor for a day by its English name, 1 where it is absent;
    `dates` the factor of single days, which goes before that of their weekday.
    """

    share: float
    hours: tuple[float, ...] = EVEN
    days: dict[str, float] = field(default_factory=dict)
    dates: dict[date, float] = field(default_factory=dict)

    def factor(self, at: date) -> float:
        """What a day has of this part, where a working day has 1."""
        special = self.dates.get(at)
        return self.days.get(DAYS[at.weekday()], 1.0) if special is None else special


@dataclass(frozen=True, slots=True)
class Scenario:
    """Calls on a working day, in named parts, by the calendar of a time zone; `period` where the file has one."""

    zone: ZoneInfo
    calls: float
    parts: dict[str, Part]
    period: Period | None = None

    def rate(self, at: float) -> float:
        """Calls a second in the hour that `at` (seconds since the epoch, UTC) lies in."""
        local = datetime.fromtimestamp(at, UTC).astimezone(self.zone)
        today = local.date()
        return sum(
            self.calls * part.share * part.factor(today) * part.hours[local.hour] / 100 / HOUR
            for part in self.parts.values()
        )

    def midnight(self, at: date) -> int:
        """When a day begins in the scenario's zone: whole seconds since the epoch, UTC."""
        return int(datetime(at.year, at.month, at.day, tzinfo=self.zone).timestamp())

    def moment(self, now: float) -> float:
        """The moment of the scenario that is lived through at `now`: with a period, the same hour and weekday in its last week."""
        if self.period is None:
            return now
        over = self.midnight(self.period.last + timedelta(days=1))
        weeks = math.ceil(max(0.0, now - over + 1) / _WEEK)
        return now - weeks * _WEEK

    def pacer(self, start: float, pace: float) -> Stepped:
        """When to call from `start` on, the scenario's clock running `pace` times as fast as ours."""
        into_hour = start % HOUR  # zones are whole hours or the step falls a little beside the local hour
        first = start - into_hour
        return Stepped(HOUR / pace, lambda step: self.rate(first + step * HOUR) * pace, skip=into_hour / pace)


def read_scenario(file: Path) -> Scenario:
    """A scenario from its YAML: `zone`, `calls`, `parts: {name: {share, hours, days}}`, `dates`, and what a period has.

    Raises `CatalogueError` with every mistake and its line.
    """
    document = read(Source(file.name, file.read_bytes()))
    reader = Reader(document)
    scenario = Scenario(ZoneInfo("UTC"), 0.0, {})
    if document.root is not None:
        found = blocks(reader, document.root, "", ("zone", "calls", "parts", "dates", *KEYS))
        parts = {name: _part(reader, name, node) for name, node in _inside(reader, found, "parts").items()}
        _read_dates(reader, _inside(reader, found, "dates"), parts)
        scenario = Scenario(
            zone=_zone(reader, found["zone"]) if "zone" in found else ZoneInfo("UTC"),
            calls=reader.number(value_of(reader, found["calls"], "calls"), "calls") if "calls" in found else 0.0,
            parts=parts,
            period=read_period(reader, found, document.root),
        )
        if not any(part.share and not part.days for part in parts.values()) or scenario.calls <= 0:
            reader.note(document.root, "", "a scenario has `calls`, and a part whose share holds on every day")
    if document.problems:
        raise CatalogueError([str(problem) for problem in sorted(document.problems)])
    if document.root is None:
        raise CatalogueError([f"{file.name}: the file is empty"])
    return scenario


def _inside(reader: Reader, found: dict[str, Node], key: str) -> dict[str, Node]:
    return blocks(reader, found[key], key) if key in found else {}


def _read_dates(reader: Reader, named: dict[str, Node], parts: dict[str, Part]) -> None:
    """Put the factors of single days into the parts that they name."""
    for name, node in named.items():
        where = f"dates / {name}"
        inside = blocks(reader, node, where, ("days", "parts"))
        if len(inside) < 2:
            reader.note(node, where, "the keys 'days' and 'parts' belong here")
            continue
        days = [day(reader, item, where) for item in reader.items(inside["days"], where)]
        for part, value in blocks(reader, inside["parts"], where, tuple(parts)).items():
            parts[part].dates.update(dict.fromkeys(days, reader.percent(value, f"{where} / {part}")))


def _zone(reader: Reader, node: Node) -> ZoneInfo:
    name = reader.text(node, "zone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        reader.note(node, "zone", f"{name!r} is no time zone")
        return ZoneInfo("UTC")


def _part(reader: Reader, name: str, node: Node) -> Part:
    found = blocks(reader, node, name, ("share", "hours", "days"))
    share = reader.percent(found["share"], f"{name} / share") if "share" in found else 0.0
    hours: tuple[float, ...] = EVEN
    if "hours" in found:
        hours = tuple(
            reader.number(item, f"{name} / hours") for item in reader.items(found["hours"], f"{name} / hours")
        )
        if len(hours) != len(EVEN) or abs(sum(hours) - 100) > 0.01:
            reader.note(found["hours"], f"{name} / hours", "24 percentages that add up to 100 belong here")
            hours = EVEN
    days = {}
    if "days" in found:
        given = blocks(reader, found["days"], name, DAYS)
        days = {weekday: reader.percent(value, f"{name} / {weekday}") for weekday, value in given.items()}
    return Part(share, hours, days)
