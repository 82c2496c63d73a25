"""How long calls took, as a distribution: the part of all calls that is over after so many seconds."""

from __future__ import annotations

from lgsp.catalogue.law import below
from lgsp.catalogue.service import Service
from lgsp.model import Outcome


def over_by(service: Service, outcome: Outcome, seconds: float) -> float:
    """The part (0 to 1) of a service's calls with this outcome that took at most `seconds`.

    A call that nobody answers ends with the service's timeout, and nothing takes longer than that.
    """
    if seconds >= service.timeout:
        return 1.0
    if outcome is Outcome.TIMEOUT:
        return 0.0
    return below(service.latency, seconds) if service.latency else 1.0
