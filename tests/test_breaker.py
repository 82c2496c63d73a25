"""The breaker's decisions, from tables and from random lives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.breaker import PROBE_LASTS, USUAL, WINDOW, Asked, Breaker, Circuit, Ended, Terms, decide

START = 1_000.0
FIRST_PAUSE, LONGEST_PAUSE, RUNNING = USUAL.pause, USUAL.longest_pause, USUAL.failures


def called(breaker: Breaker, *failures: bool, at: float = START, apart: float = 0.0) -> Breaker:
    """After calls that went and ended so, one after the other."""
    for number, failed in enumerate(failures):
        now = at + number * apart
        breaker, goes = decide(breaker, Asked(), now)
        assert goes
        breaker, _ = decide(breaker, Ended(breaker.turn, failed), now)
    return breaker


def opened(at: float = START) -> Breaker:
    return called(Breaker(), *[True] * RUNNING, at=at)


@pytest.mark.parametrize(
    ("what", "failures", "apart", "phase"),
    [
        ("none", [], 0, "closed"),
        ("one", [True], 0, "closed"),
        ("four running", [True] * 4, 0, "closed"),
        ("five running", [True] * 5, 0, "open"),
        ("five running, hours apart", [True] * 5, 3600, "open"),
        ("a good one between", [*[True] * 4, False, *[True] * 4], 0, "closed"),
        ("half of twenty", [True, False] * 9 + [False, True], 0.1, "open"),
        ("half of nineteen", [True, False] * 9 + [True], 0.1, "closed"),
        ("less than half of many", [True, False, False] * 20, 0.1, "closed"),
        ("half of twenty, but in more than the window", [True, False] * 20, WINDOW / 15, "closed"),
    ],
)
def test_when_it_opens(what: str, failures: list[bool], apart: float, phase: str) -> None:
    assert called(Breaker(), *failures, apart=apart).phase == phase, what


def test_it_lets_nothing_through_until_its_pause_is_over_and_then_one() -> None:
    breaker = opened()
    assert decide(breaker, Asked(), START + FIRST_PAUSE - 0.001) == (breaker, False)
    breaker, goes = decide(breaker, Asked(), START + FIRST_PAUSE)
    assert (breaker.phase, goes) == ("probing", True)
    assert decide(breaker, Asked(), START + FIRST_PAUSE) == (breaker, False)


def test_a_probe_that_is_well_closes_it_as_new() -> None:
    breaker, _ = decide(opened(), Asked(), START + FIRST_PAUSE)
    turn = breaker.turn
    breaker, _ = decide(breaker, Ended(turn, failed=False), START + FIRST_PAUSE)
    assert breaker == Breaker(turn=turn + 1)


def test_each_probe_that_fails_makes_the_pause_longer_up_to_a_minute() -> None:
    breaker, now, pauses = opened(), START, []
    for _ in range(6):
        now = breaker.until
        breaker, goes = decide(breaker, Asked(), now)
        assert goes
        breaker, _ = decide(breaker, Ended(breaker.turn, failed=True), now)
        pauses.append(breaker.until - now)
    assert pauses == [10, 20, 40, 60, 60, 60]
    assert pauses[-1] == LONGEST_PAUSE


def test_a_probe_that_was_given_up_makes_way_for_the_next_at_once() -> None:
    breaker, _ = decide(opened(), Asked(), START + FIRST_PAUSE)
    breaker, _ = decide(breaker, Ended(breaker.turn, failed=None), START + FIRST_PAUSE + 1)
    assert decide(breaker, Asked(), START + FIRST_PAUSE + 1)[1]


def test_a_probe_that_never_ends_is_given_up_in_the_end() -> None:
    now = START + FIRST_PAUSE
    breaker, _ = decide(opened(), Asked(), now)
    lost = breaker.turn
    assert not decide(breaker, Asked(), now + PROBE_LASTS - 1)[1]
    breaker, goes = decide(breaker, Asked(), now + PROBE_LASTS)
    assert goes
    assert decide(breaker, Ended(lost, failed=False), now + PROBE_LASTS) == (breaker, False)


@pytest.mark.parametrize("failed", [True, False])
def test_a_call_of_an_earlier_turn_changes_nothing(failed: bool) -> None:  # noqa: FBT001 - a row of the table
    early = Ended(Breaker().turn, failed)
    for breaker in (opened(), decide(opened(), Asked(), START + FIRST_PAUSE)[0]):
        assert decide(breaker, early, START + FIRST_PAUSE) == (breaker, False)


def test_a_call_that_was_given_up_says_nothing() -> None:
    breaker = called(Breaker(), *[True] * 2)
    assert decide(breaker, Ended(breaker.turn, failed=None), START)[0] == breaker


steps = st.lists(st.tuples(st.sampled_from(["ask", "good", "bad", "gone"]), st.floats(0, 30)), max_size=200)


@given(steps)
def test_whatever_happens_it_probes_one_at_a_time_and_always_comes_back(life: list[tuple[str, float]]) -> None:
    breaker, now, out = Breaker(), START, list[int]()
    for what, later in life:
        now += later
        if what == "ask":
            before = breaker
            breaker, goes = decide(breaker, Asked(), now)
            if goes:
                out.append(breaker.turn)
                probing = breaker.phase == "probing"
                assert not probing or before.phase == "open" or now >= before.until
            else:
                assert breaker == before
                assert now < breaker.until
                assert breaker.phase != "closed"
        elif out:
            failed = {"good": False, "bad": True, "gone": None}[what]
            breaker, goes = decide(breaker, Ended(out.pop(0), failed), now)
            assert not goes
        assert breaker.until <= now + LONGEST_PAUSE
        assert sum(calls for _, calls, _ in breaker.recent) >= sum(failures for _, _, failures in breaker.recent)
        assert len(breaker.recent) <= WINDOW + 1
    # However it stands: once its patience is over, a call goes, and a good answer closes it.
    later = now + PROBE_LASTS
    breaker, goes = decide(breaker, Asked(), later)
    assert goes
    breaker, _ = decide(breaker, Ended(breaker.turn, failed=False), later)
    assert breaker.phase == "closed"


def test_what_was_sent_before_a_call_that_went_well_is_no_failure_running() -> None:
    circuit = Circuit(USUAL)
    assert not circuit.ended(0, START + 30, failed=False, began=START + 29)
    for _ in range(RUNNING + 1):  # as after a broker's death: all of one moment, all silent, long after it is back
        assert not circuit.ended(0, START + 30, failed=True, began=START)
    assert not circuit.is_open
    told = [circuit.ended(0, START + 31, failed=True, began=START + 30) for _ in range(RUNNING)]
    assert told == [False] * (RUNNING - 1) + [True]


def test_silence_in_the_mass_opens_it_all_the_same() -> None:
    circuit = Circuit(USUAL)
    circuit.ended(0, START, failed=False, began=START - 1)
    told = [circuit.ended(0, START, failed=True, began=START - 2) for _ in range(USUAL.calls)]
    assert told.index(True) == USUAL.calls - 2


def test_terms_of_its_own() -> None:
    circuit = Circuit(Terms(failures=1, pause=2.0, longest_pause=3.0))
    assert circuit.ended(0, START, failed=True, began=START)
    assert (circuit.admit(START + 1.9), circuit.opens_in(START + 1.5)) == (None, 0.5)
    turn = circuit.admit(START + 2)
    assert turn is not None
    assert circuit.opens_in(START + 2) == 2.0  # while the probe is out
    assert not circuit.ended(turn, START + 2, failed=True, began=START + 2)
    assert circuit.opens_in(START + 2) == 3.0


calls = st.lists(st.tuples(st.sampled_from([False, False, False, True, None]), st.floats(0, 3)), max_size=120)


@given(calls)
def test_a_circuit_decides_as_the_breaker_does(life: list[tuple[bool | None, float]]) -> None:
    circuit, breaker, now = Circuit(USUAL), Breaker(), START
    for failed, later in life:
        now += later
        breaker, goes = decide(breaker, Asked(), now)
        turn = circuit.admit(now)
        assert (turn is not None) == goes
        if turn is not None:
            assert turn == breaker.turn
            breaker, _ = decide(breaker, Ended(turn, failed), now)
            circuit.ended(turn, now, failed=failed, began=now)
        assert circuit.is_open == (breaker.phase != "closed")
        assert circuit.opens_in(now) == (0 if not circuit.is_open else pytest.approx(breaker.until - now))
