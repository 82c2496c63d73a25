"""How fast memory grows: the slope of the second half, its bound, and the table that also a run cut off gives."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from memory import MEGABYTE, Sample, growth, read, second_half, table


def a_run(hourly: float, minutes: int = 120, *, noise: float = 0.0) -> list[Sample]:
    """A process that grows by so many megabytes an hour after a first half in which it grew by ten."""
    samples = []
    for minute in range(1, minutes + 1):
        late = max(minute - minutes / 2, 0) / 60
        size = 100 + min(minute / minutes * 2, 1) * 10 + late * hourly + noise * (-1) ** minute
        samples.append(
            Sample(
                minute * 60.0, {"gw1": round(size * MEGABYTE)}, {"gw1": 30}, minute * 12_000, 0.002, 0.3, minute, 0, 1
            )
        )
    return samples


def hourly(samples: list[Sample]) -> tuple[float, float]:
    found = growth(second_half(samples, "gw1"))
    assert found is not None
    return found.slope * 3600 / MEGABYTE, found.bound * 3600 / MEGABYTE


@pytest.mark.parametrize("rate", [-3.0, 0.0, 0.5, 7.0])
def test_the_second_half_alone_makes_the_slope(rate: float) -> None:
    assert hourly(a_run(rate)) == pytest.approx((rate, rate), abs=0.01)


def test_what_scatters_has_a_wider_bound() -> None:
    slope, bound = hourly(a_run(0.5, noise=0.4))
    assert slope == pytest.approx(0.5, abs=0.1)
    assert 0.2 < bound - slope < 0.6


@pytest.mark.parametrize("points", [[], [(0.0, 1.0)], [(0.0, 1.0), (1.0, 2.0)]])
def test_fewer_than_three_points_say_nothing(points: list[tuple[float, float]]) -> None:
    assert growth(points) is None


def test_a_run_that_was_cut_off_still_has_its_table(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    lines = [json.dumps(asdict(sample)) for sample in a_run(0.5)]
    file.write_text("\n".join(lines) + '\n{"at": 7260.0, "resid')
    assert read(file) == a_run(0.5)
    told = table(read(file))
    assert "2.00 hours, 1,440,000 calls" in told
    assert "| gw1 | 100.2 | 110.0 | 110.5 | +0.50 | +0.50 | 30 to 30 |" in told
    assert "too short" in table(a_run(0.5, minutes=3))
    assert table([]) == "no sample yet"
