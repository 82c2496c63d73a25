"""Histories of what is stored, on a virtual clock: each accepted request has one outcome, and at most one effect."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from played import lived
from post import FAULTS, Post

from lgsp.forwarding.forwarder import Forwarder
from lgsp.runtime.state import States

SEEDS = max(int(os.environ.get("SEEDS", "2000")) // 4, 1)
FIRST = int(os.environ.get("SEED", "0"))


def found_in(seed: int, directory: Path) -> set[str]:
    """The names of what is wrong with a history, which is then thrown away."""
    post = lived(Post, seed, directory)
    found = {finding.partition(":")[0] for finding in post.findings()}
    shutil.rmtree(post.directory)
    return found


@pytest.mark.timeout(90)
def test_a_few_histories_hold(directory: Path) -> None:
    for seed in range(4):
        assert found_in(seed, directory) == set(), seed


@pytest.mark.proof
@pytest.mark.timeout(1_500 + SEEDS)
def test_thousands_of_histories_hold(directory: Path) -> None:
    """A red seed is printed; `SEED=that SEEDS=1` runs it again, event by event the same."""
    faults: Counter[str] = Counter()
    accepted = 0
    for seed in range(FIRST, FIRST + SEEDS):
        post = lived(Post, seed, directory)
        findings = list(post.findings())
        assert not findings, f"seed {seed}, history {post.digest}: {dict(post.faults)}\n" + "\n".join(findings[:20])
        faults.update(post.faults.keys())
        accepted += len(post.accepted)
        shutil.rmtree(post.directory)
    print(f"{SEEDS} seeds, {accepted:,} stored and told so, 0 red; seeds with each fault: {dict(faults)}")
    assert SEEDS < 100 or all(faults[kind] >= SEEDS / 10 for kind in FAULTS)


async def forgetful(_states: States, _request_id: str) -> None:
    """Nothing was ever answered."""


async def idle(_forwarder: Forwarder) -> None:
    """Nothing is ever due."""


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    ("owner", "name", "bug", "red"),
    [(States, "answered", forgetful, "doubled"), (Forwarder, "_keep", idle, "hanging")],
    ids=["inbox forgotten", "never due"],
)
def test_a_guard_taken_away_is_seen(
    owner: type, name: str, bug: object, red: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, bug)
    monkeypatch.setattr("post.REST", 60.0)
    found: set[str] = set()
    for seed in range(30):
        found |= found_in(seed, directory)
        if red in found:
            break
    assert red in found
