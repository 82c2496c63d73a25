from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from builders import a_service, an_operation
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.live import Live, Plan, plan, same
from lgsp.catalogue.service import Catalogue
from lgsp.errors import BusUnavailable, CatalogueError


def a_catalogue(**timeouts: float) -> Catalogue:
    """Services by id, told apart by their timeout."""
    return Catalogue({name: a_service(name, timeout=seconds) for name, seconds in timeouts.items()})


SETS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from([1.0, 2.0]))


@given(SETS, SETS)
def test_a_plan_says_what_differs_and_nothing_else(old: dict[str, float], new: dict[str, float]) -> None:
    found = plan(a_catalogue(**old), a_catalogue(**new))
    assert set(found.added) == new.keys() - old.keys()
    assert set(found.removed) == old.keys() - new.keys()
    assert set(found.changed) == {name for name in old.keys() & new.keys() if old[name] != new[name]}
    assert bool(found) is (old != new)


def test_a_service_at_another_line_is_the_same_and_one_with_another_word_is_not() -> None:
    one = a_service("a", an_operation(reply="x"), where="a.yaml:1")
    assert same(one, one.model_copy(update={"where": "b.yaml:9"}))
    assert not same(one, a_service("a", an_operation(reply="y"), where="a.yaml:1"))


@dataclass
class Noted:
    """A taker that notes what is done, in order with the others."""

    steps: list[str]
    name: str
    in_force: list[str] = field(default_factory=list)
    refuses: bool = False

    def prepare(self, new: Catalogue) -> Callable[[], None]:
        self.steps.append(f"prepare {self.name}")
        if self.refuses:
            raise CatalogueError(["services.yaml:1: no"])

        def commit() -> None:
            self.steps.append(f"commit {self.name}")
            self.in_force = [service.id for service in new]

        return commit


@dataclass
class Stage:
    steps: list[str] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    no_broker: bool = False

    def __post_init__(self) -> None:
        self.catalogue = a_catalogue(a=1)
        self.takers = [Noted(self.steps, "x"), Noted(self.steps, "y")]
        self.live = Live(self.catalogue, self.takers, self.ready)

    async def ready(self, new: Catalogue, changes: Plan) -> None:
        assert "b" not in self.catalogue
        assert "b" in new
        self.steps.append("ready")
        self.plans.append(changes)
        if self.no_broker:
            raise BusUnavailable("bus_unavailable", "no broker")


async def test_all_prepare_then_all_is_ready_then_all_commit() -> None:
    stage = Stage()
    await stage.live.take(a_catalogue(a=2, b=1))
    assert stage.steps == ["prepare x", "prepare y", "ready", "commit x", "commit y"]
    assert stage.plans == [Plan(added=("b",), changed=("a",), removed=())]
    assert [service.id for service in stage.catalogue] == ["a", "b"]
    assert stage.catalogue.find("a").timeout == 2


async def test_where_one_cannot_have_it_nobody_gets_it() -> None:
    stage = Stage()
    stage.takers[1].refuses = True
    with pytest.raises(CatalogueError):
        await stage.live.take(a_catalogue(b=1))
    assert stage.steps == ["prepare x", "prepare y"]
    assert [service.id for service in stage.catalogue] == ["a"]


async def test_where_the_broker_is_away_nobody_gets_it() -> None:
    stage = Stage(no_broker=True)
    with pytest.raises(BusUnavailable):
        await stage.live.take(a_catalogue(a=1, b=1))
    assert stage.steps == ["prepare x", "prepare y", "ready"]
    assert [service.id for service in stage.catalogue] == ["a"]


async def test_the_same_set_again_is_no_change() -> None:
    stage = Stage()
    await stage.live.take(a_catalogue(a=1))
    assert stage.steps == []
