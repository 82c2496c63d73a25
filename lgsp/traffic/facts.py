"""Whether the facts of a scenario come out: what its sources say, beside what the simulated past holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lgsp.model import Outcome
from lgsp.traffic.history import History
from lgsp.traffic.period import Period


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure: as it was said, as it came out, and whether that is the same."""

    what: str
    said: str
    came: str

    @property
    def holds(self) -> bool:
        """Whether both are the same, to the digit that was said."""
        return self.said == self.came


def facts(period: Period, history: History) -> Iterator[Fact]:
    """The figures of the period, in the order of the scenario's file."""
    whole = history.total()
    official = history.total(Outcome.OK, Outcome.BUSINESS_FAULT)
    services = {name for (name, _), counts in history.hours.items() if counts.sum()}
    yield Fact("transactions", str(period.calls), str(whole))
    yield Fact("official success", f"{period.official:.1%}", f"{official / whole:.1%}" if whole else "none")
    yield Fact("official successes", str(round(period.calls * period.official)), str(official))
    yield Fact("services", str(period.services), str(len(services)))
    yield Fact("days", str(period.days), str(round(len(history.minutes) / 60 / 24)))
    for stream in period.streams:
        by_part = {part: int(history.streams[stream.name, part].sum()) for part in stream.parts}
        for part, said in stream.parts.items():
            yield Fact(f"{stream.name}, {part}", str(said), str(by_part[part]))
        yield Fact(stream.name, str(stream.total), str(sum(by_part.values())))
    if period.desks:
        named = {place for places in period.desks.states.values() for place in places}
        yield Fact("desks", str(period.desks.total), str(len(named)))
