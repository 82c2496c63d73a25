"""Every simulated world is a function of its seed."""

from __future__ import annotations

from pathlib import Path

import pytest
from played import Played, lived
from post import Post
from world import World


@pytest.mark.parametrize("kind", [World, Post])
def test_one_seed_is_one_history_and_another_seed_another(kind: type[Played], directory: Path) -> None:
    digests = [lived(kind, seed, directory).digest for seed in (5, 6, 5)]
    assert digests[0] == digests[2] != digests[1]
