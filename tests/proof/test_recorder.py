"""A recording whose disk is too slow, on the real clock: 5 s here, a minute in `make long`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import a_service

from lgsp.capture.record import GATEWAY, Record
from lgsp.capture.verify import verify
from lgsp.catalogue.service import Catalogue
from lgsp.clock import SystemClock
from lgsp.model import Outcome, Reply, Request, Transaction
from lgsp.taps.recorder import FileSink, Recorder

pytestmark = [pytest.mark.proof, pytest.mark.timeout(240)]
SECONDS = int(os.environ.get("SLOW_SINK", "5"))
A_SECOND = 2_000_000
BODY, RATE = 20_000, 250
MIB = 1024 * 1024


class Throttled(FileSink):
    """Files that take 2 MB a second."""

    def __init__(self, directory: Path, header: dict[str, Any]) -> None:
        super().__init__(directory, header)
        self._free_at = 0.0

    async def write(self, make: Callable[[], list[Record]]) -> None:
        """See `Sink`."""
        before, loop = self._writer.bytes, asyncio.get_running_loop()
        await super().write(make)
        self._free_at = max(self._free_at, loop.time()) + max(0, self._writer.bytes - before) / A_SECOND
        await asyncio.sleep(self._free_at - loop.time())


def held() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_a_sink_of_two_megabytes_a_second_costs_records_and_no_memory(tmp_path: Path) -> None:
    """5 MB a second come. What may wait is 32 MB, and the ring holds 8: beyond those nothing grows."""
    clock = SystemClock()
    recorder = Recorder(
        clock,
        Catalogue({"svc": a_service("svc")}),
        "gw1",
        lambda record: record,
        tmp_path,
        lambda _: None,
        sink=Throttled,
    )
    tap, loop = recorder.tap(GATEWAY), asyncio.get_running_loop()
    await recorder.start("slow")
    samples = list[int]()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(recorder.run())
        begun = loop.time()
        for number in range(SECONDS * RATE):
            body = os.urandom(BODY)  # nothing that could be pressed together
            request = Request(f"t{number}", "svc", "POST /a", "/a", key=str(number), consumer="c", body=body)
            tap.saw(Transaction(request, Reply(request.id), Outcome.OK, "", clock.now(), 0.01))
            if number % RATE == 0:
                samples.append(held())
            await asyncio.sleep(begun + number / RATE - loop.time())
        told = await recorder.stop()
        running.cancel()
    print(f"\n{told}; held {[round(sample / MIB) for sample in samples]} MiB")
    assert told["seen"] == SECONDS * RATE
    assert told["written"] + told["dropped"] == told["seen"]
    assert told["written"] > SECONDS * 30
    assert told["dropped"] > 0 or SECONDS < 20
    assert max(samples) - samples[0] < 50 * MIB
    found = verify(tmp_path / "slow")
    assert (found.problems, found.records, found.dropped, found.unfinished) == ([], told["written"], told["dropped"], 0)
