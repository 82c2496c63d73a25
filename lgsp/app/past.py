"""A past for a first start: told by a process of its own, so that what it computes delays nobody."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import structlog

log = structlog.get_logger()
COMMAND = ("history", "--until", "now", "--once")


async def tell_past(config: Path, state: Path) -> None:
    """Simulate a past that ends yesterday into the state directory, where none lies there; what goes wrong is logged.

    Cancelled, it ends its process; a past is written whole or not at all.
    """
    where = ("--config", str(config), "--state", str(state))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "lgsp",
        *COMMAND,
        *where,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    last = said.decode(errors="replace").strip().rpartition("\n")[2]
    if process.returncode:
        log.warning("no past was told", code=process.returncode, said=last)
    else:
        log.info("a past is there", said=last)
