from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.service import Text, Window
from lgsp.model import Outcome
from lgsp.traffic.history import History, _worse, apportion, simulate, totals
from lgsp.traffic.period import Episode, Load, Period, Stream
from lgsp.traffic.scenario import read_scenario

SHIPPED = read_scenario(Path(__file__).parents[2] / "config" / "scenarios" / "quang-nam-2023.yaml")
OFFICIAL = (Outcome.OK, Outcome.BUSINESS_FAULT)


def yardstick() -> Period:
    assert SHIPPED.period
    return SHIPPED.period


def week(**changes: object) -> Period:
    """Monday 9 to Sunday 15 January 2023: no holiday in it."""
    small = {
        "title": Text(vi="", en=""),
        "first": date(2023, 1, 9),
        "last": date(2023, 1, 15),
        "calls": 100_000,
        "official": 0.98,
        "services": 2,
        "busiest_minute": 1.5,
        "business_faults": 0.1,
        "failures": {Outcome.TIMEOUT: 0.5, Outcome.REJECTED: 0.5},
        "loads": {"a": Load(0.75, 0.99), "b": Load(0.25, 0.95)},
    }
    return Period(**(small | changes))  # type: ignore[arg-type]  # names of its fields


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (0, [1.0, 2.0], [0, 0]),
        (10, [], []),
        (10, [0.0, 0.0], [0, 0]),
        (10, [1.0], [10]),
        (10, [1.0, 1.0, 1.0], [4, 3, 3]),
        (7, [0.5, 0.3, 0.2], [4, 2, 1]),
        (225_500_000, [0.15, 0.85], [33_825_000, 191_675_000]),
    ],
)
def test_the_largest_remainder_gets_what_is_left(total: int, weights: list[float], parts: list[int]) -> None:
    assert apportion(total, weights) == parts


@given(st.integers(0, 10**9), st.lists(st.floats(0.001, 1), min_size=1, max_size=40))
def test_parts_add_up_and_none_is_off_by_one_or_more(total: int, weights: list[float]) -> None:
    parts = apportion(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part - total * weight / sum(weights)) < 1 + 1e-5 for part, weight in zip(parts, weights, strict=True)
    )


def test_the_yardstick_s_totals_are_exact() -> None:
    ended = totals(yardstick())
    assert sum(ended.values()) == 225_500_000
    assert sum(count for (_, outcome), count in ended.items() if outcome in OFFICIAL) == 223_245_000
    for service, load in yardstick().loads.items():
        calls = sum(ended[service, outcome] for outcome in Outcome)
        assert calls == pytest.approx(load.share * 225_500_000, abs=1)
        assert sum(ended[service, outcome] for outcome in OFFICIAL) / calls == pytest.approx(load.official, abs=1e-4)


def test_failures_fall_into_the_hours_of_a_profile_and_no_total_changes() -> None:
    morning = Window(start=8 * 3600, end=10 * 3600, days=frozenset({"mon", "tue"}), errors=20.0)
    plain, told = simulate(SHIPPED, week(), seed=1), simulate(SHIPPED, week(), seed=1, profiles={"a": [morning]})
    for key, counts in plain.hours.items():
        assert told.hours[key].sum() == counts.sum()
        is_moved = key in {("a", Outcome.TIMEOUT), ("a", Outcome.REJECTED)}
        assert (told.hours[key] != counts).any() == is_moved

    def share(history: History, *hours: int) -> float:
        failed = history.hours["a", Outcome.TIMEOUT]
        return float(failed[list(hours)].sum() / failed.sum())

    inside, after = (8, 9, 32, 33), (10, 11, 34, 35)
    usual = share(plain, *inside)
    # Twenty times as often as else: w of all is then 20 w / (1 + 19 w).
    assert share(told, *inside) == pytest.approx(20 * usual / (1 + 19 * usual), rel=0.1)
    assert share(told, *after) < share(plain, *after)


def test_a_window_counts_by_the_minute() -> None:
    half = Window(start=9 * 3600 + 1800, end=9 * 3600 + 1860, errors=50.0)
    factors = _worse(SHIPPED, [half], SHIPPED.midnight(date(2023, 1, 11)), 48)
    assert [at for at, factor in enumerate(factors) if factor != 1.0] == [570, 570 + 1_440]
    assert factors.max() == 50.0


def test_where_a_profile_leaves_no_hour_failures_are_where_they_were() -> None:
    never = Window(start=0, end=86_400, errors=0.0)
    plain, told = simulate(SHIPPED, week(), seed=1), simulate(SHIPPED, week(), seed=1, profiles={"a": [never]})
    assert told.digest == plain.digest


def test_every_minute_adds_up_to_the_totals() -> None:
    told = simulate(SHIPPED, week(), seed=1)
    ended = totals(week())
    assert {key: int(counts.sum()) for key, counts in told.hours.items()} == ended
    assert (told.total(), told.total(*OFFICIAL), int(told.minutes.sum())) == (100_000, 98_000, 100_000)
    assert (told.start, len(told.minutes)) == (1_673_197_200, 7 * 1_440)  # midnight in UTC+7


def test_the_same_seed_is_the_same_past_and_another_seed_another_one() -> None:
    first, again, other = (simulate(SHIPPED, week(), seed=seed) for seed in (1, 1, 2))
    assert first.digest == again.digest
    assert first.digest != other.digest
    assert first.total() == other.total()


def test_a_service_s_past_does_not_depend_on_its_neighbours() -> None:
    alone = week(loads={"a": Load(1.0, 0.99)}, calls=75_000, official=0.99)
    beside = simulate(SHIPPED, week(official=0.98), seed=1).hours["a", Outcome.OK]
    again = simulate(SHIPPED, week(loads={"b": Load(0.25, 0.95), "a": Load(0.75, 0.99)}), seed=1).hours["a", Outcome.OK]
    assert beside.tolist() == again.tolist()
    assert simulate(SHIPPED, alone, seed=1).hours["a", Outcome.OK].sum() > 0


def test_the_peak_is_the_hour_from_nine_and_its_first_minute_the_busiest() -> None:
    told = simulate(SHIPPED, week(calls=10_000_000), seed=1)
    monday = told.minutes[:1_440].reshape(24, 60)
    assert int(monday.sum(axis=1).argmax()) == 9
    assert monday[9][0] / monday[9].mean() == pytest.approx(1.5, rel=0.1)
    saturday = told.minutes[5 * 1_440 : 6 * 1_440]
    assert saturday.sum() / monday.sum() == pytest.approx(0.624, rel=0.02)


def test_an_episode_moves_failures_into_its_days_and_changes_no_total() -> None:
    days = (date(2023, 1, 11), date(2023, 1, 12))
    hit = Episode("e", Text(vi="", en=""), *days, services=("a",), times={Outcome.REJECTED: 4.0})
    told = simulate(SHIPPED, week(episodes=(hit,)), seed=1)
    ended = totals(week())
    by_day = told.hours["a", Outcome.REJECTED].reshape(7, 24).sum(axis=1)
    assert by_day.sum() == ended["a", Outcome.REJECTED]
    assert by_day[2:4].mean() / by_day[[0, 1, 4]].mean() == pytest.approx(4, rel=0.4)
    plain = simulate(SHIPPED, week(), seed=1)
    assert told.hours["b", Outcome.REJECTED].tolist() == plain.hours["b", Outcome.REJECTED].tolist()


def test_streams_fall_on_the_days_that_they_follow() -> None:
    stream = Stream("s", Text(vi="", en=""), date(2023, 1, 9), date(2023, 1, 15), "office", {"x": 5_000}, 5_000)
    told = simulate(SHIPPED, week(streams=(stream,)), seed=1).streams["s", "x"]
    assert told.sum() == 5_000
    assert told[6] / told[:5].mean() == pytest.approx(0.08, abs=0.05)


def test_a_zone_that_sets_its_clocks_loses_no_call() -> None:
    berlin = replace(SHIPPED, zone=ZoneInfo("Europe/Berlin"))
    spring = week(first=date(2023, 3, 26), last=date(2023, 3, 26))
    told = simulate(berlin, spring, seed=1)
    assert (len(told.minutes), told.total()) == (23 * 60, 100_000)


def test_progress_is_told_once_a_service() -> None:
    told: list[None] = []
    simulate(SHIPPED, week(), seed=1, progress=lambda: told.append(None))
    assert len(told) == 2
