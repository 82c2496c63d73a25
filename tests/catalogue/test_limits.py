from __future__ import annotations

import pytest

from lgsp.breaker import USUAL, Terms
from lgsp.catalogue.effective import effective
from lgsp.catalogue.parse import parse_services
from lgsp.catalogue.service import Service
from lgsp.catalogue.source import Source
from lgsp.errors import CatalogueError


def a_file(lines: str) -> Source:
    return Source("services.yaml", f"svc:\n  title: T\n  operations: [GET /x]\n{lines}".encode())


def read(lines: str) -> Service:
    return parse_services([a_file(lines)], has_module=lambda _: False)["svc"]


def test_there_are_limits_without_a_word() -> None:
    assert (read("").in_flight, read("").breaker) == (500, Terms())


def test_what_is_given_is_in_force_and_the_rest_as_usual() -> None:
    made = read("  in_flight: 20\n  breaker: {failures: 3, share: 90%, calls: 40, pause: 2s}\n")
    assert made.in_flight == 20
    assert made.breaker == Terms(failures=3, share=0.9, calls=40, pause=2.0, longest_pause=USUAL.longest_pause)


def test_a_long_first_pause_is_the_longest() -> None:
    assert read("  breaker: {pause: 2m}\n").breaker == Terms(pause=120.0, longest_pause=120.0)


def test_a_service_may_always_be_asked() -> None:
    assert read("  breaker: none\n").breaker is None


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("  in_flight: 0\n", "a whole number, 1 or more"),
        ("  in_flight: 1.5\n", "a whole number, 1 or more"),
        ("  in_flight: many\n", "'many' is no number"),
        ("  breaker: never\n", "or `none`"),
        ("  breaker: {failures: 0}\n", "a whole number, 1 or more"),
        ("  breaker: {pause: 0s}\n", "a pause lies above 0 s"),
        ("  breaker: {pause: 5}\n", "5s?"),
        ("  breaker: {pause: 9s, longest_pause: 8s}\n", "no shorter than the first"),
        ("  breaker: {failure: 3}\n", "did you mean 'failures'?"),
        ("  breaker: {share: 101%}\n", "more than 100%"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(lines: str, says: str) -> None:
    with pytest.raises(CatalogueError, match=r"services\.yaml:4:") as caught:
        read(lines)
    assert says in str(caught.value)


def test_they_are_shown_as_they_are_in_force() -> None:
    lines = "  in_flight: 20\n"
    found = {value.key: value for value in effective(read(lines), a_file(lines))}
    assert (found["in_flight"].value, found["in_flight"].origin) == ("20", "services.yaml:4")
    assert (found["breaker"].value, found["breaker"].origin) == (
        "5 failures running, or 50% of 20; 5s to 60s",
        "default",
    )
