"""A past for a first start: told by processes of its own, so that what they compute delays nobody."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from lgsp.catalogue.calendar import read_zone
from lgsp.clock import SystemClock
from lgsp.ledger.past import FILE
from lgsp.ledger.periods import begins

log = structlog.get_logger()
COMMAND = ("history", "--until", "now")
_BLOCKS = ("tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=2160h")


@dataclass(frozen=True, slots=True)
class Store:
    """A Prometheus that runs: its address, its data, `promtool`, and the `instance` under which it knows the gateway."""

    url: str
    data: Path
    promtool: str
    instance: str


async def tell_past(config: Path, state: Path) -> None:
    """Simulate a past that ends yesterday into the state directory, where none lies there; what goes wrong is logged.

    Cancelled, it ends its process; a past is written whole or not at all.
    """
    said = await _ran([*_history(config, state), "--once"])
    if said is not None:
        log.info("a past is there", said=said)


async def tell_prometheus(config: Path, state: Path, store: Store) -> None:
    """The same, and into a Prometheus that holds nothing from before today: it finds the past within a minute.

    A Prometheus that reaches back further is left alone, since simulated and real calls of one hour would become one.
    """
    today = begins(ZoneInfo(read_zone(config)), SystemClock().now())["day"]
    making = store.data.with_name("past")
    try:
        if await asyncio.to_thread(_oldest, store) < today:
            return
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        text, blocks = making / "past.txt", making / "blocks"
        if await _ran([*_history(config, making), "--openmetrics", str(text), "--instance", store.instance]) is None:
            return
        if not (state / FILE).exists():
            (making / FILE).rename(state / FILE)
        if await _ran([store.promtool, *_BLOCKS, str(text), str(blocks)]) is None:
            return
        found = sorted(blocks.iterdir())
        for block in found:
            block.rename(store.data / block.name)
        log.info("a past is there", blocks=len(found))
    except (OSError, ValueError) as error:
        log.warning("no past was told", said=str(error))
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _oldest(store: Store) -> float:
    """When the oldest sample was taken that Prometheus holds; far in the future where there is none."""
    with urllib.request.urlopen(f"{store.url}/api/v1/status/tsdb", timeout=10) as answer:  # noqa: S310 - a loopback address of ours
        in_memory = json.load(answer)["data"]["headStats"]["minTime"]
    on_disk = [json.loads(meta.read_bytes())["minTime"] for meta in store.data.glob("*/meta.json")]
    return float(min([in_memory, *on_disk])) / 1000


def _history(config: Path, state: Path) -> list[str]:
    return [sys.executable, "-m", "lgsp", *COMMAND, "--config", str(config), "--state", str(state)]


async def _ran(words: Sequence[str]) -> str | None:
    """Run a program to its end: the last line that it said, or `None` and a word in the log where it failed."""
    process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
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
        return None
    return last
