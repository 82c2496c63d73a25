"""A drill: troubles on a timetable, and for each the alerts that have to tell of it.

Times stand in the file as the rules have theirs. For rules whose windows are scaled a drill is scaled alike, so that one
file serves a real Prometheus (scale 1) and a demo (scale 60: an hour is a minute).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.service import Text
from lgsp.catalogue.source import Node, Source, read
from lgsp.errors import CatalogueError, MalformedRequest, SettingsError
from lgsp.fault import Fault, Kind, check
from lgsp.monitoring.alerts import alerts
from lgsp.monitoring.profile import Profile

GRACE = 300.0
"""Seconds after a trouble's end in which its alert still counts: rates look back, and rules want to be sure."""
_KEYS = ("services", "kind", "value", "part", "when", "at", "for", "every", "times", "expects", "allows")


class Process(StrEnum):
    """What can be wrong with a process rather than with a service. They need a private broker node."""

    BROKER_STOP = "broker-stop"
    BROKER_ALARM = "broker-alarm"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One line of the timetable, in seconds from the drill's start. `services` is empty for a trouble of a process.

    It comes `times` times, each `lasts` long, their starts `every` apart. Each of `expects` has to tell of it; `allows`
    may, and is no false page.
    """

    kind: Kind | Process
    services: tuple[str, ...]
    at: float
    lasts: float
    expects: tuple[str, ...]
    allows: tuple[str, ...] = ()
    every: float = 0.0
    times: int = 1
    value: float = 0.0
    how: str = ""
    part: float = 1.0
    when: str = "*"

    def __str__(self) -> str:
        if len(self.services) > 1:
            return f"{self.kind} of {len(self.services)} services"
        return f"{self.kind} of {self.services[0]}" if self.services else str(self.kind)

    @property
    def over(self) -> float:
        """When the last of it ends."""
        return self.at + self.every * (self.times - 1) + self.lasts

    def scaled(self, scale: float) -> Trouble:
        """The same for rules of that scale. What a fault does to a call is not scaled: calls are as long as ever."""
        return replace(self, at=self.at / scale, lasts=self.lasts / scale, every=self.every / scale)

    def faults(self, drill: str) -> Iterator[Fault]:
        """What is to be ordered once; start and end are the caller's to set. None for a trouble of a process."""
        if isinstance(self.kind, Kind):
            for service in self.services:
                yield Fault("", service, self.kind, 0, self.lasts, self.value, self.how, self.part, self.when, drill)


@dataclass(frozen=True, slots=True)
class Drill:
    """A file of troubles."""

    name: str
    title: Text
    troubles: tuple[Trouble, ...]

    @property
    def over(self) -> float:
        """Seconds from its start to the end of its last trouble."""
        return max(trouble.over for trouble in self.troubles)

    def scaled(self, scale: float) -> Drill:
        """The same drill for rules of that scale."""
        return replace(self, troubles=tuple(trouble.scaled(scale) for trouble in self.troubles))


@dataclass(frozen=True, slots=True)
class Window:
    """A trouble as it was: from its first start to its last end, in seconds since the epoch, UTC."""

    drill: str
    what: str
    services: tuple[str, ...]
    start: float
    end: float
    expects: tuple[str, ...]
    allows: tuple[str, ...] = ()

    @classmethod
    def of(cls, drill: str, trouble: Trouble, start: float, end: float) -> Window:
        """The window of a trouble. A process that crashes takes every service with it."""
        services = () if trouble.kind is Kind.CONNECTOR_CRASH else trouble.services
        return cls(drill, str(trouble), services, start, end, trouble.expects, trouble.allows)


def as_record(windows: Sequence[Window], scale: float) -> dict[str, Any]:
    """What a run of drills writes down, for JSON."""
    return {
        "scale": scale,
        "windows": [{name: getattr(window, name) for name in Window.__dataclass_fields__} for window in windows],
    }


def of_record(data: object) -> tuple[list[Window], float]:
    """Windows and scale of a record. Raises `MalformedRequest`."""
    match data:
        case {"scale": int() | float() as scale, "windows": list(windows)}:
            return [_window(each) for each in windows], float(scale)
    raise MalformedRequest("what was read is no record of a drill")


def _window(data: object) -> Window:
    match data:
        case {
            "drill": str(drill), "what": str(what), "services": list(services), "start": int() | float() as start,
            "end": int() | float() as end, "expects": list(expects), "allows": list(allows),
        }:  # fmt: skip
            named = [tuple(map(str, names)) for names in (services, expects, allows)]
            return Window(drill, what, named[0], float(start), float(end), named[1], named[2])
    raise MalformedRequest("what was read is no window of a drill")


def read_drill(file: Path) -> Drill:
    """A drill from its YAML. Raises `CatalogueError` with every mistake and its line."""
    document = read(Source(file.name, file.read_bytes()))
    reader = Reader(document)
    title, troubles = Text(vi="", en=""), list[Trouble]()
    if document.root is not None:
        found = {key: value for key, _, value in reader.entries(document.root, "", ("title", "troubles"))}
        if set(found) != {"title", "troubles"}:
            reader.note(document.root, "", "a drill has `title` and `troubles`")
        else:
            title = _title(reader, found["title"])
            troubles = [_trouble(reader, each) for each in reader.items(found["troubles"], "troubles")]
    if document.problems:
        raise CatalogueError([str(problem) for problem in sorted(document.problems)])
    if not troubles:
        raise CatalogueError([f"{file.name}: a drill has at least one of `troubles`"])
    return Drill(file.stem, title, tuple(troubles))


def _title(reader: Reader, node: Node) -> Text:
    said = {key: reader.text(value, f"title / {key}") for key, _, value in reader.entries(node, "title", ("vi", "en"))}
    if set(said) != {"vi", "en"}:
        reader.note(node, "title", "a title is said in `vi` and in `en`")
    return Text(vi=said.get("vi", ""), en=said.get("en", ""))


def _trouble(reader: Reader, node: Node) -> Trouble:
    where = "troubles"
    found = {key: value for key, _, value in reader.entries(node, where, _KEYS)}
    missing = [key for key in ("kind", "for", "expects") if key not in found]
    if missing:
        reader.note(node, where, f"{', '.join(missing)} belongs here")
        return Trouble(Process.BROKER_STOP, (), 0, 1, ())
    kind = _kind(reader, found["kind"])
    services = _words(reader, found, "services")
    if isinstance(kind, Kind) and not services:
        reader.note(node, where, f"{kind} is a trouble of services: name them, `services: [population]`")
    if isinstance(kind, Process) and services:
        reader.note(found["services"], where, f"{kind} is a trouble of a process, and of no service")
    value, how = _value(reader, found, kind)
    trouble = Trouble(
        kind,
        services,
        at=_seconds(reader, found, "at"),
        lasts=_seconds(reader, found, "for"),
        expects=_alerts(reader, found, "expects"),
        allows=_alerts(reader, found, "allows"),
        every=_seconds(reader, found, "every"),
        times=int(reader.number(found["times"], f"{where} / times")) if "times" in found else 1,
        value=value,
        how=how,
        part=reader.percent(found["part"], f"{where} / part") if "part" in found else 1.0,
        when=reader.text(found["when"], f"{where} / when") if "when" in found else "*",
    )
    _judge(reader, node, trouble)
    return trouble


def _judge(reader: Reader, node: Node, trouble: Trouble) -> None:
    """Note what makes no sense as a whole."""
    if trouble.times < 1 or (trouble.times > 1) != (trouble.every > 0):
        reader.note(node, "troubles", "`every` and `times` stand together: the starts so far apart, so many of them")
    elif trouble.every and trouble.every <= trouble.lasts:
        reader.note(node, "troubles", "`every` is longer than `for`: between two there is a time without trouble")
    try:
        for fault in trouble.faults(""):
            check(fault)
    except SettingsError as error:
        reader.note(node, "troubles", str(error))


def _kind(reader: Reader, node: Node) -> Kind | Process:
    word = reader.choice(node, "troubles / kind", [*map(str, Kind), *map(str, Process)])
    return Process(word) if word in list(Process) else Kind(word)


def _value(reader: Reader, found: Mapping[str, Node], kind: Kind | Process) -> tuple[float, str]:
    if "value" not in found:
        return 0.0, ""
    node, where = found["value"], "troubles / value"
    if kind is Kind.BAD_REPLY:
        return 0.0, reader.text(node, where)
    return (reader.number(node, where) if kind is Kind.ERROR else reader.duration(node, where)), ""


def _seconds(reader: Reader, found: Mapping[str, Node], key: str) -> float:
    return reader.duration(found[key], f"troubles / {key}") if key in found else 0.0


def _words(reader: Reader, found: Mapping[str, Node], key: str) -> tuple[str, ...]:
    where = f"troubles / {key}"
    return tuple(reader.text(node, where) for node in reader.items(found[key], where)) if key in found else ()


def _alerts(reader: Reader, found: Mapping[str, Node], key: str) -> tuple[str, ...]:
    if key not in found:
        return ()
    where, known = f"troubles / {key}", [alert.name for alert in alerts(Profile())]
    return tuple(reader.choice(node, where, known) for node in reader.items(found[key], where))
