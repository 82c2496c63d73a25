"""What makes a stand-in lifelike; the one list of what there is, outermost first."""

from __future__ import annotations

from collections.abc import Iterator

from lgsp.catalogue.service import Operation, Service
from lgsp.clock import Clock
from lgsp.runtime.behaviours.capacity import CapacityBehaviour
from lgsp.runtime.behaviours.errors import ErrorsBehaviour
from lgsp.runtime.behaviours.forced import ForcedBehaviour
from lgsp.runtime.behaviours.latency import LatencyBehaviour
from lgsp.runtime.behaviours.manner import MannerBehaviour
from lgsp.runtime.behaviours.marked import MarkedBehaviour
from lgsp.runtime.behaviours.recorded import RecordedBehaviour
from lgsp.runtime.behaviours.upstream import UpstreamBehaviour
from lgsp.runtime.connector import Behaviour, Connector, Marker, Stateful
from lgsp.runtime.hours import Hours, steady
from lgsp.runtime.provider import Upstreams
from lgsp.runtime.recorded import Recorded


def behaviours_of(
    service: Service,
    operation: Operation,
    connector: Connector | Stateful,
    clock: Clock,
    seed: int,
    upstreams: Upstreams,
    capacity: CapacityBehaviour | None,
    recorded: Recorded | None = None,
) -> Iterator[Behaviour]:
    """The behaviours of one operation; its own blocks replace the service's. `capacity` is shared by all of them.

    `recorded` answers before all of it what it can.
    A real provider is as slow and as faulty as it is: nothing is simulated around it. Raises `CatalogueError` for an
    upstream that cannot be used.
    """
    yield ForcedBehaviour(operation, connector, clock)
    if recorded:
        yield RecordedBehaviour(recorded, clock)
    asks_on = recorded is not None and recorded.on_miss == "upstream"
    if asks_on or service.mode in {"proxy", "spy"}:
        yield UpstreamBehaviour(upstreams.of(service), operation, upstreams, spies=service.mode == "spy")
        return
    latency = operation.latency or service.latency
    errors = operation.errors or service.errors
    hours = Hours(service.profile, service.zone, clock)
    slower, worse = (hours.latency, hours.errors) if service.profile else (steady, steady)
    if capacity:
        yield capacity
    if latency:
        yield LatencyBehaviour(service.id, latency, clock, seed, slower)
    if isinstance(connector, Marker):
        yield MarkedBehaviour(service.id, connector)
    if errors and errors.rates:
        yield ErrorsBehaviour(service.id, errors, seed, connector, worse)
    if operation.replies:
        yield MannerBehaviour(service.id, clock)
