"""A stretch of days as a whole: how many calls, of which services, how they ended, and what else was counted.

The figures are claims. Each is a fact or an assumption and names its source; `claims` lists them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.service import Text
from lgsp.catalogue.source import Document, Node
from lgsp.catalogue.units import parse_number, parse_percent
from lgsp.model import Outcome

EVIDENCE = ("fact", "assumption")
KEYS = ("title", "period", "business_faults", "failures", "services", "episodes", "streams", "desks", "names")
_PERIOD = ("from", "to", "calls", "official", "services", "busiest_minute")
_FAILURES = tuple(outcome for outcome in Outcome if outcome not in {Outcome.OK, Outcome.BUSINESS_FAULT})


@dataclass(frozen=True, slots=True)
class Claim:
    """One number of a scenario: its place in the file, and what it rests on."""

    where: str
    value: str
    evidence: str
    """`fact`, `assumption`, or nothing where nobody says."""
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Load:
    """One service's part: its share of all calls and its official success, from 0 to 1."""

    share: float
    official: float


@dataclass(frozen=True, slots=True)
class Episode:
    """Days on which the failures of some services came more often: each outcome so many times as often as else."""

    name: str
    title: Text
    first: date
    last: date
    services: tuple[str, ...]
    times: Mapping[Outcome, float]


@dataclass(frozen=True, slots=True)
class Stream:
    """Something that is counted beside the calls, in parts, spread over its days as the part `follows` of the traffic is."""

    name: str
    title: Text
    first: date
    last: date
    follows: str
    parts: Mapping[str, int]
    total: int
    """The sum as its source gives it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Names by state, and how many there are in all as the source gives it."""

    title: Text
    states: Mapping[str, tuple[str, ...]]
    total: int


@dataclass(frozen=True, slots=True)
class Period:
    """`first` and `last` are both included. `official` is the official success of all calls, from 0 to 1."""

    title: Text
    first: date
    last: date
    calls: int
    official: float
    services: int
    busiest_minute: float
    business_faults: float
    failures: Mapping[Outcome, float]
    loads: Mapping[str, Load]
    episodes: tuple[Episode, ...] = ()
    streams: tuple[Stream, ...] = ()
    desks: Places | None = None
    names: Mapping[str, Text] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def each_day(self) -> Iterator[date]:
        """Its days in order."""
        return (self.first + timedelta(days=number) for number in range(self.days))


def claims(document: Document) -> list[Claim]:
    """Every number of a scenario's file with its evidence: that of the nearest block around it that names one."""
    return list(_claims(document.root, "", "", "")) if document.root is not None else []


def _claims(node: Node, where: str, evidence: str, source: str) -> Iterator[Claim]:
    if node.kind == "mapping":
        named = {key.text: value.text for key, value in node.entries if key.text in EVIDENCE}
        evidence, source = next(iter(named.items()), (evidence, source))
        for key, value in node.entries:
            if key.text not in EVIDENCE:
                yield from _claims(value, f"{where} / {key.text}" if where else key.text, evidence, source)
    elif node.kind == "list":
        for item in node.items:
            yield from _claims(item, where, evidence, source)
    elif node.plain and _is_number(node.text):
        yield Claim(where, node.text, evidence, source, node.line)


def _is_number(text: str) -> bool:
    for parse in (parse_number, parse_percent):
        try:
            parse(text)
        except ValueError:
            continue
        return True
    return False


def value_of(reader: Reader, node: Node, where: str) -> Node:
    """The number itself: `5`, or `{value: 5, fact: ...}`."""
    if node.kind != "mapping":
        return node
    found = {key: value for key, _, value in reader.entries(node, where, ("value", *EVIDENCE))}
    if "value" not in found:
        reader.note(node, where, "the key 'value' is missing")
    return found.get("value", node)


def blocks(reader: Reader, node: Node, where: str, known: tuple[str, ...] | None = None) -> dict[str, Node]:
    """The entries of a block but its evidence."""
    words = None if known is None else (*known, *EVIDENCE)
    return {key: value for key, _, value in reader.entries(node, where, words) if key not in EVIDENCE}


def read_period(reader: Reader, found: Mapping[str, Node], root: Node) -> Period | None:
    """The period of a scenario whose file has one; mistakes are noted."""
    if "period" not in found:
        return None
    missing = [key for key in ("services", "failures") if key not in found]
    inside = blocks(reader, found["period"], "period", _PERIOD)
    missing += [f"period / {key}" for key in _PERIOD[:5] if key not in inside]
    if missing:
        reader.note(root, "", f"a scenario with a period also has: {', '.join(missing)}")
        return None
    first, last = _days(reader, inside, found["period"], "period")
    busiest = inside.get("busiest_minute")
    return Period(
        title=_text(reader, found["title"], "title") if "title" in found else Text(vi="", en=""),
        first=first,
        last=last,
        calls=_whole(reader, inside["calls"], "period / calls"),
        official=reader.percent(value_of(reader, inside["official"], "period / official"), "period / official"),
        services=_whole(reader, inside["services"], "period / services"),
        busiest_minute=_number(reader, busiest, "period / busiest_minute") if busiest else 1.0,
        business_faults=_percent(reader, found["business_faults"], "business_faults")
        if "business_faults" in found
        else 0.0,
        failures=_causes(reader, found["failures"]),
        loads=_loads(reader, found["services"]),
        episodes=tuple(_episodes(reader, found)),
        streams=tuple(_streams(reader, found)),
        desks=_places(reader, found["desks"]) if "desks" in found else None,
        names={
            name: _text(reader, value, f"names / {name}")
            for name, value in (blocks(reader, found["names"], "names") if "names" in found else {}).items()
        },
    )


def _causes(reader: Reader, node: Node) -> dict[Outcome, float]:
    found = blocks(reader, node, "failures", _FAILURES)
    rates = {Outcome(name): reader.percent(value, f"failures / {name}") for name, value in found.items()}
    if abs(sum(rates.values()) - 1) > 1e-9:
        reader.note(node, "failures", "the causes of failures add up to 100%")
    return rates


def _loads(reader: Reader, node: Node) -> dict[str, Load]:
    loads = {}
    for name, value in blocks(reader, node, "services").items():
        where = f"services / {name}"
        one = blocks(reader, value, where, ("share", "official"))
        if len(one) < 2:
            reader.note(value, where, "a service has its share and its official success")
            continue
        loads[name] = Load(reader.percent(one["share"], where), reader.percent(one["official"], where))
    if abs(sum(load.share for load in loads.values()) - 1) > 1e-9:
        reader.note(node, "services", "the shares add up to 100%")
    return loads


def _episodes(reader: Reader, found: Mapping[str, Node]) -> Iterator[Episode]:
    for name, node in (blocks(reader, found["episodes"], "episodes") if "episodes" in found else {}).items():
        where = f"episodes / {name}"
        inside = blocks(reader, node, where, ("title", "from", "to", "services", "times"))
        first, last = _days(reader, inside, node, where)
        times = blocks(reader, inside["times"], f"{where} / times", _FAILURES) if "times" in inside else {}
        yield Episode(
            name=name,
            title=_text(reader, inside["title"], where) if "title" in inside else Text(vi=name, en=name),
            first=first,
            last=last,
            services=tuple(reader.text(item, where) for item in reader.items(inside["services"], where))
            if "services" in inside
            else (),
            times={Outcome(key): reader.number(value, f"{where} / times / {key}") for key, value in times.items()},
        )


def _streams(reader: Reader, found: Mapping[str, Node]) -> Iterator[Stream]:
    for name, node in (blocks(reader, found["streams"], "streams") if "streams" in found else {}).items():
        where = f"streams / {name}"
        inside = blocks(reader, node, where, ("title", "from", "to", "follows", "parts", "sum"))
        first, last = _days(reader, inside, node, where)
        parts = blocks(reader, inside["parts"], f"{where} / parts") if "parts" in inside else {}
        numbers = {part: _whole(reader, value, f"{where} / {part}") for part, value in parts.items()}
        yield Stream(
            name=name,
            title=_text(reader, inside["title"], where) if "title" in inside else Text(vi=name, en=name),
            first=first,
            last=last,
            follows=reader.text(inside["follows"], where) if "follows" in inside else "",
            parts=numbers,
            total=_whole(reader, inside["sum"], f"{where} / sum") if "sum" in inside else sum(numbers.values()),
        )


def _places(reader: Reader, node: Node) -> Places:
    inside = blocks(reader, node, "desks")
    title = inside.pop("title", None)
    total = inside.pop("sum", None)
    states = {
        state: tuple(reader.text(item, f"desks / {state}") for item in reader.items(value, f"desks / {state}"))
        for state, value in inside.items()
    }
    return Places(
        title=_text(reader, title, "desks") if title else Text(vi="desks", en="desks"),
        states=states,
        total=_whole(reader, total, "desks / sum") if total else sum(map(len, states.values())),
    )


def _text(reader: Reader, node: Node, where: str) -> Text:
    found = {key: reader.text(value, where) for key, value in blocks(reader, node, where, ("vi", "en")).items()}
    first = next(iter(found.values()), "")
    return Text(vi=found.get("vi", first), en=found.get("en", first))


def _days(reader: Reader, inside: Mapping[str, Node], node: Node, where: str) -> tuple[date, date]:
    if "from" not in inside or "to" not in inside:
        reader.note(node, where, "the keys 'from' and 'to' belong here, both days included")
        return date.min, date.min
    first, last = day(reader, inside["from"], where), day(reader, inside["to"], where)
    if first > last:
        reader.note(inside["to"], where, "it ends before it begins")
        return first, first
    return first, last


def day(reader: Reader, node: Node, where: str) -> date:
    """A day, written "2023-05-24"."""
    text = reader.text(node, where)
    try:
        return date.fromisoformat(text)
    except ValueError:
        reader.note(node, where, f'{text!r} is no day: write it as "2023-05-24"')
        return date.min


def _number(reader: Reader, node: Node, where: str) -> float:
    return reader.number(value_of(reader, node, where), where)


def _percent(reader: Reader, node: Node, where: str) -> float:
    return reader.percent(value_of(reader, node, where), where)


def _whole(reader: Reader, node: Node, where: str) -> int:
    number = _number(reader, node, where)
    if number != int(number):
        reader.note(node, where, f"{number:g} is no whole number")
    return int(number)
