from __future__ import annotations

import pytest

from lgsp.catalogue.force import Force, parse_force
from lgsp.errors import MalformedRequest
from lgsp.model import Outcome


@pytest.mark.parametrize(
    ("text", "force"),
    [
        ("outcome=timeout, delay=2s", Force(Outcome.TIMEOUT, 2.0)),
        ("delay=150ms,outcome=ok", Force(Outcome.OK, 0.15)),
        (" outcome = bus_error ", Force(Outcome.BUS_ERROR)),
    ],
)
def test_an_outcome_and_a_delay_in_any_order(text: str, force: Force) -> None:
    assert parse_force(text) == force


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_can_be_chosen(outcome: Outcome) -> None:
    assert parse_force(f"outcome={outcome}") == Force(outcome)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is none of outcome=..., delay=..."),
        ("timeout", "'timeout' is none of outcome=..., delay=..."),
        ("outcome=late", "the outcome is one of ok, business_fault"),
        ("delay=2s", "the outcome is one of ok, business_fault"),
        ("outcome=ok, outcome=timeout", "'outcome=timeout' is none of"),
        ("outcome=ok, delay=2", "a duration needs its unit"),
        ("outcome=ok, delay=-2s", "is no duration"),
        ("outcome=ok, delay=11m", "a delay of more than 600 s is refused"),
    ],
)
def test_what_cannot_be_read_is_told_what_to_write(text: str, says: str) -> None:
    with pytest.raises(MalformedRequest) as error:
        parse_force(text)
    assert says in str(error.value)
