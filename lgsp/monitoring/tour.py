"""A tour of a running bus: traffic, an outage, who is to blame, how long the budget lasts, recovery, one number in three places.

calls come -- a provider goes away -- the console names it -- it is back -- ledger, /metrics and console count the same
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lgsp.clock import Clock
from lgsp.model import Outcome
from lgsp.monitoring.finding import Sentence, said

Twin = Mapping[str, Any]
"""What the console says to programs (`?format=json`)."""
MONTH = 30 * 86_400.0
CALLS, OUTAGE = 0.25, 0.4
"""The parts of the tour in which there is traffic, then an outage."""
PATIENCE = 30.0
"""Seconds within which a service answers again: a gateway asks one that failed from time to time only."""
_TRIES = 40


@dataclass(frozen=True, slots=True)
class Counted:
    """What one service came to since 1 January: by the ledger's rows, by `/metrics`, by the console."""

    ledger: int
    metrics: int
    console: int

    @property
    def agree(self) -> bool:
        """Whether it is one number."""
        return self.ledger == self.metrics == self.console


class Guide(Protocol):
    """Who shows the bus, and troubles it."""

    async def look(self) -> Twin:
        """What the console says now."""
        ...

    async def hit(self, service: str, seconds: float) -> None:
        """Take a service's provider away, for so long at most."""
        ...

    async def heal(self) -> None:
        """Bring it back."""
        ...

    async def counted(self, service: str) -> Counted:
        """Its calls of this year, in the three places."""
        ...


Say = Callable[[Sentence], None]


async def tour(guide: Guide, service: str, clock: Clock, seconds: float, say: Say) -> bool:
    """Go round in so many seconds, a line a step; whether all was as it should be. The outage ends whatever happens."""
    start = clock.now()
    await clock.sleep(seconds * CALLS)
    say(traffic(await guide.look()))
    say(said("now the provider of {} goes away", service))
    began = clock.now()
    await guide.hit(service, seconds)
    try:
        await clock.sleep(start + seconds * (CALLS + OUTAGE) - clock.now())
        twin = await guide.look()
        blamed = [trouble(twin, service), blame(twin, service), budget(twin, service)]
        for each in filter(None, blamed):
            say(each)
    finally:
        await guide.heal()
    healed = clock.now()
    say(said("after {} s its provider is back", f"{healed - began:.0f}"))
    is_well = await _recovers(guide, service, clock, healed + PATIENCE)
    say(_recovery(service, clock.now() - healed, is_well=is_well))
    counted = await _one_number(guide, service, clock)
    say(one_number(service, counted))
    return all(blamed) and is_well and counted.agree


async def _recovers(guide: Guide, service: str, clock: Clock, until: float) -> bool:
    healed = clock.now()
    while line_of(await guide.look(), service)["last_official"] <= healed:
        if clock.now() >= until:
            return False
        await clock.sleep(1.0)
    return True


async def _one_number(guide: Guide, service: str, clock: Clock) -> Counted:
    """Calls end while one place is read after the other: until none has in between."""
    counted = await guide.counted(service)
    for _ in range(_TRIES):
        if counted.agree:
            break
        await clock.sleep(0.1)
        counted = await guide.counted(service)
    return counted


def line_of(twin: Twin, service: str) -> Twin:
    """One service of those that the console shows."""
    found: Twin = next(line for line in twin["services"] if line["service"] == service)
    return found


def traffic(twin: Twin) -> Sentence:
    """How much there is of it."""
    percent = "-" if twin["sli"] is None else f"{100 * twin['sli']:.2f}"
    return said(
        "{} calls so far, {} a second, to {} services; SLI {} %",
        twin["year"]["all"],
        twin["rate"],
        len(twin["services"]),
        percent,
    )


def trouble(twin: Twin, service: str) -> Sentence | None:
    """That it fails, and how much; `None` where nothing failed."""
    line = line_of(twin, service)
    if not line["failed"]:
        return None
    place = [each["service"] for each in twin["services"]].index(service) + 1
    return said(
        "the console puts {} at place {}: {}, {} of {} calls failed",
        service,
        place,
        line["state"],
        line["failed"],
        line["calls"],
    )


def blame(twin: Twin, service: str) -> Sentence | None:
    """Whose fault it is, by the outcome that is most of it; `None` where nobody is to blame."""
    line = line_of(twin, service)
    outcome = line["blamed"]
    if outcome is None:
        return None
    number = line["outcomes"][outcome]
    if outcome == Outcome.BUS_ERROR:
        return said("whose fault: the bus's own, {} calls were {}", number, outcome)
    lost = twin["year"]["bus_error"]
    return said("whose fault: the provider's, {} calls were {}; the bus itself lost {}", number, outcome, lost)


def budget(twin: Twin, service: str) -> Sentence | None:
    """How long a month's error budget lasts at the pace of the last minutes; `None` where it is not touched."""
    line = line_of(twin, service)
    if not line["calls"] or not line["failed"]:
        return None
    allowed = 1 - line["objective"]
    burn = line["failed"] / line["calls"] / allowed
    return said(
        "of 100 calls {} may fail, {} do: a month's error budget lasts {} h at this pace",
        f"{100 * allowed:.3g}",
        f"{100 * line['failed'] / line['calls']:.0f}",
        f"{MONTH / burn / 3_600:.1f}",
    )


def _recovery(service: str, seconds: float, *, is_well: bool) -> Sentence:
    if is_well:
        return said("{} answers again, {} s later", service, f"{seconds:.0f}")
    return said("{} did not answer again within {} s", service, f"{seconds:.0f}")


def one_number(service: str, counted: Counted) -> Sentence:
    """What the three places say."""
    if counted.agree:
        return said(
            "{} since 1 January: {} in the ledger's rows, in /metrics and on the console", service, counted.ledger
        )
    places = (counted.ledger, counted.metrics, counted.console)
    return said("{} since 1 January: {} in the ledger's rows, {} in /metrics, {} on the console", service, *places)
