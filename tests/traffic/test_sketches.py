from __future__ import annotations

import numpy as np
import pytest
from builders import shipped

from lgsp.ledger.hours import merged, percentile, unpack_sketch
from lgsp.model import Outcome
from lgsp.traffic.sketches import mean_seconds, timed

OFFICE = shipped().find("e-office")
"""p50 60 ms, p99 900 ms, timeout 30 s."""


def test_each_hour_has_as_many_durations_as_calls() -> None:
    hours = np.array([0, 1, 5_000, 0, 20_000])
    told = list(timed(OFFICE, Outcome.OK, hours, seed=1))
    assert [(each.at, each.n) for each in told] == [(1, 1), (2, 5_000), (4, 20_000)]
    assert [sum(unpack_sketch(each.sketch).values()) for each in told] == [1, 5_000, 20_000]


def test_they_are_the_service_s_own() -> None:
    [hour] = timed(OFFICE, Outcome.OK, np.array([1_000_000]), seed=1)
    sketch = unpack_sketch(hour.sketch)
    assert percentile(sketch, 50) == pytest.approx(60_000, rel=0.25)
    assert percentile(sketch, 99) == pytest.approx(900_000, rel=0.25)
    assert 0 < hour.min_us < 10_000
    assert hour.max_us > 3_000_000
    assert hour.sum_us / hour.n == pytest.approx(mean_seconds(OFFICE, Outcome.OK) * 1e6, rel=0.01)
    # The mean of a lognormal: p50 * exp(sigma^2 / 2), sigma = ln(900 / 60) / 2.326.
    assert mean_seconds(OFFICE, Outcome.OK) == pytest.approx(0.060 * np.exp((np.log(15) / 2.3263) ** 2 / 2), rel=0.03)


def test_what_nobody_answers_takes_the_whole_timeout() -> None:
    [hour] = timed(OFFICE, Outcome.TIMEOUT, np.array([10]), seed=1)
    assert len(unpack_sketch(hour.sketch)) == 1
    assert hour.min_us <= 30_000_000 <= hour.max_us
    assert hour.max_us / hour.min_us < 1.3


def test_sketches_of_hours_add_up_to_that_of_the_day() -> None:
    told = list(timed(OFFICE, Outcome.OK, np.full(24, 500), seed=1))
    assert sum(merged([unpack_sketch(each.sketch) for each in told]).values()) == 12_000


def test_the_same_seed_is_the_same_and_another_another() -> None:
    hours = np.array([1_000])
    first, again, other = (next(timed(OFFICE, Outcome.OK, hours, seed=seed)).sketch for seed in (1, 1, 2))
    assert first == again != other


def test_no_calls_have_no_durations() -> None:
    assert list(timed(OFFICE, Outcome.OK, np.zeros(5, dtype=np.int64), seed=1)) == []
