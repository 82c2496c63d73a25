"""The account over minutes: a fault a minute, the identity at every scrape, and nothing that grows."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from soak import soak

pytestmark = [
    pytest.mark.real,
    pytest.mark.proof,
    # A link that is cut leaves sockets half open, which nobody is left to close.
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
]

MINUTES = float(os.environ.get("MINUTES", "2"))


@pytest.mark.timeout(int(MINUTES * 60) + 300)
def test_the_account_holds_at_every_scrape_and_nothing_grows(tmp_path: Path) -> None:
    soaked = asyncio.run(soak(MINUTES, tmp_path / "run", tmp_path / "samples.jsonl"))
    assert soaked.result.verdict.is_green, soaked.result.verdict.examples
    assert soaked.result.story.scrapes >= MINUTES * 60
    assert soaked.after.tasks.keys() == soaked.before.tasks.keys() == {"gw1", "gw2", "c1", "c2"}
    assert soaked.grown() == []
