"""What every process does: logs, files that change, an end in order."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import importlib.util
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import structlog
import uvloop

from lgsp.app.broker import CONNECTORS
from lgsp.catalogue.live import FILES
from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Catalogue
from lgsp.catalogue.watch import Watcher
from lgsp.clock import Clock
from lgsp.errors import CatalogueError
from lgsp.runtime.host import check_ours
from lgsp.settings import Settings, refuse_open_by_accident
from lgsp.taps.metrics import ProcessMetrics

log = structlog.get_logger()
_LAG_EVERY = 0.1
_FILES = 65_536
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def run(process: Coroutine[Any, Any, None], *, quiet: bool = False) -> None:
    """Run a process to its end on uvloop, with logs as JSON lines on stderr, or coloured where that is a terminal.

    `quiet`: errors only, where something else is told.
    """
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR if quiet else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _give_large_blocks_back()
    uvloop.run(process)


def _give_large_blocks_back() -> None:
    """Have glibc return blocks above 1 MiB at once. Left alone it keeps the 16 MiB of each thread that hashed a secret."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 1 << 20)
        mallopt(_M_TRIM_THRESHOLD, 4 << 20)


def files_at_most() -> int:
    """How many files this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _FILES if soft == resource.RLIM_INFINITY else soft


def check(settings: Settings) -> None:
    """Refuse to start where that would be a mistake. Raises `SettingsError` or `CatalogueError`."""
    plain = {"the admin port": settings.admin} | ({} if settings.tls else {"the gateway": settings.listen})
    plain |= {"the metrics port": settings.metrics} if settings.metrics else {}
    refuse_open_by_accident(plain, is_open=settings.open)
    found = importlib.util.find_spec(CONNECTORS)
    if found is not None and found.origin is not None:
        check_ours(Path(found.origin).parent, Path(__file__).parents[1])
        problems = importlib.import_module(CONNECTORS).prepare(settings.config)
        if problems:
            raise CatalogueError(problems)
    if settings.open:
        log.warning("open: listening beyond loopback without TLS", listen=str(settings.listen))


def watcher_of(settings: Settings, clock: Clock, process: ProcessMetrics) -> Watcher[Catalogue]:
    """What reads the services, and reads them again when a file of theirs changes."""
    return Watcher("services", settings.config, FILES, read_catalogue, clock, process.reloaded)


async def measure_lag(process: ProcessMetrics) -> None:
    """Observe how late the event loop runs its timers, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LAG_EVERY
        await asyncio.sleep(_LAG_EVERY)
        process.loop_lag.observe(max(0.0, loop.time() - due))


def spare_the_collector() -> None:
    """Take what the start made out of the collector's sight, and let it look at the rest less often.

    A call leaves no cycles, but its records are many enough that Python looked for some every few calls: a twelfth of
    a gateway's time. What a reload replaces of the start is freed by its count; a cycle in it would stay, once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


async def until_stopped(
    jobs: list[Coroutine[Any, Any, None]],
    ready: Callable[[], None],
    seconds: float | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run the jobs until a signal comes or the time is over; a second signal ends the process at once.

    `ready` says that the process is up: from then on a signal ends it in order. With `stop`, that alone ends it: it is
    a guest in somebody's process, whose signals and whose collector are not ours.
    """
    if stop is None:
        stop = _signalled()
        spare_the_collector()
    ready()
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(job) for job in jobs]
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            pass
        for task in running:
            task.cancel()


def _signalled() -> asyncio.Event:
    """What the first signal sets; a second ends the process."""
    stop = asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)
    return stop
