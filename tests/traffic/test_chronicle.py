from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from builders import shipped
from prometheus import Prometheus, promtool

from lgsp.errors import SettingsError
from lgsp.ledger.hours import unpack_sketch
from lgsp.model import Outcome
from lgsp.monitoring.profile import Profile
from lgsp.monitoring.recordings import (
    BUDGET,
    BUS_RATE,
    INFO,
    LEFT,
    OWNER_RATE,
    OWNER_RATIO,
    by_owner,
    by_service,
    errors_of,
    lost_of,
    of_the_bus,
    rate_of,
)
from lgsp.traffic.chronicle import (
    Change,
    Move,
    hour_rows,
    move_until,
    moved,
    open_metrics,
    parse_changes,
    stream_rows,
)
from lgsp.traffic.facts import facts
from lgsp.traffic.history import History, Outage, simulate
from lgsp.traffic.period import Load, Period
from lgsp.traffic.recorded import Names
from lgsp.traffic.scenario import read_scenario

CONFIG = Path(__file__).parents[2] / "config"
SCENARIO = read_scenario(CONFIG / "scenarios" / "quang-nam-2023.yaml")
CATALOGUE = shipped()
LAST = date(2023, 5, 24)
NAMES = Names(
    {"5m": 300, "1h": 3_600, "1d": 86_400}, "rate{}".format, "errors{}".format, "ratio{}".format,
    "budget", "burn", "left", "info", "owner_rate", "owner_ratio", "bus", "bus_ratio{}".format, "lost{}".format,
)  # fmt: skip


def yardstick() -> Period:
    assert SCENARIO.period
    return SCENARIO.period


@pytest.fixture(scope="module")
def fortnight() -> tuple[Period, History]:
    """11 to 24 May of two services, 1.4 million calls."""
    period = replace(
        yardstick(),
        first=date(2023, 5, 11),
        calls=1_400_000,
        services=2,
        loads={"e-office": Load(0.9, 0.992), "shared-catalog": Load(0.1, 0.996)},
        episodes=(),
        streams=(),
    )
    return period, simulate(SCENARIO, period, seed=1)


@pytest.mark.parametrize(
    ("today", "move"),
    [
        (date(2023, 5, 20), Move()),  # it ends later than yesterday: stays where it is
        (date(2023, 5, 25), Move()),
        (date(2023, 5, 26), Move(0, 1)),
        (date(2023, 5, 31), Move(0, 6)),
        (date(2023, 6, 1), Move(7, 0)),
        (date(2026, 11, 25), Move(1_274, 6)),
    ],
)
def test_it_ends_yesterday_on_the_same_weekdays(today: date, move: Move) -> None:
    assert move_until(LAST, today) == move
    assert move.days % 7 == 0


def test_moved_days_are_the_same_days_and_the_repeated_ones_those_of_the_last_week(
    fortnight: tuple[Period, History],
) -> None:
    _, history = fortnight
    told = moved(history, Move(14, 3))
    assert told.start - history.start == 14 * 86_400
    counts, longer = history.hours["e-office", Outcome.OK], told.hours["e-office", Outcome.OK]
    assert longer[: len(counts)].tolist() == counts.tolist()
    assert longer[len(counts) :].tolist() == counts[7 * 24 : 10 * 24].tolist()
    assert told.minutes.sum() == told.total() > history.total()
    assert moved(history, Move(7, 0)).total() == history.total()


def test_hours_are_those_of_a_ledger(fortnight: tuple[Period, History]) -> None:
    _, history = fortnight
    told: list[int] = []
    rows = list(hour_rows(history, CATALOGUE, 1, progress=lambda: told.append(1)))
    counted: Counter[tuple[str, str]] = Counter()
    for hour, service, consumer, outcome, n, *_, sketch in rows:
        counted[service, outcome] += n
        assert sum(unpack_sketch(sketch).values()) == n
        assert consumer == ""
        assert 0 <= hour - history.start // 3600 < 14 * 24
    assert counted == {
        (service, str(outcome)): int(counts.sum())
        for (service, outcome), counts in history.hours.items()
        if counts.sum()
    }
    assert len(told) == 2


def test_a_service_that_the_catalogue_does_not_have_is_said(fortnight: tuple[Period, History]) -> None:
    _, history = fortnight
    strange = replace(history, hours={("nobody", Outcome.OK): history.hours["e-office", Outcome.OK]})
    with pytest.raises(SettingsError, match="'nobody' that the catalogue does not have"):
        list(hour_rows(strange, CATALOGUE, 1))


def test_streams_move_with_their_period() -> None:
    period = yardstick()
    small = replace(period, calls=1_000, loads={"e-office": Load(1.0, 0.99)})
    rows = list(stream_rows(simulate(SCENARIO, small, seed=1), small, Move(7, 2)))
    days = [day for day, name, part, _ in rows if (name, part) == ("hotline-received", "received")]
    assert (days[0], days[-1], len(days)) == ("2023-04-08", "2023-05-07", 30)
    assert sum(count for _, name, _, count in rows if name == "dossiers") == 197_734


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SCENARIO.zone).timestamp()


def test_changes_are_read() -> None:
    words = ["outage population 2023-03-10T09:00 2h", "growth 1.5x", "growth 2x"]
    assert parse_changes(words, SCENARIO, yardstick().loads) == Change(
        3.0, (Outage("population", at("2023-03-10T09:00"), 7_200.0),)
    )
    assert Change(1.5).applied(yardstick()).calls == 338_250_000
    assert parse_changes([], SCENARIO, []) == Change()


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("shrink 2x", "is no change"),
        ("growth 2", "is no change"),
        ("growth bigx", "'big' is no number"),
        ("outage nobody 2023-03-10T09:00 2h", "has no service 'nobody'"),
        ("outage population tomorrow 2h", "is no time"),
        ("outage population 2023-13-10T09:00 2h", "month must be in 1..12"),
        ("outage population 2023-03-10T09:00 2", "a duration needs its unit"),
        ("", "is no change"),
    ],
)
def test_what_is_no_change_is_refused_with_its_words(word: str, says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)):
        parse_changes([word], SCENARIO, yardstick().loads)


def test_an_outage_ends_its_calls_as_unreachable_and_leaves_all_others(fortnight: tuple[Period, History]) -> None:
    period, plain = fortnight
    trouble = Outage("e-office", at("2023-05-15T09:00"), 7_200)
    told = simulate(SCENARIO, period, seed=1, outages=[trouble])
    hit = slice(4 * 24 + 9, 4 * 24 + 11)
    by_hour = {outcome: told.hours["e-office", outcome] for outcome in Outcome}
    before = sum(int(plain.hours["e-office", outcome][hit].sum()) for outcome in Outcome)
    assert int(by_hour[Outcome.UNREACHABLE][hit].sum()) == before > 10_000
    assert sum(int(by_hour[o][hit].sum()) for o in Outcome if o is not Outcome.UNREACHABLE) == 0
    assert told.total() == plain.total()
    same = [o for o in Outcome if told.hours["shared-catalog", o].tolist() == plain.hours["shared-catalog", o].tolist()]
    assert same == list(Outcome)


def test_the_facts_come_out_and_one_that_does_not_is_seen(fortnight: tuple[Period, History]) -> None:
    period, history = fortnight
    assert all(fact.holds for fact in facts(period, history))
    wrong = {fact.what for fact in facts(replace(period, calls=1, services=3), history) if not fact.holds}
    assert wrong == {"transactions", "services", "official successes"}


def samples(text: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value, _ = line.rsplit(" ", 2)
            found.setdefault(name, []).append(float(value))
    return found


def test_counters_and_buckets_rise_to_the_totals(fortnight: tuple[Period, History]) -> None:
    _, history = fortnight
    series = samples("".join(open_metrics(history, CATALOGUE, {"job": "j", "instance": "i"}, SCENARIO.zone, NAMES)))
    assert all(len(values) == 14 * 24 + 1 for name, values in series.items() if name.startswith("lgsp_"))
    counted = {
        (service, str(outcome)): series[
            f'lgsp_transactions_total{{service="{service}",outcome="{outcome}",job="j",instance="i"}}'
        ]
        for service, outcome in history.hours
    }
    assert {key: (values[0], values[-1]) for key, values in counted.items()} == {
        (service, str(outcome)): (0, counts.sum()) for (service, outcome), counts in history.hours.items()
    }
    assert all(values == sorted(values) for name, values in series.items() if re.match("lgsp_transaction", name))
    where = 'service="e-office",result="ok",job="j",instance="i"'
    last = {
        bound: series[f'lgsp_transaction_duration_seconds_bucket{{{where},le="{bound}"}}'][-1]
        for bound in ("0.05", "0.1", "1.0", "60.0", "+Inf")
    }
    whole = counted["e-office", "ok"][-1] + counted["e-office", "business_fault"][-1]
    assert last["+Inf"] == last["60.0"] == series[f"lgsp_transaction_duration_seconds_count{{{where}}}"][-1] == whole
    assert list(last.values()) == sorted(last.values())
    assert last["1.0"] / whole == pytest.approx(0.992, abs=0.005)


@pytest.fixture(scope="module")
def prometheus(fortnight: tuple[Period, History], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One that was given the fortnight, and nothing else."""
    directory = tmp_path_factory.mktemp("prometheus")
    labels = {"job": "lgsp-gateway", "instance": "127.0.0.1:8290"}
    (directory / "past.txt").write_text("".join(open_metrics(fortnight[1], CATALOGUE, labels, SCENARIO.zone, NAMES)))
    command = [promtool(), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=2160h"]
    done = subprocess.run(
        [*command, directory / "past.txt", directory / "data"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with Prometheus(directory) as running:
        yield running


@pytest.mark.real
def test_increase_over_the_period_is_what_the_ledger_has(
    prometheus: Prometheus, fortnight: tuple[Period, History]
) -> None:
    _, history = fortnight
    end = history.start + 14 * 86_400
    found = prometheus.at("sum by (service) (increase(lgsp_transactions_total[14d]))", end)
    told = {name: sum(int(history.hours[name, o].sum()) for o in Outcome) for name in ("e-office", "shared-catalog")}
    assert found == pytest.approx(told, rel=0.001)


@pytest.mark.real
def test_what_rules_would_have_recorded_is_what_they_compute(
    prometheus: Prometheus, fortnight: tuple[Period, History]
) -> None:
    _, history = fortnight
    at = history.start + 5 * 86_400 + 10 * 3_600
    profile = Profile()
    rules = {rule.name: rule.expr for rule in (*by_service(profile), *of_the_bus(profile), *by_owner(profile))}
    names = {
        rate_of("1d"): "rate1d",
        errors_of("1d"): "errors1d",
        BUDGET: "budget",
        BUS_RATE: "bus",
        LEFT: "left",
        INFO: "info",
        OWNER_RATE: "owner_rate",
        OWNER_RATIO: "owner_ratio",
        lost_of("1h"): "lost1h",
    }
    for rule, ours in names.items():
        expression = rules[rule]
        for shipped_name, written in (
            (BUDGET, "budget"), (rate_of("5m"), "rate5m"), (errors_of("5m"), "errors5m"), (INFO, "info"), (rate_of("1h"), "rate1h")
        ):  # fmt: skip
            expression = expression.replace(shipped_name, written)
        assert prometheus.at(ours, at) == pytest.approx(prometheus.at(expression, at), rel=0.001), rule
    assert prometheus.at('count by (service) ({__name__=~"rate.*|errors.*|ratio.*|burn|budget|left|info"})', at) == {
        "e-office": 13, "shared-catalog": 13,
    }  # fmt: skip
