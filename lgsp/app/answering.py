"""The answering half: connectors, what they were told, and who looks after their faults."""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from lgsp.bus.memory import MemoryBus
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.capture.formats import Report, load
from lgsp.catalogue.service import Catalogue, Operation, Service
from lgsp.clock import Clock
from lgsp.errors import SettingsError
from lgsp.fault import Kind
from lgsp.forwarding.post import REACH, HttpPost
from lgsp.forwarding.signed import SignedPost
from lgsp.model import Reply, Tap
from lgsp.runtime.behaviours.errors import failures
from lgsp.runtime.faults import Faults
from lgsp.runtime.follows import Follows
from lgsp.runtime.host import Host
from lgsp.runtime.provider import Upstreams
from lgsp.runtime.recorded import OnMiss, Recorded
from lgsp.runtime.state import States
from lgsp.runtime.ward import Ward
from lgsp.settings import Settings, environment
from lgsp.taps.answering import ConnectorMetrics, FaultMetrics, UpstreamMetrics
from lgsp.taps.metrics import ProcessMetrics

DRAIN = 20.0
"""Seconds within which what was begun has to end once the process goes down; the rest goes to a sibling."""
STAND_INS = "stand-ins.sqlite"
"""What stand-ins were told, below the state directory."""


def upstreams_of(settings: Settings, clock: Clock, process: ProcessMetrics, spied: Sequence[Tap] = ()) -> Upstreams:
    """Where real providers are reached, as far as this process may; `spied` see what a `spy` service hears."""
    metrics = UpstreamMetrics(process)
    return Upstreams(
        clock,
        metrics,
        [metrics, *spied],
        seed=settings.seed,
        allowed=settings.reach,
        environment=environment(),
        directory=settings.config,
    )


@asynccontextmanager
async def follows_of(settings: Settings, clock: Clock, metrics: ConnectorMetrics) -> AsyncIterator[Follows]:
    """What sends what follows an answer, to hosts that this process may reach."""
    async with HttpPost(settings.reach, REACH) as post:
        send = SignedPost(post, settings.config, clock)
        async with Follows(send, post.refusal, clock, metrics, seed=settings.seed) as follows:
            yield follows


def answering_of(
    settings: Settings,
    bus: MemoryBus | RabbitBus,
    catalogue: Catalogue,
    clock: Clock,
    process: ProcessMetrics,
    metrics: ConnectorMetrics,
    states: States,
    upstreams: Upstreams,
    *,
    crash: Callable[[], None] | None = None,
    taps: Sequence[Tap] = (),
    recorded: Recorded | None = None,
    follows: Follows | None = None,
) -> tuple[Host, Ward]:
    """The answering half, and who looks after its faults. Without `crash` the process does more than answer, and stays."""
    faults = Faults(settings.seed)
    host = Host(
        bus,
        catalogue,
        clock,
        metrics,
        states,
        upstreams,
        seed=settings.seed,
        calm=settings.calm,
        faults=faults,
        taps=taps,
        recorded=recorded,
        follows=follows,
    )
    watch = FaultMetrics(process, host.serves, list(Kind))
    return host, Ward(faults, bus, clock, watch, host.serves, crash, clock.now())


def failures_of(service: Service, operation: Operation) -> list[Reply] | None:
    """What the stand-in of a service says when it fails; `None` where a real provider or somebody's own module does."""
    if service.mode != "simulate" or not (service.connector or "connectors.").startswith("connectors."):
        return None
    return failures(service.id, operation, importlib.import_module(service.connector) if service.connector else None)


def recorded_of(capture: Path, catalogue: Catalogue, on_miss: OnMiss) -> Recorded:
    """The replies of a capture of any format. Raises `CaptureError`, and `SettingsError` where nothing in it can answer."""
    recorded = Recorded(load(capture, Report()), catalogue, on_miss)
    if not recorded:
        raise SettingsError(
            f"{capture}: no whole reply of a service in this configuration: paths begin with a service's context"
        )
    return recorded


def crash() -> None:
    """What a crash is: nothing is finished, nothing is said."""
    os._exit(70)
