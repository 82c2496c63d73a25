"""One chaos run: traffic, faults, peace, and then the witnesses are heard.

python tests/chaos/run.py quick | ci | long | ended | cluster  [--seed N] [--faults N]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pickle
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import books
import faults
from caller import Broken, Caller, watch_for_stalls
from checker import Execution, Pause, Verdict, Witnesses, judge, table
from cluster import Cluster, why_not
from follow import requeue
from plan import Plan, plan
from rig import BUDGET, GATEWAYS, SERVICES, Rig, a_cluster
from scrape import Scrape
from traffic import Story, Traffic, probe

_EMPTY = 20.0
_ONE_LOOK = 0.5
_LOOKS, _LONG = 0.25, 0.05
Look = Callable[[Rig], Awaitable[None]]
Beside = Callable[[Rig, Story], Coroutine[None, None, None]]


@dataclass
class Result:
    """What a run showed."""

    seen: Witnesses
    verdict: Verdict
    story: Story
    seconds: float

    def first_ok(self) -> list[float]:
        """For each return of the broker: seconds until a request that was sent from then on was `ok`."""
        return [min(self._oks_after(back), default=float("inf")) for back in self.story.broker_back]

    def all_services(self) -> list[float]:
        """For each return of the broker: seconds until every service had answered a request that was sent from then on."""
        found = []
        for back in self.story.broker_back:
            first: dict[str, float] = {}
            for each in self.seen.calls:
                if each.outcome == "ok" and each.began >= back:
                    first[each.service] = min(first.get(each.service, float("inf")), each.ended - back)
            found.append(max(first.get(service, float("inf")) for service in SERVICES))
        return found

    def _oks_after(self, back: float) -> list[float]:
        return [each.ended - back for each in self.seen.calls if each.outcome == "ok" and each.began >= back]


async def execute(
    rig: Rig,
    plan: Plan,
    *,
    warm: Plan | None = None,
    before: Look | None = None,
    after: Look | None = None,
    beside: Beside | None = None,
) -> Result:
    """Run a plan on a rig that is up; the rig's gateways and connectors have ended when it returns.

    `before` looks at the rig at rest, after the traffic of `warm`; `after` at rest again; `beside` runs with the traffic.
    """
    began = time.monotonic()
    story, caller = Story(), Caller()
    done = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        traffic = Traffic(rig, caller, story)
        keepers = [
            tasks.create_task(watch_for_stalls(story.pauses.append)),
            tasks.create_task(_scrape_on(rig, caller, story)),
            tasks.create_task(_watch_for_starvation(rig, story)),
            tasks.create_task(traffic.follower.run()),
        ]
        if warm is not None:
            at_once = asyncio.Event()
            at_once.set()
            await traffic.run(warm, at_once)
        if before is not None:
            await _settle(rig, caller, story, plan.rest)
            await _look(rig, caller, before)
        if beside is not None:
            keepers.append(tasks.create_task(beside(rig, story)))
        calling = tasks.create_task(traffic.run(plan, done))
        await _nemesis(rig, plan, story)
        done.set()
        await calling
        await probe(traffic, story)
        at_rest = await _settle(rig, caller, story, plan.rest)
        await traffic.follower.finish(plan.rest if at_rest else _ONE_LOOK)
        await _send_once_more(rig, caller, story)
        await _settle(rig, caller, story, plan.rest if at_rest else _ONE_LOOK)
        if after is not None:
            await _look(rig, caller, after)
        queues = await _queues_at_rest(rig)
        for keeper in keepers:
            keeper.cancel()
    caller.close()
    for part in rig.parts.values():
        await asyncio.to_thread(part.terminate)
        story.exits += part.exits
    seen = _hear(rig, story, queues)
    seen.ends = traffic.follower.ends
    return Result(seen, judge(seen), story, time.monotonic() - began)


async def _nemesis(rig: Rig, plan: Plan, story: Story) -> None:
    origin = time.monotonic()
    await asyncio.sleep(2)
    for number, fault in enumerate(plan.faults):
        if plan.every:
            await asyncio.sleep(max(origin + number * plan.every + plan.every / 2 - time.monotonic(), 0))
        began = time.monotonic()
        await faults.inflict(rig, fault, story.pauses.append)
        ended = time.monotonic()
        story.inflicted.append((began - origin, ended - origin, fault))
        if fault.kind in {"broker killed", "broker restarted"}:
            story.broker_back.append(ended)
        print(f"{began - origin:7.1f} s  {fault.kind:<20}{fault.target:<10}{ended - began:5.1f} s", file=sys.stderr)
        await asyncio.sleep(fault.rest)


async def _watch_for_starvation(rig: Rig, story: Story) -> None:
    """Note when a gateway was ready to run and had no core: a busy machine says nothing about lgsp either."""
    before: dict[str, tuple[int, float]] = {}
    while True:
        now = time.monotonic()
        for name in GATEWAYS:
            pid, starved = rig.parts[name].starved()
            pid_before, starved_before = before.get(name, (0, 0.0))
            if pid == pid_before and starved - starved_before > _LONG:
                story.pauses.append(Pause(name, now - min(starved - starved_before, _LOOKS), now))
            before[name] = pid, starved
        await asyncio.sleep(_LOOKS)


async def _scrape_on(rig: Rig, caller: Caller, story: Story) -> None:
    """Every second, and at every scrape the account must hold."""
    while True:
        await asyncio.sleep(1)
        for gateway in GATEWAYS:
            await _scrape(rig, caller, story, gateway)


async def _scrape(rig: Rig, caller: Caller, story: Story, gateway: str) -> Scrape | None:
    try:
        async with asyncio.timeout(10):
            _, _, body = await caller.ask("GET", f"{rig.parts[gateway].admin}/metrics", {})
    except (Broken, TimeoutError):
        return None  # killed or frozen: nothing was said
    found = Scrape.of(body.decode())
    story.scrapes += 1
    story.complaints += [f"{gateway}: {complaint}" for complaint in found.complaints(story.last.get(gateway))]
    story.last[gateway] = found
    return found


async def _settle(rig: Rig, caller: Caller, story: Story, seconds: float) -> bool:
    """Wait until nothing is open, or too long; whether it is so."""
    end = time.monotonic() + seconds
    for gateway in GATEWAYS:
        while True:
            found = await _scrape(rig, caller, story, gateway)
            if found is not None and not found.still_open.total():
                break
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.2)
    return True


async def _send_once_more(rig: Rig, caller: Caller, story: Story) -> None:
    """What is parked."""
    for gateway in GATEWAYS:
        parked = story.last.get(gateway, Scrape()).parked
        made, complaints = await requeue(caller, rig.parts[gateway], parked)
        story.requeued |= made
        story.complaints += complaints


async def _look(rig: Rig, caller: Caller, look: Look) -> None:
    """With no connection of ours open; a second for the other side to see it."""
    caller.close()
    await asyncio.sleep(1)
    await look(rig)


async def _queues_at_rest(rig: Rig) -> dict[str, int]:
    """What is left on the broker when what nobody waits for any more has expired."""
    end = time.monotonic() + _EMPTY
    while True:
        queues = await rig.queues()
        if not sum(queues.values()) or time.monotonic() > end:
            return queues
        await asyncio.sleep(0.5)


def _hear(rig: Rig, story: Story, queues: dict[str, int]) -> Witnesses:
    """Bring together what each of them says; gateways and connectors have ended."""
    seen = Witnesses(BUDGET, story.calls, queues=queues, pauses=story.pauses, complaints=list(story.complaints))
    rows, hours, hashes, scraped = [], Counter(), {}, {}
    nonces: dict[str, list[str]] = {gateway: [] for gateway in GATEWAYS}
    for each in story.calls:
        nonces[each.gateway].append(each.nonce)
    for gateway in GATEWAYS:
        state = rig.parts[gateway].state
        rows += books.rows_of(state, gateway)
        hours.update(books.hours_of(state, gateway))
        seen.outbox = [*seen.outbox, *books.outbox_of(state, gateway)]
        hashes |= books.hashes_of(state, gateway, nonces[gateway])
        seen.complaints = [*seen.complaints, *books.chain_of(state, gateway)]
        last = story.last.get(gateway, Scrape())
        scraped |= {(gateway, *key): count for key, count in last.ended.items() if count}
        seen.still_open = {**seen.still_open, gateway: last.still_open.total()}
    bad = [f"{code} after {seconds:.1f} s at SIGTERM" for code, seconds in story.exits if code or seconds > 30]
    seen.complaints = [*seen.complaints, *bad]
    seen.rows, seen.hours, seen.hashes, seen.scraped = rows, hours, hashes, scraped
    lines = rig.executions.read_text().splitlines() if rig.executions.exists() else []
    seen.executions = [*(Execution(*line.split()) for line in lines), *books.effects_of(rig.stand_ins)]
    seen.requeued = story.requeued
    return seen


def report(plan: Plan, result: Result) -> str:
    """The run on one screen."""
    kinds = Counter(fault.kind for _, _, fault in result.story.inflicted)
    lines = [
        (
            f"seed {plan.seed}: {kinds.total()} faults of {len(kinds)} kinds, {len(result.seen.calls):,} calls in "
            f"{result.seconds:.0f} s, {result.story.scrapes:,} scrapes"
        ),
        table(result.seen, result.verdict),
    ]
    if firsts := sorted(result.first_ok()):
        alls = sorted(result.all_services())
        p99 = firsts[max(0, round(0.99 * len(firsts)) - 1)]
        lines.append(
            f"broker back to the first ok: {len(firsts)} times, p50 {firsts[len(firsts) // 2]:.2f} s, p99 {p99:.2f} s, "
            f"max {firsts[-1]:.2f} s; to all {len(SERVICES)} services: max {alls[-1]:.2f} s"
        )
    starved = sum(each.ended - each.began for each in result.story.pauses if each.gateway != "*")
    lines.append(
        f"gateways frozen by the test, or without a core: {starved:.0f} s; load of the machine {os.getloadavg()[1]:.1f}"
    )
    if result.story.exits:
        slowest = max(seconds for _, seconds in result.story.exits)
        lines.append(f"SIGTERM: {len(result.story.exits)} times, slowest exit {slowest:.1f} s")
    return "\n".join(lines)


async def chaos(plan: Plan, directory: Path, cluster: Cluster | None = None) -> Result:
    """A rig of its own, or one on a `cluster` that is up, and a plan run on it."""
    async with Rig(directory, seed=plan.seed, node=cluster) as rig:
        return await execute(rig, plan)


def machine() -> str:
    """Where and when it ran."""
    when = time.strftime("%F %R UTC", time.gmtime())
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {when}"


def main() -> int:
    """Run, print, and say by the exit code whether everything held."""
    parser = argparse.ArgumentParser(description="A chaos run: real RabbitMQ, real processes, five witnesses.")
    parser.add_argument("size", choices=["quick", "ci", "long", "ended", "cluster"])
    parser.add_argument("--seed", type=int, default=2023)
    parser.add_argument("--faults", type=int, help="So many instead of the size's own number.")
    parser.add_argument("--keep", type=Path, help="A new directory in which ledgers, logs and witnesses stay.")
    given = parser.parse_args()
    made = plan(given.size, given.seed, given.faults)
    if given.size == "cluster" and (why := why_not()):
        print(f"skipped: {why}")
        return 0
    with tempfile.TemporaryDirectory(prefix="lgsp-chaos-") as passing, ExitStack() as stack:
        directory = given.keep or Path(passing) / "run"
        cluster = stack.enter_context(a_cluster(directory / "cluster")) if given.size == "cluster" else None
        result = asyncio.run(chaos(made, directory, cluster))
        (directory / "witnesses.pickle").write_bytes(pickle.dumps(result.seen))
    print(report(made, result))
    if cluster is not None:
        print(f"nodes started again because they did not find back by themselves: {cluster.started_again}")
    print(machine())
    return 0 if result.verdict.is_green else 1


if __name__ == "__main__":
    sys.exit(main())
