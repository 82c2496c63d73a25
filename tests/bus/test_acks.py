"""Acks by the book: never one that covers an open delivery, never a finished one forgotten."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.bus.acks import SLOW, Acks


def taken(*tags: int, now: float = 0.0) -> Acks:
    acks = Acks()
    for tag in tags:
        acks.took(tag, now)
    return acks


@pytest.mark.parametrize(
    ("done", "now", "due"),
    [
        ([], 1.0, []),
        ([1], 0.0, [(1, False)]),
        ([1, 2, 3], 0.0, [(3, True)]),
        ([3, 1, 2], 0.0, [(3, True)]),
        ([1, 2, 3, 4, 5], 0.0, [(5, True)]),
        ([1, 2, 4, 5], 0.0, [(2, True)]),
        ([2, 3], SLOW / 2, []),
        ([2, 3], SLOW, [(2, False), (3, False)]),
        ([1, 3, 5], SLOW, [(1, False), (3, False), (5, False)]),
    ],
)
def test_the_completed_prefix_goes_at_once_and_the_rest_when_its_head_is_slow(
    done: list[int], now: float, due: list[tuple[int, bool]]
) -> None:
    acks = taken(1, 2, 3, 4, 5)
    for tag in done:
        acks.done(tag)
    assert list(acks.due(now)) == due
    assert list(acks.due(now)) == [], "each is acknowledged once"
    left = len(done) - sum(tag if multiple else 1 for tag, multiple in due)
    assert acks.waiting is bool(left)


def test_what_waited_behind_a_head_goes_with_it_when_it_ends() -> None:
    acks = taken(1, 2, 3)
    acks.done(2)
    assert (list(acks.due(0.01)), acks.waiting) == ([], True)
    acks.done(1)
    assert (list(acks.due(0.02)), acks.waiting, len(acks)) == ([(2, True)], False, 1)


def test_a_rejected_delivery_holds_nothing_back() -> None:
    acks = taken(1, 2)
    acks.done(2)
    acks.forget(1)
    assert list(acks.due(0.0)) == [(2, False)]


def test_a_delivery_that_is_done_twice_is_acknowledged_once() -> None:
    acks = taken(1)
    acks.done(1)
    acks.done(1)
    acks.done(7)
    assert list(acks.due(0.0)) == [(1, False)]


@given(count=st.integers(0, 40), seed=st.integers(), slow=st.booleans())
def test_every_delivery_is_acknowledged_once_and_none_while_it_is_open(count: int, seed: int, *, slow: bool) -> None:
    draw = random.Random(seed)
    acks, now = Acks(), 0.0
    acked: set[int] = set()
    open_: list[int] = []
    coming = list(range(1, count + 1))
    while coming or open_:
        now += 0.03 if slow else 0.0
        if coming and (not open_ or draw.random() < 0.5):
            acks.took(coming[0], now)
            open_.append(coming.pop(0))
        else:
            tag = open_.pop(draw.randrange(len(open_)))
            acks.done(tag)
        if draw.random() < 0.6 or not (coming or open_):
            for tag, multiple in acks.due(now):
                covered = set(range(1, tag + 1)) if multiple else {tag}
                assert tag not in acked
                assert not covered & set(open_)
                acked |= covered
    assert acked == set(range(1, count + 1))
    assert (len(acks), acks.waiting) == (0, False)
