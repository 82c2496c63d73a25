"""Connectors on a broker."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Collection
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from lgsp.app.answering import DRAIN, STAND_INS, answering_of, crash, follows_of, recorded_of, upstreams_of
from lgsp.app.broker import url_of
from lgsp.app.door import door_of
from lgsp.app.process import check, measure_lag, until_stopped, watcher_of
from lgsp.app.recording import CAPTURES, keep_to_retention, recorder_of
from lgsp.bus.control import RabbitControl
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.capture.record import CONNECTOR, UPSTREAM
from lgsp.catalogue.live import Live, Plan
from lgsp.catalogue.service import Catalogue
from lgsp.clock import SystemClock
from lgsp.edge.audit import Audit
from lgsp.edge.recording import Recordings
from lgsp.runtime.recorded import OnMiss
from lgsp.runtime.state import States
from lgsp.settings import Settings
from lgsp.taps.answering import ConnectorMetrics
from lgsp.taps.metrics import ProcessMetrics

log = structlog.get_logger()


async def connectors(
    settings: Settings, *, only: Collection[str], capture: Path | None = None, on_miss: OnMiss = "fail"
) -> None:
    """Connectors on a broker: all services, or the ones named; with a `capture` they say what was said there."""
    check(settings)
    clock = SystemClock()
    process = ProcessMetrics(importlib.metadata.version("lgsp"), "rabbitmq")
    audit = Audit(clock)
    watcher = watcher_of(settings, clock, process)
    catalogue = watcher.first()
    recorded = None if capture is None else recorded_of(capture, catalogue, on_miss)
    if recorded is not None:
        log.info("answers were recorded", capture=str(capture), replies=len(recorded), skipped=recorded.skipped)
    async with AsyncExitStack() as stack:
        metrics = ConnectorMetrics(process, catalogue, settings.prefetch, only)
        recorder = recorder_of(settings, catalogue, clock, process)
        upstreams = await stack.enter_async_context(upstreams_of(settings, clock, process, [recorder.tap(UPSTREAM)]))
        # A file even without --keep: another connectors process of this machine may get the next request.
        states = await stack.enter_async_context(
            States(clock, settings.state / STAND_INS, keep=settings.keep, dropped=metrics.state_dropped)
        )
        follows = await stack.enter_async_context(follows_of(settings, clock, metrics))
        bus = RabbitBus(
            url_of(settings), settings.name, clock, metrics, asks=False, prefetch=settings.prefetch, drain=DRAIN
        )
        await stack.enter_async_context(bus)
        host, ward = answering_of(
            settings,
            bus,
            catalogue,
            clock,
            process,
            metrics,
            states,
            upstreams,
            crash=crash,
            taps=[recorder.tap(CONNECTOR)],
            recorded=recorded,
            follows=follows,
        )
        await host.serve(only)
        control = await stack.enter_async_context(RabbitControl(url_of(settings), f"{settings.name}.{os.getpid()}"))
        await control.hear(ward.heard)
        recordings = Recordings(recorder, clock, settings.capture_days)
        admin = await stack.enter_async_context(
            door_of(settings, process, bus.problems, watcher.notes, clock, audit, recordings.routes())
        )

        async def ready(new: Catalogue, _: Plan) -> None:
            await host.follow(new)

        live = Live(catalogue, [host, metrics], ready)
        said = {"name": settings.name, "admin": admin.url, "services": len(only) or len(catalogue)}
        jobs = [measure_lag(process), watcher.run(live.take), host.tend(), ward.run(), recorder.run(), audit.run()]
        jobs.append(keep_to_retention(settings.state / CAPTURES, settings.capture_days, clock, None))
        await until_stopped(jobs, lambda: log.info("connectors ready", **said))
