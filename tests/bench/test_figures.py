from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Ratio, Round, figures, ratio, spread, turns


@pytest.mark.parametrize(
    ("candidates", "rounds", "expected"),
    [
        ([], 3, []),
        (["a"], 0, []),
        (["a"], 2, [(0, "a"), (1, "a")]),
        (["a", "b"], 3, [(0, "a"), (0, "b"), (1, "b"), (1, "a"), (2, "a"), (2, "b")]),
        (["a", "b", "c"], 2, [(0, "a"), (0, "b"), (0, "c"), (1, "b"), (1, "c"), (1, "a")]),
    ],
)
def test_candidates_take_turns(candidates: list[str], rounds: int, expected: list[tuple[int, str]]) -> None:
    assert list(turns(candidates, rounds)) == expected


@given(st.lists(st.integers(), unique=True, min_size=1, max_size=9), st.integers(1, 20))
def test_every_round_has_everybody_once_and_everybody_begins_equally_often(candidates: list[int], rounds: int) -> None:
    made = list(turns(candidates, rounds))
    for number in range(rounds):
        assert sorted(c for n, c in made if n == number) == sorted(candidates)
    begins = Counter(next(c for n, c in made if n == number) for number in range(rounds))
    assert max(begins.values()) - min(begins[c] for c in candidates) <= 1


def test_the_figures_of_one_round_are_its_own() -> None:
    found = figures([Round(100.0, 1.0, 2.0, {"ask": 5.0}, 0.5)])
    assert (found.per_second, found.p50_ms, found.p99_ms, found.others) == (100.0, 1.0, 2.0, 0.5)
    assert (found.cpu, found.spread, found.rounds) == ({"ask": 5.0}, 0.0, 1)


def test_the_figures_of_many_rounds_are_medians_and_one_outlier_does_not_move_them() -> None:
    rounds = [
        Round(rate, 1 / rate, 2 / rate, {"ask": rate, "broker": 1.0}) for rate in (90.0, 100.0, 1.0, 110.0, 120.0)
    ]
    found = figures(rounds)
    assert (found.per_second, found.p50_ms, found.p99_ms) == (100.0, 0.01, 0.02)
    assert found.cpu == {"ask": 100.0, "broker": 1.0}
    assert found.spread == pytest.approx(1.19)
    assert found.rounds == 5


def test_a_party_that_appears_in_some_rounds_only_counts_as_nothing_in_the_others() -> None:
    assert figures([Round(1, 1, 1, {"caller": 4.0}), Round(1, 1, 1)]).cpu == {"caller": 2.0}


@pytest.mark.parametrize(("values", "expected"), [([5.0], 0.0), ([0.0, 0.0], 0.0), ([9.0, 10.0, 12.0], 0.3)])
def test_the_spread_is_relative_to_the_median(values: list[float], expected: float) -> None:
    assert spread(values) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        ([], [], None),
        ([1.0], [0.0], None),
        ([6.0], [2.0], Ratio(3.0, 3.0, 3.0)),
        # The machine was twice as fast in the second round: the ratio does not notice.
        ([10.0, 22.0, 9.0], [5.0, 10.0, 5.0], Ratio(2.0, 1.8, 2.2)),
        ([10.0, 20.0], [5.0], Ratio(2.0, 2.0, 2.0)),
    ],
)
def test_a_ratio_is_taken_within_the_rounds(above: list[float], below: list[float], expected: Ratio | None) -> None:
    assert ratio(above, below) == expected
