from __future__ import annotations

from collections import Counter

import pytest
from builders import shipped

from lgsp.traffic.driver import Mix
from lgsp.traffic.load.mix import Call, of_examples, of_recorded


def a_call(name: str) -> Call:
    return Call("svc", "GET /a", "GET", f"/svc/{name}", {"accept": "text/plain"}, b"", 7.0)


def test_an_example_is_asked_where_its_service_is_with_its_number_as_key() -> None:
    catalogue = shipped()
    pick = of_examples(Mix(catalogue, 7), catalogue)
    for number in range(200):
        call = pick(number)
        assert call == pick(number)
        assert call is not None
        service = catalogue.find(call.service)
        assert call.target.startswith(service.context)
        assert service.operations[call.operation].method == call.method
        assert (call.headers["x-lgsp-key"], call.timeout) == (str(number), service.timeout + 5)


@pytest.mark.parametrize("seed", [None, 7])
def test_of_nothing_recorded_nothing_is_asked(seed: int | None) -> None:
    assert of_recorded((), seed)(0) is None


def test_what_was_recorded_is_asked_in_its_order_again_and_again() -> None:
    pick = of_recorded([a_call("one"), a_call("two")], None)
    asked = [pick(number) for number in range(5)]
    assert [call.target for call in asked if call] == ["/svc/one", "/svc/two", "/svc/one", "/svc/two", "/svc/one"]
    assert [call.headers for call in asked if call] == [
        {"accept": "text/plain", "x-lgsp-key": str(n)} for n in range(5)
    ]


def test_by_chance_a_call_is_asked_as_often_as_it_was_recorded_and_the_same_for_the_same_seed() -> None:
    recorded = [*[a_call("often")] * 9, a_call("seldom")]
    asked = [call.target for call in map(of_recorded(recorded, 7), range(10_000)) if call]
    assert Counter(asked)["/svc/often"] == pytest.approx(9_000, abs=120)
    assert asked == [call.target for call in map(of_recorded(recorded, 7), range(10_000)) if call]
    assert asked != [call.target for call in map(of_recorded(recorded, 8), range(10_000)) if call]
