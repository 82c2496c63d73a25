"""What is done to the rig, and when: a seeded schedule, and one function a kind of fault."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from checker import Pause
from cluster import NODES
from rig import CONNECTORS, GATEWAYS, SERVICES, Rig, login


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what, on whom, for how many seconds, and how long nothing happens afterwards."""

    kind: str
    target: str
    hold: float
    rest: float


Pauses = Callable[[Pause], None]
Inflict = Callable[[Rig, Fault, Pauses], Awaitable[None]]


async def _broker_kill(rig: Rig, fault: Fault, _: Pauses) -> None:
    await asyncio.to_thread(rig.single.stop)
    await asyncio.sleep(fault.hold)
    await asyncio.to_thread(rig.single.start)


async def _broker_restart(rig: Rig, fault: Fault, _: Pauses) -> None:
    await rig.control("stop_app")
    await asyncio.sleep(fault.hold)
    await rig.control("start_app")


async def _broker_freeze(rig: Rig, fault: Fault, _: Pauses) -> None:
    rig.signal_broker(signal.SIGSTOP)
    await asyncio.sleep(fault.hold)
    rig.signal_broker(signal.SIGCONT)


async def _memory_alarm(rig: Rig, fault: Fault, _: Pauses) -> None:
    await rig.control("set_vm_memory_high_watermark", "0.0000001")
    await asyncio.sleep(fault.hold)
    await rig.control("set_vm_memory_high_watermark", "0.4")


async def _disk_alarm(rig: Rig, fault: Fault, _: Pauses) -> None:
    await rig.control("set_disk_free_limit", "999GB")
    await asyncio.sleep(fault.hold)
    await rig.control("set_disk_free_limit", "50MB")


async def _process_kill(rig: Rig, fault: Fault, _: Pauses) -> None:
    await asyncio.to_thread(rig.parts[fault.target].kill)
    await asyncio.sleep(fault.hold)
    await asyncio.to_thread(rig.parts[fault.target].start)


async def _process_term(rig: Rig, fault: Fault, _: Pauses) -> None:
    await asyncio.to_thread(rig.parts[fault.target].terminate)
    await asyncio.sleep(fault.hold)
    await asyncio.to_thread(rig.parts[fault.target].start)


async def _process_freeze(rig: Rig, fault: Fault, note: Pauses) -> None:
    began = time.monotonic()
    rig.parts[fault.target].freeze()
    await asyncio.sleep(fault.hold)
    rig.parts[fault.target].thaw()
    note(Pause(fault.target, began, time.monotonic()))


async def _link_reset(rig: Rig, fault: Fault, _: Pauses) -> None:
    for _again in range(3):
        rig.proxies[fault.target].reset()
        await asyncio.sleep(fault.hold / 3)


async def _link_black(rig: Rig, fault: Fault, _: Pauses) -> None:
    rig.proxies[fault.target].behave("black")
    await asyncio.sleep(fault.hold)
    rig.proxies[fault.target].behave("through")


async def _link_slow(rig: Rig, fault: Fault, _: Pauses) -> None:
    rig.proxies[fault.target].behave("slow")
    await asyncio.sleep(fault.hold)
    rig.proxies[fault.target].behave("through")


async def _link_sliced(rig: Rig, fault: Fault, _: Pauses) -> None:
    rig.proxies[fault.target].behave("sliced")
    await asyncio.sleep(fault.hold)
    rig.proxies[fault.target].behave("through")


async def _queue_deleted(rig: Rig, fault: Fault, _: Pauses) -> None:
    await rig.control("delete_queue", "-p", "lgsp", f"q.sync.{fault.target}")
    await asyncio.sleep(fault.hold)
    await asyncio.to_thread(rig.provision, fault.target)


async def _credentials_revoked(rig: Rig, fault: Fault, _: Pauses) -> None:
    user, password = login(fault.target)
    await rig.control("change_password", user, "another")
    await rig.control("close_all_connections", "chaos")
    await asyncio.sleep(fault.hold)
    await rig.control("change_password", user, password)


async def _ledger_full(rig: Rig, fault: Fault, _: Pauses) -> None:
    rig.parts[fault.target].fill_disk()
    await asyncio.sleep(fault.hold)
    rig.parts[fault.target].empty_disk()


async def _results_into_full(rig: Rig, fault: Fault, _: Pauses) -> None:
    """The ledger is full at the moment at which results come that were held up: a wait that hits by itself only with luck."""
    for name in CONNECTORS:
        rig.parts[name].freeze()
    await asyncio.sleep(0.5)
    rig.parts[fault.target].fill_disk()
    for name in CONNECTORS:
        rig.parts[name].thaw()
    await asyncio.sleep(fault.hold)
    rig.parts[fault.target].empty_disk()


async def _node_kill(rig: Rig, fault: Fault, _: Pauses) -> None:
    await asyncio.to_thread(rig.cluster.kill, fault.target)
    await asyncio.sleep(fault.hold)
    await asyncio.to_thread(rig.cluster.revive, fault.target)


async def _node_cut(rig: Rig, fault: Fault, _: Pauses) -> None:
    await asyncio.to_thread(rig.cluster.cut, fault.target)
    await asyncio.sleep(fault.hold)
    await asyncio.to_thread(rig.cluster.heal, fault.target)


_BROKER = ("broker",)
KINDS: dict[str, tuple[Inflict, tuple[str, ...], tuple[float, float]]] = {
    "broker killed": (_broker_kill, _BROKER, (0.2, 1.5)),
    "broker restarted": (_broker_restart, _BROKER, (0.2, 1.0)),
    "broker frozen": (_broker_freeze, _BROKER, (1.0, 5.0)),
    "memory alarm": (_memory_alarm, _BROKER, (1.0, 3.0)),
    "disk alarm": (_disk_alarm, _BROKER, (1.0, 3.0)),
    "gateway killed": (_process_kill, GATEWAYS, (0.0, 1.0)),
    "gateway frozen": (_process_freeze, GATEWAYS, (1.0, 4.0)),
    "gateway ended": (_process_term, GATEWAYS, (0.0, 0.5)),
    "connector killed": (_process_kill, CONNECTORS, (0.0, 1.0)),
    "connector frozen": (_process_freeze, CONNECTORS, (1.0, 4.0)),
    "connector ended": (_process_term, CONNECTORS, (0.0, 0.5)),
    "link reset": (_link_reset, GATEWAYS + CONNECTORS, (0.3, 2.0)),
    "link black": (_link_black, GATEWAYS + CONNECTORS, (1.0, 5.0)),
    "link slow": (_link_slow, GATEWAYS + CONNECTORS, (2.0, 4.0)),
    "link sliced": (_link_sliced, GATEWAYS + CONNECTORS, (2.0, 4.0)),
    "queue deleted": (_queue_deleted, SERVICES, (0.2, 1.5)),
    "credentials revoked": (_credentials_revoked, (*GATEWAYS, "c1"), (1.0, 3.0)),
    "ledger disk full": (_ledger_full, GATEWAYS, (1.0, 3.0)),
}
"""How each fault is inflicted, whom it can hit, and how long it lasts."""
CLUSTER: dict[str, tuple[Inflict, tuple[str, ...], tuple[float, float]]] = {
    "node killed": (_node_kill, NODES, (1.0, 6.0)),
    "node cut off": (_node_cut, NODES, (10.0, 25.0)),
    **{kind: KINDS[kind] for kind in ("gateway killed", "connector killed", "link reset")},
}
"""The same where the broker is a cluster of three."""
AIMED: dict[str, tuple[Inflict, tuple[str, ...], tuple[float, float]]] = {
    "results into a full disk": (_results_into_full, GATEWAYS, (1.0, 2.0)),
}
"""Two at once, in the one order that shows a planted bug."""


_EVERY = KINDS | CLUSTER | AIMED


def schedule(seed: int, count: int, kinds: tuple[str, ...] = tuple(KINDS), rest: float = 2.0) -> list[Fault]:
    """So many faults, the same for the same seed; every kind comes once before any comes twice."""
    chance = random.Random(seed)
    chosen: list[str] = []
    while len(chosen) < count:
        chosen += chance.sample(kinds, len(kinds))
    faults = []
    for kind in chosen[:count]:
        _, targets, (least, most) = _EVERY[kind]
        faults.append(Fault(kind, chance.choice(targets), round(chance.uniform(least, most), 2), rest))
    return faults


async def inflict(rig: Rig, fault: Fault, note: Pauses) -> None:
    """Do it, and undo it; returns when it is undone."""
    await _EVERY[fault.kind][0](rig, fault, note)
