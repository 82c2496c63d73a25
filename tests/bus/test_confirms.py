"""Confirms by the broker's own count."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.bus.confirms import Confirms


def published(count: int) -> Confirms[str]:
    confirms: Confirms[str] = Confirms()
    for number in range(1, count + 1):
        confirms.published(f"t-{number}.1", f"slot {number}")
    return confirms


@pytest.mark.parametrize(
    ("tag", "multiple", "about"),
    [
        (1, False, ["slot 1"]),
        (3, False, ["slot 3"]),
        (3, True, ["slot 1", "slot 2", "slot 3"]),
        (9, True, ["slot 1", "slot 2", "slot 3", "slot 4"]),
        (9, False, []),
        (0, True, []),
    ],
)
def test_a_confirm_is_about_one_publish_or_all_up_to_it(tag: int, *, multiple: bool, about: list[str]) -> None:
    confirms = published(4)
    assert confirms.confirmed(tag, multiple=multiple) == about
    assert len(confirms) == 4 - len(about)
    assert confirms.confirmed(tag, multiple=multiple) == []


def test_the_confirm_behind_a_return_says_nothing_new() -> None:
    confirms = published(3)
    assert confirms.returned("t-2.1") == "slot 2"
    assert confirms.confirmed(3, multiple=True) == ["slot 1", "slot 3"]


def test_a_return_of_what_was_never_published_is_nobody_s() -> None:
    assert published(2).returned("t-2.2") is None


def test_a_publish_that_nobody_waits_for_counts_and_says_nothing() -> None:
    confirms: Confirms[str] = Confirms()
    confirms.published("reply", None)
    confirms.published("t-1.1", "slot")
    assert confirms.confirmed(1, multiple=False) == []
    assert confirms.confirmed(2, multiple=False) == ["slot"]


def test_what_is_open_when_the_connection_goes_is_given_back_once() -> None:
    confirms = published(3)
    confirms.confirmed(2, multiple=False)
    assert confirms.lost() == ["slot 1", "slot 3"]
    assert (confirms.lost(), len(confirms)) == ([], 0)


@given(st.integers(0, 60), st.integers())
def test_each_publish_has_one_fate(count: int, seed: int) -> None:
    draw = random.Random(seed)
    confirms: Confirms[int] = Confirms()
    open_: set[int] = set()
    fates: list[int] = []
    for number in range(1, count + 1):
        confirms.published(str(number), number)
        open_.add(number)
        if draw.random() < 0.4:
            tag, multiple = draw.choice(sorted(open_)), draw.random() < 0.5
            if draw.random() < 0.3 and confirms.returned(str(tag)) is not None:
                fates.append(tag)
            settled = confirms.confirmed(tag, multiple=multiple)
            fates += settled
            open_ -= {one for one in open_ if one == tag or (multiple and one <= tag)}
    fates += confirms.lost()
    assert sorted(fates) == list(range(1, count + 1))
