"""How one request shall end, as a consumer with `may_force` writes it: `outcome=timeout, delay=2s`."""

from __future__ import annotations

from dataclasses import dataclass

from lgsp.catalogue.units import parse_duration
from lgsp.errors import MalformedRequest
from lgsp.model import Outcome

LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class Force:
    """The outcome that a tester chose, and how many seconds to wait before it."""

    outcome: Outcome
    delay: float = 0.0


def parse_force(text: str) -> Force:
    """What the text asks for. Raises `MalformedRequest` in words that say what to write."""
    given: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = (side.strip() for side in part.partition("="))
        if name not in {"outcome", "delay"} or name in given or not value:
            raise MalformedRequest(
                f"{part.strip()!r} is none of outcome=..., delay=...: write outcome=timeout, delay=2s"
            )
        given[name] = value
    if given.get("outcome") not in set(Outcome):
        raise MalformedRequest(f"the outcome is one of {', '.join(Outcome)}: write outcome=timeout, delay=2s")
    try:
        delay = parse_duration(given.get("delay", "0s"))
    except ValueError as error:
        raise MalformedRequest(str(error)) from error
    if delay > LONGEST:
        raise MalformedRequest(f"a delay of more than {LONGEST:g} s is refused")
    return Force(Outcome(given["outcome"]), delay)
