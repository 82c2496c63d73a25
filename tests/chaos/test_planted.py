"""Every planted bug turns the checker red, with the word that names it; without a bug it is green."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import faults
import pytest
from plan import Plan
from planted import BUGS
from rig import Rig, a_node
from run import execute, report

from lgsp.bus.node import PrivateNode

pytestmark = [
    pytest.mark.real,
    pytest.mark.proof,
    pytest.mark.timeout(180),
    # A process that is killed leaves sockets half open, which nobody is left to close.
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateNode]:
    with a_node(tmp_path_factory.mktemp("rabbitmq")) as made:
        yield made


@pytest.mark.parametrize("name", ["-", *BUGS])
def test_the_checker_is_red_for_a_bug_and_for_nothing_else(name: str, node: PrivateNode, tmp_path: Path) -> None:
    kinds = BUGS[name].faults if name in BUGS else ("gateway killed", "connector killed", "broker killed")
    afflicted = [fault for number, kind in enumerate(kinds) for fault in faults.schedule(number, 1, (kind,), rest=1.5)]
    plan = Plan(7, afflicted, 300, 150.0, stored=0.6 if name in BUGS and BUGS[name].stored else 0.0, rest=10.0)

    async def one() -> set[str]:
        async with Rig(tmp_path / "run", bug=name, node=node) as rig:
            result = await execute(rig, plan)
        print(report(plan, result))
        return set(result.verdict.counts)

    found = asyncio.run(one())
    assert found & BUGS[name].reds if name in BUGS else not found
