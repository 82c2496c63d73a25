"""The schedule: one seed, one sequence; nothing left out."""

from __future__ import annotations

from faults import KINDS, schedule
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(), st.integers(0, 60))
def test_one_seed_is_one_schedule_and_every_kind_comes_before_any_comes_twice(seed: int, count: int) -> None:
    made = schedule(seed, count)
    assert made == schedule(seed, count)
    assert len(made) == count
    seen = [sum(fault.kind == kind for fault in made) for kind in KINDS]
    assert max(seen) - min(seen) <= 1
    for fault in made:
        _, targets, (least, most) = KINDS[fault.kind]
        assert fault.target in targets
        assert least <= fault.hold <= most


def test_two_seeds_are_two_schedules() -> None:
    assert schedule(1, 20) != schedule(2, 20)
