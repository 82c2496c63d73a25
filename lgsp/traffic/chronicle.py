"""A simulated past, written down: for report and console into `history.sqlite`, for Prometheus as OpenMetrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from lgsp.catalogue.service import Catalogue, Service, Window
from lgsp.catalogue.units import parse_duration, parse_number
from lgsp.errors import SettingsError
from lgsp.ledger.past import About, HourRow, StreamRow
from lgsp.model import Outcome
from lgsp.taps.metrics import WHOLE
from lgsp.traffic.durations import over_by
from lgsp.traffic.history import Counts, History, Outage, simulate
from lgsp.traffic.period import Episode, Period
from lgsp.traffic.recorded import Names, Series, period_gauges, recorded, rising
from lgsp.traffic.scenario import HOUR, Scenario
from lgsp.traffic.sketches import mean_seconds, timed

OFFICIAL = (Outcome.OK, Outcome.BUSINESS_FAULT)
_WEEK = 7
_DAY_HOURS = 24


@dataclass(frozen=True, slots=True)
class Move:
    """How a past is brought near: by whole weeks, then the last week's first days once more, so that it ends yesterday."""

    days: int = 0
    repeated: int = 0


def move_until(last: date, today: date) -> Move:
    """The move that ends a period of which `last` is the last day on the day before `today`; none when that lies behind it."""
    gap = (today - timedelta(days=1) - last).days
    return Move(gap // _WEEK * _WEEK, gap % _WEEK) if gap > 0 else Move()


@dataclass(frozen=True, slots=True)
class Change:
    """What is otherwise than the scenario has it: more or fewer calls, and outages."""

    growth: float = 1.0
    outages: tuple[Outage, ...] = ()

    def applied(self, period: Period) -> Period:
        """The period with its calls grown."""
        return replace(period, calls=round(period.calls * self.growth))


def parse_changes(words: Sequence[str], scenario: Scenario, services: Iterable[str]) -> Change:
    """`outage SERVICE 2023-03-10T09:00 2h` and `growth 1.5x`. Raises `SettingsError`."""
    known = list(services)
    growth = 1.0
    outages = []
    for text in words:
        match text.split():
            case ["growth", factor] if factor.endswith("x"):
                growth *= _or_refuse(parse_number, factor.removesuffix("x"), text)
            case ["outage", service, begin, long]:
                if service not in known:
                    raise SettingsError(f"--with {text!r}: the scenario has no service {service!r}")
                outages.append(Outage(service, _moment(begin, scenario, text), _or_refuse(parse_duration, long, text)))
            case _:
                raise SettingsError(
                    f'--with {text!r} is no change: write it as "outage SERVICE 2023-03-10T09:00 2h" or "growth 1.5x"'
                )
    return Change(growth, tuple(outages))


def _or_refuse(parse: Callable[[str], float], word: str, text: str) -> float:
    try:
        return parse(word)
    except ValueError as error:
        raise SettingsError(f"--with {text!r}: {error}") from error


def _moment(word: str, scenario: Scenario, text: str) -> float:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", word):
        raise SettingsError(
            f"--with {text!r}: {word!r} is no time: write it as 2023-03-10T09:00, in the scenario's zone"
        )
    try:
        return datetime.fromisoformat(word).replace(tzinfo=scenario.zone).timestamp()
    except ValueError as error:
        raise SettingsError(f"--with {text!r}: {error}") from error


def moved(history: History, move: Move) -> History:
    """The history at its new place. The repeated days count again: they are more than the period's own calls."""
    if move == Move():
        return history
    begin, end = -_WEEK * _DAY_HOURS, (move.repeated - _WEEK) * _DAY_HOURS

    def longer(counts: Counts, per_hour: int) -> Counts:
        return np.concatenate([counts, counts[begin * per_hour : end * per_hour or None]]) if move.repeated else counts

    return replace(
        history,
        start=history.start + move.days * _DAY_HOURS * int(HOUR),
        hours={key: longer(counts, 1) for key, counts in history.hours.items()},
        minutes=longer(history.minutes, 60),
    )


def hour_rows(
    history: History, catalogue: Catalogue, seed: int, progress: Callable[[], None] = lambda: None
) -> Iterator[HourRow]:
    """Every hour with calls as a ledger's file has it; no consumer is told of. `progress`: once a service."""
    first = history.start // int(HOUR)
    for (name, outcome), counts in history.hours.items():
        if outcome is Outcome.OK:
            progress()
        for each in timed(service_of(catalogue, name), outcome, counts, seed):
            yield (
                first + each.at, name, "", str(outcome), each.n, each.sum_us, each.min_us, each.max_us, 0, 0, each.sketch,
            )  # fmt: skip


def service_of(catalogue: Catalogue, name: str) -> Service:
    """The service of the catalogue. Raises `SettingsError` when the scenario knows one that the catalogue does not."""
    if name not in catalogue:
        raise SettingsError(
            f"the scenario has a service {name!r} that the catalogue does not have: see `lgsp services ls`"
        )
    return catalogue.find(name)


def stream_rows(history: History, period: Period, move: Move) -> Iterator[StreamRow]:
    """Every day of every stream."""
    for stream in period.streams:
        for part in stream.parts:
            for number, count in enumerate(history.streams[stream.name, part].tolist()):
                day = stream.first + timedelta(days=number + move.days)
                yield day.isoformat(), stream.name, part, count


def _captions(period: Period) -> dict[str, dict[str, str]]:
    titles = {stream.name: stream.title for stream in period.streams}
    return {name: text.model_dump() for name, text in {**period.names, **titles}.items()}


def _episode(episode: Episode, move: Move) -> dict[str, Any]:
    return {
        "first": (episode.first + timedelta(days=move.days)).isoformat(),
        "last": (episode.last + timedelta(days=move.days)).isoformat(),
        "services": list(episode.services),
        "title": episode.title.model_dump(),
    }


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells the past of one period of a scenario, with one seed."""

    scenario: Scenario
    period: Period
    seed: int
    progress: Callable[[], None]
    profiles: Mapping[str, Sequence[Window]] = field(default_factory=dict)
    """Of services whose providers fail more at some hours."""

    def simulate(self, outages: Iterable[Outage] = ()) -> History:
        """See `history.simulate`."""
        return simulate(
            self.scenario, self.period, self.seed, outages=outages, profiles=self.profiles, progress=self.progress
        )

    def about(self, history: History, move: Move, file: Path, changes: Sequence[str], version: str) -> About:
        """What the written past says of itself; `file` is the scenario's."""
        last = self.period.last + timedelta(days=move.days + move.repeated)
        return About(
            scenario=file.name,
            scenario_sha256=sha256(file.read_bytes()).hexdigest(),
            seed=self.seed,
            zone=self.scenario.zone.key,
            first=(self.period.first + timedelta(days=move.days)).isoformat(),
            last=last.isoformat(),
            calls=history.total(),
            official=history.total(*OFFICIAL),
            moved_days=move.days,
            minutes_sha256=history.digest,
            changes=list(changes),
            version=version,
            captions=_captions(self.period),
            places={state: list(names) for state, names in self.period.desks.states.items()}
            if self.period.desks
            else {},
            places_title=self.period.desks.title.model_dump() if self.period.desks else {},
            episodes=[_episode(each, move) for each in self.period.episodes],
        )


def open_metrics(
    history: History, catalogue: Catalogue, labels: Mapping[str, str], zone: ZoneInfo, names: Names
) -> Iterator[str]:
    """The history as OpenMetrics, one sample an hour, each counter from 0 on; `labels` (job, instance) stand on what a gateway tells.

    What the rules, called by `names`, would have recorded is in it too. For `promtool tsdb create-blocks-from openmetrics`. In pieces, so
    that it need not fit into memory.
    """
    shared = "".join(f',{name}="{value}"' for name, value in labels.items())
    length = len(history.minutes) // 60
    times = [history.start + number * int(HOUR) for number in range(length + 1)]
    counters = rising(history)
    services = list(dict.fromkeys(name for name, _ in history.hours))
    yield "# TYPE lgsp_transactions counter\n"
    for (name, outcome), counts in counters.items():
        yield _series(f'lgsp_transactions_total{{service="{name}",outcome="{outcome}"{shared}}}', counts, times)
    yield "# TYPE lgsp_transactions_accepted counter\n"
    for name in services:
        whole = sum(counters[name, outcome] for outcome in Outcome)
        yield _series(f'lgsp_transactions_accepted_total{{service="{name}"{shared}}}', np.asarray(whole), times)
    yield "# TYPE lgsp_transaction_duration_seconds histogram\n"
    for name in services:
        for result, outcomes in (("ok", OFFICIAL), ("error", tuple(o for o in Outcome if o not in OFFICIAL))):
            where = f'service="{name}",result="{result}"{shared}'
            yield from _histogram(service_of(catalogue, name), {o: counters[name, o] for o in outcomes}, where, times)
    told = ""
    gauges = (
        replace(each, labels=each.labels + shared)
        for each in chain(_facts(catalogue, services, length + 1), period_gauges(history, zone))
    )
    for each in chain(gauges, recorded(history, catalogue, names, zone)):
        if each.metric != told:
            yield f"# TYPE {each.metric} gauge\n"
        told = each.metric
        yield _series(f"{each.metric}{{{each.labels}}}" if each.labels else each.metric, each.values, times)
    yield "# EOF\n"


def _facts(catalogue: Catalogue, names: Sequence[str], length: int) -> Iterator[Series]:
    found = [service_of(catalogue, name) for name in names]
    for each in found:
        yield Series("lgsp_slo_objective_ratio", f'service="{each.id}"', np.full(length, each.objective))
    for each in found:
        labels = f'service="{each.id}",owner="{each.owner}",tier="{each.tier}",route="{each.route}",mode="{each.mode}"'
        yield Series("lgsp_service_info", labels, np.ones(length))


def _series(name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], times: Sequence[int]) -> str:
    return "".join(f"{name} {value} {at}\n" for value, at in zip(values.tolist(), times, strict=True) if value == value)  # noqa: PLR0124 - NaN is none


def _histogram(service: Service, counts: Mapping[Outcome, Counts], where: str, times: Sequence[int]) -> Iterator[str]:
    """Cumulative buckets: of the calls so far, the part that was over by each bound."""
    whole = sum(counts.values())
    for bound in (*WHOLE, float("inf")):
        parts = (
            np.floor(count * over_by(service, outcome, bound)).astype(np.int64) if bound < float("inf") else count
            for outcome, count in counts.items()
        )
        le = "+Inf" if bound == float("inf") else f"{float(bound)}"
        yield _series(f'lgsp_transaction_duration_seconds_bucket{{{where},le="{le}"}}', sum(parts), times)  # type: ignore[arg-type]
    yield _series(f"lgsp_transaction_duration_seconds_count{{{where}}}", whole, times)  # type: ignore[arg-type]
    seconds = sum(count * mean_seconds(service, outcome) for outcome, count in counts.items())
    yield _series(f"lgsp_transaction_duration_seconds_sum{{{where}}}", np.round(seconds, 3), times)
