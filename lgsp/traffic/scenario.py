"""How much: the rate of calls by hour and day, on the scenario's own clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Node, Source, read
from lgsp.errors import CatalogueError
from lgsp.traffic.pacer import Stepped

HOUR = 3600.0
EVEN = (100 / 24,) * 24
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of traffic: its part of a working day's calls (0 to 1), and how that is spread over hours and days.

    `hours` holds 24 percentages that sum to 100; `days` the factor for a day by its English name, 1 where it is absent.
    """

    share: float
    hours: tuple[float, ...] = EVEN
    days: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Calls on a working day, in parts, by the calendar of a time zone."""

    zone: ZoneInfo
    calls: float
    parts: tuple[Part, ...]

    def rate(self, at: float) -> float:
        """Calls a second in the hour that `at` (seconds since the epoch, UTC) lies in."""
        local = datetime.fromtimestamp(at, UTC).astimezone(self.zone)
        day = DAYS[local.weekday()]
        return sum(
            self.calls * part.share * part.days.get(day, 1.0) * part.hours[local.hour] / 100 / HOUR
            for part in self.parts
        )

    def pacer(self, start: float, pace: float) -> Stepped:
        """When to call from `start` on, the scenario's clock running `pace` times as fast as ours."""
        into_hour = start % HOUR  # zones are whole hours or the step falls a little beside the local hour
        first = start - into_hour
        return Stepped(HOUR / pace, lambda step: self.rate(first + step * HOUR) * pace, skip=into_hour / pace)


def read_scenario(file: Path) -> Scenario:
    """A scenario from its YAML: `zone`, `calls`, `parts: {name: {share, hours, days}}`.

    Raises `CatalogueError` with every mistake and its line.
    """
    document = read(Source(file.name, file.read_bytes()))
    reader = Reader(document)
    scenario = Scenario(ZoneInfo("UTC"), 0.0, ())
    if document.root is not None:
        found = {key: value for key, _, value in reader.entries(document.root, "", ("zone", "calls", "parts"))}
        scenario = Scenario(
            zone=_zone(reader, found["zone"]) if "zone" in found else ZoneInfo("UTC"),
            calls=reader.number(found["calls"], "calls") if "calls" in found else 0.0,
            parts=tuple(_part(reader, name, node) for name, _, node in reader.entries(found["parts"], "parts"))
            if "parts" in found
            else (),
        )
        if not any(part.share and not part.days for part in scenario.parts) or scenario.calls <= 0:
            reader.note(document.root, "", "a scenario has `calls`, and a part whose share holds on every day")
    if document.problems:
        raise CatalogueError([str(problem) for problem in sorted(document.problems)])
    if document.root is None:
        raise CatalogueError([f"{file.name}: the file is empty"])
    return scenario


def _zone(reader: Reader, node: Node) -> ZoneInfo:
    name = reader.text(node, "zone")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        reader.note(node, "zone", f"{name!r} is no time zone")
        return ZoneInfo("UTC")


def _part(reader: Reader, name: str, node: Node) -> Part:
    found = {key: value for key, _, value in reader.entries(node, name, ("share", "hours", "days"))}
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
        days = {
            day: reader.percent(value, f"{name} / {day}") for day, _, value in reader.entries(found["days"], name, DAYS)
        }
    return Part(share, hours, days)
