"""A load: a caller, its calls and their account, with metrics of its own."""

from __future__ import annotations

import asyncio
import importlib.metadata
import signal
import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import uvloop

from lgsp.app.door import door_of
from lgsp.app.process import measure_lag
from lgsp.catalogue.service import Catalogue
from lgsp.chance import draw
from lgsp.clock import Clock, SystemClock
from lgsp.edge.audit import Audit
from lgsp.errors import DeliveryError
from lgsp.model import Outcome
from lgsp.settings import Settings
from lgsp.taps.load import LoadMetrics
from lgsp.taps.metrics import ProcessMetrics
from lgsp.traffic.caller import Caller, Credentials
from lgsp.traffic.driver import Mix
from lgsp.traffic.load.account import Account, Sent
from lgsp.traffic.load.arrivals import Arrivals, Traced
from lgsp.traffic.load.generator import Done, Generator, Send
from lgsp.traffic.load.limits import Limit
from lgsp.traffic.load.mix import Call, Pick, of_examples, of_recorded

_ENOUGH = 100
"""Calls that have to be judged before a promise that is broken ends a run early."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked: at moments (`arrivals`), or by `users` who think for `think` seconds (on average, if `by_chance`).

    The catalogue's examples, of the services in `only` if there are some; or `recorded` calls, by chance or `in_order`.
    """

    url: str
    seconds: float
    seed: int
    arrivals: Arrivals | Traced | None = None
    users: int = 0
    think: float = 0.0
    by_chance: bool = False
    warm_up: float = 0.0
    cool_down: float = 0.0
    max_in_flight: int = 1_000
    only: tuple[str, ...] = ()
    recorded: tuple[Call, ...] = ()
    in_order: bool = False
    credentials: Credentials | None = None
    trust: ssl.SSLContext | None = None


@dataclass(slots=True)
class Run:
    """A run as it stands, for whoever watches it; `aborted` names the promise that ended it early."""

    account: Account
    generator: Generator
    aborted: Limit | None = None
    interrupted: bool = False


def run(
    settings: Settings,
    catalogue: Catalogue,
    plan: Plan,
    limits: Sequence[Limit],
    *,
    abort: bool,
    watch: Callable[[Run], None],
) -> Run:
    """Run a plan to its end; `watch` is called once a second. With `abort` the first promise that is broken ends it.

    Raises `SettingsError` where there is no token, `DeliveryError` where nobody gives one.
    """
    return uvloop.run(_run(settings, catalogue, plan, limits, abort=abort, watch=watch))


async def _run(
    settings: Settings,
    catalogue: Catalogue,
    plan: Plan,
    limits: Sequence[Limit],
    *,
    abort: bool,
    watch: Callable[[Run], None],
) -> Run:
    clock = SystemClock()
    services, pick = _mix_of(plan, catalogue)
    process = ProcessMetrics(importlib.metadata.version("lgsp"), None)
    audit = Audit(clock)
    metrics = LoadMetrics(process, services)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(door_of(settings, process, list, list, clock, audit))
        caller = await stack.enter_async_context(
            Caller(plan.url, clock, credentials=plan.credentials, trust=plan.trust)
        )
        await caller.begin()
        send = calls_of(caller, pick)
        account = Account(clock.now(), plan.seconds, warm_up=plan.warm_up, cool_down=plan.cool_down)
        last_lag = 0.0

        def saw(call: Sent) -> None:
            nonlocal last_lag
            last_lag = call.lag
            metrics.ended(call.service, call.outcome, call.response)

        generator = Generator(send, account, clock, max_in_flight=plan.max_in_flight, watch=saw)
        stands = Run(account, generator)

        def look() -> None:
            rate = plan.arrivals.rate(clock.now() - account.start) if plan.arrivals else 0.0
            metrics.stands(rate=rate, lag=last_lag, users=plan.users)
            if abort and account.whole.n >= _ENOUGH:
                stands.aborted = next((limit for limit in limits if not limit.holds(account)), None)
                if stands.aborted:
                    generator.stop()
            watch(stands)

        def interrupted() -> None:
            stands.interrupted = True
            generator.stop()

        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted)
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(measure_lag(process)), tasks.create_task(_each_second(clock, look))]
            beside.append(tasks.create_task(audit.run()))
            if plan.arrivals is not None:
                await generator.open(plan.arrivals)
            else:
                await generator.closed(plan.users, _thinking(plan))
            for task in beside:
                task.cancel()
        watch(stands)
        return stands


def _mix_of(plan: Plan, catalogue: Catalogue) -> tuple[list[str], Pick]:
    """The services that are asked, and which call is number n."""
    if plan.recorded:
        names = sorted({call.service for call in plan.recorded})
        return names, of_recorded(plan.recorded, None if plan.in_order else plan.seed)
    services = [service for service in catalogue if not plan.only or service.id in plan.only]
    return [service.id for service in services], of_examples(Mix(services, plan.seed), catalogue)


def calls_of(caller: Caller, pick: Pick) -> Send:
    """The calls of a mix, by number. Raises only for a token."""

    async def send(number: int) -> Done | None:
        call = pick(number)
        if call is None:
            return Done("", "", Outcome.REJECTED)
        try:
            answer = await caller.ask(
                call.method, call.target, headers=call.headers, body=call.body, timeout=call.timeout
            )
        except DeliveryError as error:
            return Done(call.service, call.operation, Outcome(error.code))
        return Done(call.service, call.operation, answer.outcome)

    return send


def _thinking(plan: Plan) -> Callable[[int], float]:
    def think(number: int) -> float:
        return plan.think * (2 * draw(plan.seed, "", "", "think", str(number)) if plan.by_chance else 1.0)

    return think


async def _each_second(clock: Clock, look: Callable[[], None]) -> None:
    while True:
        await clock.sleep(1.0)
        look()
