"""Turns with candidates that only count: nothing is started, no time is measured."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bench.figures import Key, Round
from bench.groups import Group
from bench.loop import Place
from bench.process import Broken
from bench.runner import Plan, Result, steps, take_turns

PLAN = Plan(rounds=3, seconds=0.0, quick=True)


@dataclass
class Counting:
    """A candidate that answers its n-th call with the rate n, and breaks where it is told to."""

    name: str
    said: list[str]
    breaks: str = ""
    differs: str = ""
    cases: tuple[str, ...] = ("64",)
    calls: int = 0
    words: list[str] = field(default_factory=list)

    def queues(self) -> Sequence[str]:
        return []

    def start(self, _: Place) -> None:
        self._do("start")

    def ready(self) -> None:
        self._do("ready")

    def run(self, case: str, _: float) -> Round:
        self.said.append(f"{self.name} {case}")
        self._do("run")
        self.calls += 1
        return Round(float(self.calls), 1.0, 2.0)

    def memory(self) -> Mapping[str, float]:
        return {"ask": 7.0}

    def stop(self) -> None:
        self.words.append("stop")

    def _do(self, word: str) -> None:
        self.words.append(word)
        if self.breaks == f"{word} {self.words.count(word)}":
            raise Broken(f"{word} went wrong")


def taken(tmp_path: Path, *candidates: Counting) -> Result:
    result = Result()
    place = Place("amqp://nowhere", os.getpid(), tmp_path)
    take_turns(Group("g", "title", "note", candidates), place, PLAN, lambda *_: None, result)
    return result


def test_every_candidate_runs_once_for_nothing_and_then_in_turns(tmp_path: Path) -> None:
    said: list[str] = []
    result = taken(tmp_path, Counting("a", said), Counting("b", said))
    assert said == ["a 64", "b 64", *["a 64", "b 64"], *["b 64", "a 64"], *["a 64", "b 64"]]
    assert [row.key for row in result.rows] == [Key("g", "a", "64"), Key("g", "b", "64")]
    assert [[one.per_second for one in row.rounds] for row in result.rows] == [[2.0, 3.0, 4.0]] * 2


def test_cases_are_rows_of_their_own_and_a_candidate_may_have_fewer(tmp_path: Path) -> None:
    said: list[str] = []
    result = taken(tmp_path, Counting("a", said, cases=("1", "64")), Counting("b", said))
    assert [(row.key.candidate, row.key.case) for row in result.rows] == [("a", "1"), ("a", "64"), ("b", "64")]
    assert {len(row.rounds) for row in result.rows} == {3}


@pytest.mark.parametrize("breaks", ["start 1", "ready 1", "run 1", "run 3"])
def test_one_that_breaks_is_ended_at_once_and_the_others_go_on(breaks: str, tmp_path: Path) -> None:
    said: list[str] = []
    bad, good = Counting("bad", said, breaks), Counting("good", said)
    broken, whole = taken(tmp_path, bad, good).rows
    assert (broken.rounds, broken.broken) == ((), f"{breaks.partition(' ')[0]} went wrong")
    assert (len(whole.rounds), whole.broken) == (3, "")
    assert bad.words.index("stop") == len(bad.words) - 2  # and again at the end, with everybody
    assert good.words[-1] == "stop"


def test_everybody_is_ended_when_the_bench_itself_fails(tmp_path: Path) -> None:
    class Failing(Counting):
        def memory(self) -> Mapping[str, float]:
            raise ZeroDivisionError

    one, other = Failing("a", []), Counting("b", [])
    with pytest.raises(ZeroDivisionError):
        taken(tmp_path, one, other)
    assert one.words[-1] == other.words[-1] == "stop"


@pytest.mark.parametrize(("cases", "expected"), [([], 0), ([("64",)], 3), ([("1", "64"), ("64",)], 9)])
def test_the_steps_are_the_rounds_of_all_cases_and_of_the_starts(cases: list[tuple[str, ...]], expected: int) -> None:
    group = Group("g", "title", "note", [Counting(str(n), [], cases=c) for n, c in enumerate(cases)])
    assert steps([group], PLAN) == expected
    assert steps([group], replace(PLAN, quick=False)) == expected + 3 * 3
