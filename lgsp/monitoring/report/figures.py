"""The numbers of a period, from what each ledger and the simulated past have of it. Pure: no file, no clock."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import TypeVar
from zoneinfo import ZoneInfo

from lgsp.ledger.hours import merged
from lgsp.ledger.row import segment_at_fault
from lgsp.ledger.tally import OFFICIAL, Key, Sum, Tally
from lgsp.model import Outcome

K = TypeVar("K")
HOUR = 3_600
Counts = dict[str, int]
"""Transactions by outcome."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days of a calendar, both included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def hours(self) -> tuple[int, int]:
        """The first hour (since the epoch) and the one after the last."""
        return self._hour(self.first), self._hour(self.last + timedelta(days=1))

    def before(self) -> Span:
        """As many days right before it."""
        return Span(self.first - timedelta(days=self.days), self.first - timedelta(days=1), self.zone)

    def local(self, hour: int) -> datetime:
        """When an hour (since the epoch) begins, by this calendar."""
        return datetime.fromtimestamp(hour * HOUR, UTC).astimezone(self.zone)

    def _hour(self, day: date) -> int:
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp() // HOUR)


@dataclass(frozen=True, slots=True)
class Source:
    """What one file has of the period. `name`: the gateway's, or the scenario's of a simulated past."""

    name: str
    synthetic: bool
    tally: Tally


@dataclass(frozen=True, slots=True)
class Group:
    """One line of a table: transactions by outcome, and how many of them are synthetic."""

    name: str
    counts: Mapping[str, int]
    synthetic: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Stream:
    """Something counted beside the transactions: so many of each part, on the days of the period that it has."""

    name: str
    first: str
    last: str
    parts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is counted in a report."""

    span: Span
    whole: Tally
    synthetic: Tally
    before: int | None
    """Transactions of as many days right before; `None` where no file reaches back to the first of them."""
    streams: Sequence[Stream] = ()
    left_out: int = 0
    """Synthetic transactions of hours that a live ledger has too: those count, these do not."""

    def counts(self) -> Counts:
        """All transactions by outcome; every outcome is there."""
        return self.group(self.whole, lambda _: "").get("", dict.fromkeys(Outcome, 0))

    def groups(self, name_of: Callable[[Key], str]) -> list[Group]:
        """One for each name, the largest first. Each transaction is in exactly one."""
        whole, synthetic = self.group(self.whole, name_of), self.group(self.synthetic, name_of)
        found = [
            Group(name, counts, sum(synthetic[name].values()) if name in synthetic else 0)
            for name, counts in whole.items()
        ]
        return sorted(found, key=lambda group: (-group.total, group.name))

    def by_time(self, name_of: Callable[[datetime], str]) -> list[Group]:
        """One for each name of a time, in order."""
        whole, synthetic = self._timed(self.whole, name_of), self._timed(self.synthetic, name_of)
        return [
            Group(name, counts, sum(synthetic[name].values()) if name in synthetic else 0)
            for name, counts in sorted(whole.items())
        ]

    def faults(self) -> dict[str, int]:
        """Failures by whose fault they are."""
        found: Counts = defaultdict(int)
        for outcome, count in self.counts().items():
            if outcome not in OFFICIAL:
                found[segment_at_fault(Outcome(outcome), "")] += count
        return dict(found)

    def sums(self, service: str) -> Sum:
        """Durations and bytes of a service."""
        return sum((each for (name, _, _), each in self.whole.sums.items() if name == service), Sum())

    def digest(self) -> str:
        """Of every count in the report; the same counts have the same, whatever the language and the form."""
        counted = {
            "span": [self.span.first.isoformat(), self.span.last.isoformat(), self.span.zone.key],
            "sums": [[*key, *_values(self.whole.sums[key])] for key in sorted(self.whole.sums)],
            "synthetic": [[*key, self.synthetic.sums[key].n] for key in sorted(self.synthetic.sums)],
            "hours": [[*key, self.whole.hours[key]] for key in sorted(self.whole.hours)],
            "streams": [[each.name, each.first, each.last, dict(each.parts)] for each in self.streams],
        }
        return sha256(json.dumps(counted, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @staticmethod
    def group(tally: Tally, name_of: Callable[[Key], str]) -> dict[str, Counts]:
        """Counts by outcome for each name."""
        found: dict[str, Counts] = {}
        for key, each in tally.sums.items():
            found.setdefault(name_of(key), dict.fromkeys(Outcome, 0))[key[2]] += each.n
        return found

    def _timed(self, tally: Tally, name_of: Callable[[datetime], str]) -> dict[str, Counts]:
        names: dict[int, str] = {}
        found: dict[str, Counts] = {}
        for (hour, outcome), count in tally.hours.items():
            if hour not in names:
                names[hour] = name_of(self.span.local(hour))
            found.setdefault(names[hour], dict.fromkeys(Outcome, 0))[outcome] += count
        return found


def official_success(counts: Mapping[str, int]) -> float | None:
    """(ok + business_fault) / all; `None` of nothing."""
    total = sum(counts.values())
    return sum(counts.get(each, 0) for each in OFFICIAL) / total if total else None


def sli(counts: Mapping[str, int]) -> float | None:
    """1 - (provider_error + timeout + unreachable + bus_error) / (all - rejected); `None` of nothing."""
    known = sum(counts.values()) - counts.get(Outcome.REJECTED, 0)
    return sum(counts.get(each, 0) for each in OFFICIAL) / known if known else None


def rounded(ratio: float | None) -> float | None:
    """A ratio to the ten-thousandth of a percent."""
    return None if ratio is None else round(ratio, 6)


def service_of(key: Key) -> str:
    """The service of a sum."""
    return key[0]


def together(tallies: Iterable[Tally]) -> Tally:
    """Several files' hours as one."""
    given = list(tallies)
    sums: dict[Key, Sum] = {}
    for each in given:
        for key, value in each.sums.items():
            sums[key] = sums.get(key, Sum()) + value
    services = {service for each in given for service in each.sketches}
    return Tally(
        sums,
        _added(each.hours for each in given),
        {name: merged([each.sketches[name] for each in given if name in each.sketches]) for name in services},
        {key: max(each.last[key] for each in given if key in each.last) for each in given for key in each.last},
        _added(each.failing for each in given),
    )


def figures(
    span: Span,
    sources: Sequence[Source],
    *,
    before: int | None = None,
    streams: Sequence[Stream] = (),
    left_out: int = 0,
) -> Figures:
    """The numbers of a period from all of its files."""
    return Figures(
        span,
        whole=together(source.tally for source in sources),
        synthetic=together(source.tally for source in sources if source.synthetic),
        before=before,
        streams=streams,
        left_out=left_out,
    )


def streams_of(rows: Iterable[tuple[str, str, str, int]], span: Span, order: Iterable[str] = ()) -> list[Stream]:
    """The streams' days that lie in the period, added up; streams and parts in the `order` of their names."""
    places = {name: place for place, name in enumerate(order)}

    def place(name: str) -> tuple[int, str]:
        return places.get(name, len(places)), name

    days: dict[str, list[str]] = {}
    parts: dict[str, Counts] = {}
    for day, name, part, count in rows:
        if span.first.isoformat() <= day <= span.last.isoformat():
            days.setdefault(name, []).append(day)
            counted = parts.setdefault(name, {})
            counted[part] = counted.get(part, 0) + count
    return [
        Stream(
            name, min(days[name]), max(days[name]), {part: parts[name][part] for part in sorted(parts[name], key=place)}
        )
        for name in sorted(parts, key=place)
    ]


def _added(mappings: Iterable[Mapping[K, int]]) -> dict[K, int]:
    found: dict[K, int] = {}
    for mapping in mappings:
        for key, count in mapping.items():
            found[key] = found.get(key, 0) + count
    return found


def _values(each: Sum) -> list[int]:
    return [each.n, each.sum_us, each.min_us, each.max_us, each.request_bytes, each.reply_bytes]
