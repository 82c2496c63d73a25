"""Thousands of histories on a virtual clock: in none is a transaction lost, doubled, invented or left open."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from checker import judge, table
from played import lived
from world import FAULTS, Gateway, World

from lgsp.runtime.host import Host

SEEDS = int(os.environ.get("SEEDS", "2000"))
FIRST = int(os.environ.get("SEED", "0"))


def redness(seed: int, directory: Path) -> set[str]:
    """What the checker finds in a history, which is then thrown away."""
    world = lived(World, seed, directory)
    seen = world.heard()
    shutil.rmtree(world.directory)
    return set(judge(seen).counts)


@pytest.mark.timeout(90)
def test_a_few_histories_hold(directory: Path) -> None:
    for seed in range(4):
        assert redness(seed, directory) == set(), seed


@pytest.mark.proof
@pytest.mark.timeout(1_500 + SEEDS)
def test_thousands_of_histories_hold(directory: Path) -> None:
    """A red seed is printed; `SEED=that SEEDS=1` runs it again, event by event the same."""
    faults: Counter[str] = Counter()
    transactions = 0
    for seed in range(FIRST, FIRST + SEEDS):
        world = lived(World, seed, directory)
        seen = world.heard()
        verdict = judge(seen)
        assert verdict.is_green, f"seed {seed}, history {world.digest}: {dict(world.faults)}\n{table(seen, verdict)}"
        faults.update(world.faults.keys())
        transactions += len(seen.rows)
        shutil.rmtree(world.directory)
    print(f"{SEEDS} seeds, {transactions:,} transactions, 0 red; seeds with each fault: {dict(faults)}")
    assert SEEDS < 100 or all(faults[kind] >= SEEDS / 10 for kind in FAULTS)


def careless(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def answered(self: Host, service: Any, chains: Any, refuse: Any, request: Any, stamps: Any) -> Any:
        return await real(self, service, chains, refuse, replace(request, redelivered=False), stamps)

    return answered


def endless(_: Callable[..., None]) -> Callable[..., Any]:
    async def sweep(self: Gateway) -> None:
        del self

    return sweep


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    ("owner", "name", "bug", "red"),
    [(Host, "_answered", careless, "doubled"), (Gateway, "_sweep", endless, "hanging")],
    ids=["executed again", "no deadline"],
)
def test_a_guard_taken_away_is_seen(
    owner: type, name: str, bug: Callable[..., Any], red: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, bug(getattr(owner, name)))
    found: set[str] = set()
    for seed in range(30):
        found |= redness(seed, directory)
        if red in found:
            break
    assert red in found
