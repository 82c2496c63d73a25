from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of its own is made there


@pytest.fixture
def directory() -> Iterator[Path]:
    """In memory where there is some: these ledgers fear processes, not disks."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as made:
        yield Path(made)
