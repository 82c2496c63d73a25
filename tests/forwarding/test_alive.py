from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.forwarding.alive import Alive, Live, Terms
from lgsp.ledger.outbox import Stored


def a_live(id_: str = "t", service: str = "svc", due: float = 10.0, size: int = 4) -> Live:
    return Live(Stored(id_, service, "POST /x", "k", 0.0, 100.0, due=due, size=size))


@pytest.mark.parametrize(
    ("what", "terms", "service", "full"),
    [
        ("room", Terms(), "svc", False),
        ("as many as may be", Terms(open_at_most=2), "other", True),
        ("one less", Terms(open_at_most=3), "other", False),
        ("as many of a service", Terms(of_service_at_most=2), "svc", True),
        ("none of another", Terms(of_service_at_most=2), "other", False),
        ("as many bytes", Terms(bytes_at_most=8), "other", True),
        ("one byte less", Terms(bytes_at_most=9), "other", False),
    ],
)
def test_when_there_is_no_room(what: str, terms: Terms, service: str, full: bool) -> None:  # noqa: FBT001 - a row of the table
    alive = Alive()
    assert not alive.is_full(service, terms)
    for name in ("a", "b"):
        alive.add(a_live(name))
    assert alive.is_full(service, terms) == full, what
    alive.remove(alive.get("a") or a_live())
    assert not alive.is_full(service, terms)


def test_what_is_due_comes_once_at_its_last_due_time() -> None:
    alive, live = Alive(), a_live(due=10.0)
    alive.add(live)
    alive.stand(live, replace(live.standing, due=20.0))
    assert list(alive.due(19.9)) == []
    assert list(alive.due(20.0)) == [live]
    assert list(alive.due(99.0)) == []
    alive.remind(live)
    live.ending = True
    assert list(alive.due(99.0)) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(1, 9), st.integers(0, 9)), max_size=40))
def test_what_is_gone_leaves_nothing(life: list[tuple[int, float, int]]) -> None:
    alive = Alive()
    for number, due, size in life:
        known = alive.get(str(number))
        if known is None:
            alive.add(a_live(str(number), due=due, size=size))
        elif size % 2:
            alive.remove(known)
        else:
            alive.stand(known, replace(known.standing, due=due))
    assert {live.standing.id for live in alive.due(10.0)} <= {live.standing.id for live in alive}
    for live in list(alive):
        alive.remove(live)
    assert (len(alive), alive._bytes, alive._of_service.total()) == (0, 0, 0)
