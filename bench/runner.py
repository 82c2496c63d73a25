"""The run: a node for each group, everybody up, turns, and what is done when a candidate breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.console import drawn
from bench.figures import Drawn, Key, Page, Round, Row, Started, turns
from bench.groups import Candidate, Group
from bench.loop import Place
from bench.machine import memory_mib
from bench.process import Broken
from bench.startup import KINDS, started
from bench.web import Web
from lgsp.bus import topology
from lgsp.bus.node import PrivateNode

_USER = "bench"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long it may take: so many rounds of so many seconds, of all groups or of what the quick ratios need."""

    rounds: int
    seconds: float
    quick: bool


FULL = Plan(rounds=5, seconds=1.0, quick=False)
QUICK = Plan(rounds=5, seconds=0.4, quick=True)

Tell = Callable[[str, int], None]
"""Told what goes on now, and by how many steps the work has advanced."""


@dataclass(slots=True)
class Result:
    """Everything that was measured."""

    rows: list[Row] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    started: list[Started] = field(default_factory=list)
    drawn: Drawn | None = None


def steps(groups: Iterable[Group], plan: Plan) -> int:
    """How many steps a run tells of."""
    starts = 0 if plan.quick else len(KINDS)
    return plan.rounds * (sum(len(c.cases) for group in groups for c in group.candidates) + starts)


def run(groups: Iterable[Group], plan: Plan, directory: Path, tell: Tell) -> Result:
    """Run the groups one after the other; unless it is to be quick, scrape all, and start lgsp's processes beside `http`.

    After `console` a browser draws one.
    """
    result = Result()
    for group in groups:
        tell(f"{group.name}: starting", 0)
        with _broker(group, directory) as place:
            take_turns(group, place, plan, tell, result)
            if group.name == "http" and not plan.quick:
                result.started = started(place, plan.rounds, tell)
            if group.name == "console" and not plan.quick:
                tell("console: in Chromium", 0)
                result.drawn = drawn(place)
    return result


@contextmanager
def _broker(group: Group, directory: Path) -> Iterator[Place]:
    """A private node with lgsp's own topology for the services of a group.

    Where nothing is stored, the queues for it are classic ones: thousands of idle quorum queues would have work of their own.
    """
    services = [service for candidate in group.candidates for service in candidate.queues()]
    document = topology.definitions(services, [topology.administrator(_USER, _USER)], salt=b"bench")
    if not group.stores:
        for queue in document["queues"]:
            queue["arguments"] = {"x-queue-type": "classic"}
    with PrivateNode(directory / f"broker-{group.name}", document) as node:
        said = node.command("eval", "list_to_integer(os:getpid()).")
        yield Place(node.url(_USER, _USER), int(said), directory)


@contextmanager
def _noted(broken: dict[str, str], candidate: Candidate) -> Iterator[None]:
    """Note why a candidate breaks, and end it: what is left of it must not load the machine of the others."""
    try:
        yield
    except Broken as error:
        broken[candidate.name] = str(error)
        candidate.stop()


def take_turns(group: Group, place: Place, plan: Plan, tell: Tell, result: Result) -> None:
    """Everybody up, round after round, everybody down; what came of it is added to `result`."""
    broken: dict[str, str] = {}
    rounds: dict[Key, list[Round]] = {}
    cases = dict.fromkeys(case for candidate in group.candidates for case in candidate.cases)
    todo = [(candidate, case) for case in cases for candidate in group.candidates if case in candidate.cases]
    try:
        _come_up(group, place, plan, broken)
        for number, (candidate, case) in turns(todo, plan.rounds):
            tell(f"{group.name}: {candidate.name}, {case}, round {number + 1} of {plan.rounds}", 1)
            if candidate.name not in broken:
                with _noted(broken, candidate):
                    one = candidate.run(case, plan.seconds)
                    rounds.setdefault(Key(group.name, candidate.name, case), []).append(one)
        broker = memory_mib(place.broker).get("peak", 0.0)
        for candidate, case in todo:
            key = Key(group.name, candidate.name, case)
            reason = broken.get(candidate.name, "")
            kept = () if reason else tuple(rounds[key])
            memory = {**candidate.memory(), "broker": broker}
            result.rows.append(Row(key, kept, candidate.differs, reason, memory))
        for candidate in group.candidates:
            if isinstance(candidate, Web) and candidate.name not in broken and not plan.quick:
                result.pages += candidate.pages()
    finally:
        for candidate in group.candidates:
            candidate.stop()


def _come_up(group: Group, place: Place, plan: Plan, broken: dict[str, str]) -> None:
    """Start all, wait for all, and let each run once for nothing."""
    for candidate in group.candidates:
        with _noted(broken, candidate):
            candidate.start(place)
    for candidate in group.candidates:
        if candidate.name not in broken:
            with _noted(broken, candidate):
                candidate.ready()
                candidate.run(candidate.cases[-1], plan.seconds)
