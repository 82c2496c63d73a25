from __future__ import annotations

import pytest
from builders import a_service
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.consumer import Consumer
from lgsp.edge.admission import CONSUMER, MEMORY, SERVICE, WHOLE, Full, Room
from lgsp.model import Outcome

DESK, OTHER = Consumer(id="desk", in_flight=2), Consumer(id="other", in_flight=2)
SLOW, QUICK = a_service("slow", in_flight=3), a_service("quick", in_flight=3)


@pytest.mark.parametrize(
    ("what", "inside", "desk", "other"),
    [
        ("none", [], None, None),
        ("one", [("slow", "desk")], None, None),
        ("a consumer's part", [("slow", "desk")] * 2, CONSUMER, None),
        ("a service's part", [("slow", "desk"), ("slow", "third"), ("slow", "third")], SERVICE, SERVICE),
        ("everything", [("quick", "third")] * 4, WHOLE, WHOLE),
    ],
)
def test_who_comes_in_to_the_slow_service(
    what: str, inside: list[tuple[str, str]], desk: Full | None, other: Full | None
) -> None:
    room = Room(calls_at_most=4, bytes_at_most=100)
    for service, consumer in inside:
        room.enter(service, consumer)
    assert (room.full(SLOW, DESK), room.full(SLOW, OTHER)) == (desk, other), what


def test_a_full_service_leaves_room_for_another() -> None:
    room = Room(calls_at_most=10, bytes_at_most=100)
    for number in range(3):
        room.enter("slow", f"c{number}")
    assert (room.full(SLOW, DESK), room.full(QUICK, DESK)) == (SERVICE, None)


def test_bytes_count_as_calls_do() -> None:
    room = Room(calls_at_most=10, bytes_at_most=100)
    room.hold("desk", 25)
    assert (room.full(SLOW, DESK), room.full(SLOW, OTHER)) == (None, None)
    room.hold("desk", 1)
    assert (room.full(SLOW, DESK), room.full(SLOW, OTHER)) == (CONSUMER, None)
    room.hold("third", 75)
    assert room.full(SLOW, OTHER) is MEMORY
    room.hold("third", -75)
    room.hold("desk", -26)
    assert room == Room(calls_at_most=10, bytes_at_most=100)


def test_what_is_ours_is_no_caller_s_doing() -> None:
    assert {each.outcome for each in (WHOLE, MEMORY, SERVICE)} == {Outcome.BUS_ERROR}
    assert (CONSUMER.outcome, CONSUMER.shed) == (Outcome.REJECTED, "quota")


@given(st.lists(st.tuples(st.sampled_from([SLOW, QUICK]), st.sampled_from([DESK, OTHER]), st.booleans())))
def test_nothing_is_over_its_limit_and_nothing_is_kept_of_what_left(life: list[tuple[object, object, bool]]) -> None:
    room = Room(calls_at_most=3, bytes_at_most=1)
    inside: list[tuple[str, str]] = []
    for service, consumer, leaves in life:
        if leaves and inside:
            room.leave(*inside.pop(0))
        elif room.full(service, consumer) is None:  # type: ignore[arg-type]  # drawn from the two above
            inside.append((service.id, consumer.id))  # type: ignore[attr-defined]
            room.enter(*inside[-1])
        assert room.calls == len(inside) <= 3
        assert all(count <= 2 for count in room.of_consumer.values())
    for each in inside:
        room.leave(*each)
    assert room == Room(calls_at_most=3, bytes_at_most=1)
