"""The chaos run of `make proof`: every kind of fault, twenty thousand transactions, five witnesses, one account."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from faults import KINDS
from plan import plan
from run import chaos, report

pytestmark = [
    pytest.mark.real,
    pytest.mark.proof,
    pytest.mark.timeout(900),
    # A process that is killed leaves sockets half open, which nobody is left to close.
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
]

SEED = 2023
BACK_AT_MOST = 10.0
"""Seconds from the broker's return to the first ok, and to every service's."""


def test_under_every_fault_each_transaction_is_accounted_for(tmp_path: Path) -> None:
    made = plan("ci", SEED)
    result = asyncio.run(chaos(made, tmp_path / "run"))
    print(report(made, result))
    assert {fault.kind for _, _, fault in result.story.inflicted} == set(KINDS)
    assert len(result.story.inflicted) >= 20
    assert len(result.seen.calls) >= 20_000
    assert result.story.scrapes > 0
    assert result.verdict.is_green, result.verdict.examples
    assert len(result.first_ok()) >= 2
    assert max(result.first_ok()) <= BACK_AT_MOST
    assert max(result.all_services()) <= BACK_AT_MOST
