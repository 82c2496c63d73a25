"""What the console shows, as data: everything at once for who comes, what moves for who is there, and the twins."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol

from lgsp.catalogue.live import Commit
from lgsp.catalogue.service import Catalogue
from lgsp.clock import Clock
from lgsp.edge.days import Days
from lgsp.edge.glance import GLYPHS, Line, State, blamed, line_of, official, sli, worst_first
from lgsp.fault import Fault, as_data
from lgsp.ledger.base import Ledger
from lgsp.ledger.past import About
from lgsp.ledger.periods import Period
from lgsp.model import Outcome
from lgsp.taps.pulse import NOTHING, Counts, Failure, Pulse, bad, counted

CALLERS = 6
"""So many consumers are shown; the rest together."""
FIELDS = (
    "service", "state", "rate", "peak", "sli", "left", "lasts", "p50", "p95", "wait", "open", "last_official",
    "last_failure", "year", "calls", "failed", "blamed",
)  # fmt: skip
"""What stands in a row of a tick, in this order."""


class Faults(Protocol):
    """Who knows the faults that are under way."""

    def faults(self) -> list[Fault]:
        """What has not ended."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Which gateway this is: only its own calls are shown."""

    gateway: str
    url: str
    bus: str
    version: str
    consumers: Callable[[], dict[str, str]]
    """Title by consumer."""


@dataclass(slots=True)
class Now:
    """One second of the console."""

    at: float
    sequence: int
    lines: list[Line]
    head: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    """Those since the second before."""
    changes: list[dict[str, Any]] = field(default_factory=list)
    """Services whose state is another now."""


class Scene:
    """Composes seconds from the account, the pulse and what else is known. `problems` says why nothing is accepted."""

    def __init__(
        self,
        place: Place,
        catalogue: Iterable[Any],
        ledger: Ledger,
        pulse: Pulse,
        orders: Faults,
        problems: Callable[[], list[str]],
        clock: Clock,
    ) -> None:
        self.place = place
        self.pulse = pulse
        self.catalogue = Catalogue({service.id: service for service in catalogue})
        self.days: Days | None = None
        self._ledger = ledger
        self._orders = orders
        self._problems = problems
        self._clock = clock
        self._states: dict[str, State] = {}
        self._told = pulse.failed
        self.now = self._compose()

    def prepare(self, new: Catalogue) -> Commit:
        """See `Taker`."""
        held = Catalogue({service.id: service for service in new})

        def commit() -> None:
            self.catalogue = held

        return commit

    @property
    def zone(self) -> str:
        """The time zone of the account's calendar."""
        return self._ledger.zone

    def look(self) -> None:
        """Compose the view of this moment, where it was not composed within a second: nobody watches, somebody asks."""
        if self._clock.now() - self.now.at >= 1:
            self.compose()

    def compose(self) -> Now:
        """Compose the view of this moment; what has changed is told of since the one before."""
        self.now = self._compose()
        return self.now

    def _compose(self) -> Now:
        now = self._clock.now()
        by_period = _by_period(self._ledger)
        still_open = self._ledger.still_open()
        lines = [
            line_of(
                service.id,
                self.pulse.vital(service.id),
                service.objective,
                by_period["month"].get(service.id, NOTHING),
                open_now=still_open.get(service.id, 0),
                year=sum(by_period["year"].get(service.id, NOTHING)),
                disabled=service.mode == "disabled",
            )
            for service in self.catalogue
        ]
        states = {line.service: line.state for line in lines}
        changes = [
            {"at": now, "service": service, "was": self._states[service], "state": state}
            for service, state in states.items()
            if self._states.get(service, state) is not state
        ]
        self._states = states
        fresh = [failure for failure in self.pulse.failures if failure.number > self._told]
        self._told = self.pulse.failed
        standing = self._ledger.standing()
        return Now(
            at=now,
            sequence=standing.sequence,
            lines=worst_first(lines),
            head=self._head(now, lines, by_period, sum(still_open.values())),
            faults=self._orders.faults(),
            failures=fresh,
            changes=changes,
        )

    def _head(
        self, now: float, lines: Collection[Line], by_period: dict[Period, dict[str, Counts]], still_open: int
    ) -> dict[str, Any]:
        standing = self._ledger.standing()
        p50, p95 = self.pulse.whole()
        five = _sum(line.vital.five for line in lines)
        callers = list(self.pulse.callers().items())
        rest = sum(rate for _, rate in callers[CALLERS:])
        problems = self._problems()
        return {
            "at": now,
            "rate": round(sum(line.vital.rate for line in lines), 1),
            "today": _told(_sum(by_period["day"].values())),
            "month": _told(_sum(by_period["month"].values())),
            "year": _told(_sum(by_period["year"].values())),
            "sli": sli(five),
            "calls": counted(five),
            "failed": bad(five),
            "blamed": blamed(five),
            "p50": p50,
            "p95": p95,
            "open": still_open,
            "burning": sum(line.state in {State.DOWN, State.BURNING} for line in lines),
            "below": sum(line.state is State.BELOW for line in lines),
            "problems": problems,
            "sequence": standing.sequence,
            "waiting": standing.waiting,
            "lag": round(standing.lag, 1),
            "verified_at": standing.verified_at,
            "verify_failed": standing.verify_failed,
            "checkpoint": standing.checkpoint,
            "callers": callers[:CALLERS] + ([("", rest)] if rest else []),
            "second": self.pulse.seconds()[-1:],
        }

    # For browsers

    def snapshot(self, missed: int | None = None) -> dict[str, Any]:
        """Everything. `missed`: how many transactions ended while this browser was away."""
        return {
            "place": {
                "gateway": self.place.gateway,
                "url": self.place.url,
                "bus": self.place.bus,
                "version": self.place.version,
                "zone": self._ledger.zone,
            },
            "services": {
                service.id: {
                    "vi": service.title.vi,
                    "en": service.title.en,
                    "owner": service.owner,
                    "tier": service.tier,
                    "route": service.route,
                    "mode": service.mode,
                    "objective": service.objective,
                    "timeout": service.timeout,
                }
                for service in self.catalogue
            },
            "consumers": self.place.consumers(),
            "glyphs": GLYPHS,
            "fields": FIELDS,
            "seconds": self.pulse.seconds(),
            "failures": [failure_data(failure) for failure in self.pulse.failures],
            "days": days_data(self.days) if self.days else None,
            "missed": missed,
            **self.tick(),
        }

    def tick(self) -> dict[str, Any]:
        """What moves. Rows are lists in the order of `FIELDS`, to be small."""
        now = self.now
        return {
            "head": now.head,
            "rows": [list(row_data(line).values()) for line in now.lines],
            "faults": [as_data(fault) for fault in now.faults],
        }

    # For programs

    def as_json(self) -> dict[str, Any]:
        """The same in words and raw numbers."""
        now = self.now
        return {
            "gateway": self.place.gateway,
            **now.head,
            "past": days_data(self.days) if self.days else None,
            "services": [
                {**row_data(line), "objective": line.objective, "outcomes": _by_outcome(line.vital.five)}
                for line in now.lines
            ],
            "failures": [failure_data(failure) for failure in self.pulse.failures],
            "faults": [as_data(fault) for fault in now.faults],
        }

    def as_csv(self) -> str:
        """A line a service, the worst first."""
        told = io.StringIO()
        lines = csv.writer(told, lineterminator="\n")
        lines.writerow([*FIELDS, "objective"])
        lines.writerows([*row_data(line).values(), line.objective] for line in self.now.lines)
        return told.getvalue()


def row_data(line: Line) -> dict[str, Any]:
    """A row by `FIELDS`; times in seconds, ratios from 0 to 1, `None` where nothing tells."""
    vital = line.vital
    values = (
        line.service,
        line.state,
        round(vital.rate, 1),
        round(vital.peak, 1),
        _rounded(line.sli, 6),
        _rounded(line.budget.left, 4),
        _rounded(line.budget.lasts, 0),
        _rounded(vital.p50, 4),
        _rounded(vital.p95, 4),
        _rounded(vital.wait, 5),
        line.open,
        round(vital.last_official, 1),
        round(vital.last_failure, 1),
        line.year,
        counted(vital.five),
        bad(vital.five),
        line.blamed,
    )
    return dict(zip(FIELDS, values, strict=True))


def failure_data(failure: Failure) -> dict[str, Any]:
    """A failure for JSON."""
    return asdict(failure)


def days_data(days: Days) -> dict[str, Any]:
    """The last weeks for JSON, and what the simulated past says of itself."""
    about = days.about
    return {
        "first": days.first.isoformat(),
        "simulated": days.simulated,
        "real": days.real,
        "seam": days.seam,
        "about": about
        and {
            "calls": about.calls,
            "official": about.official,
            "first": about.first,
            "last": about.last,
            "moved_days": about.moved_days,
            "moved_from": _moved_from(about),
            "scenario": about.scenario,
        },
    }


def _moved_from(about: About) -> int | None:
    """The year that a moved past is told of; `None` where it stands at its own days."""
    return (date.fromisoformat(about.first) - timedelta(days=about.moved_days)).year if about.moved_days else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _by_period(ledger: Ledger) -> dict[Period, dict[str, Counts]]:
    found: dict[Period, dict[str, list[int]]] = {"day": {}, "month": {}, "year": {}}
    places = {outcome: place for place, outcome in enumerate(Outcome)}
    for (service, outcome, period), count in ledger.periods().items():
        found[period].setdefault(service, [0] * len(places))[places[outcome]] = count
    return {period: {service: tuple(counts) for service, counts in by.items()} for period, by in found.items()}


def _sum(counts: Iterable[Counts]) -> Counts:
    return tuple(map(sum, zip(*counts, strict=True))) or NOTHING


def _told(counts: Counts) -> dict[str, int]:
    return {
        "all": sum(counts),
        "official": official(counts),
        "bus_error": counts[list(Outcome).index(Outcome.BUS_ERROR)],
    }


def _by_outcome(counts: Counts) -> dict[str, int]:
    return {str(outcome): count for outcome, count in zip(Outcome, counts, strict=True)}
