"""A capture larger than memory may be: how soon its first call goes, and how much memory it takes. `make big-capture` runs it.

python tests/traffic/replay/big.py 1000      # MB of each of two captures, one in order and one shuffled
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from lgsp.capture.files import Writer
from lgsp.capture.record import Asked, Body, Record
from lgsp.capture.sorting import SORTED

BODY = 10_000
MOST_MB, SOON = 200, 5.0
_STEP = 1_000_000


class Sink(asyncio.Protocol):
    """Answers whatever comes with nothing, and notes when the first call came and how many there were."""

    first = 0.0
    calls = 0

    def __init__(self) -> None:
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self._held) < end + 4 + length:
                return
            self._held = self._held[end + 4 + length :]
            Sink.first = Sink.first or time.monotonic()
            Sink.calls += 1
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")  # type: ignore[attr-defined]  # of a socket


def made(path: Path, megabytes: int, *, in_order: bool) -> int:
    """A capture of that size; how many records it has."""
    chance = random.Random(7)
    count = megabytes * 1_000_000 // (BODY + 250)
    places = list(range(count))
    if not in_order:
        chance.shuffle(places)
    with Writer.create(path, {SORTED: True} if in_order else {}) as writer:
        for place in places:
            body = Body.of(b'{"id":%d,"text":"%s"}' % (place, chance.randbytes(BODY // 2).hex().encode()))
            writer.write(Record(t=place * _STEP, request=Asked("POST", f"/{place}", (), body)))
    return count


async def replayed(path: Path, url: str, state: Path) -> tuple[float, float, float, str]:
    """Seconds to the first call and in all, the peak of memory in MB, and what was said."""
    Sink.first, Sink.calls, begun = 0.0, 0, time.monotonic()
    words = (
        "replay",
        str(path),
        "--to",
        url,
        "--speed",
        "max",
        "--max-in-flight",
        "32",
        "--allow-writes",
        "--max-lag",
        "1h",
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lgsp", *words, "--state", str(state), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"lgsp replay ended with {process.returncode}: {said.decode()}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1_000
    return Sink.first - begun, time.monotonic() - begun, peak, said.decode().splitlines()[0]


async def main(megabytes: int) -> int:
    """0 where every promise was kept."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    kept = True
    with tempfile.TemporaryDirectory(prefix="lgsp-big-") as place:
        for in_order in (True, False):
            path = Path(place) / "capture.lgsp.jsonl"
            count = made(path, megabytes, in_order=in_order)
            size = path.stat().st_size / 1e6
            if not in_order:
                path = path.rename(path.with_name("cut.lgsp.jsonl"))
                with path.open("rb+") as stream:
                    stream.truncate(path.stat().st_size - 20)  # without its trailer nothing is known of its order
            first, whole, peak, said = await replayed(path, url, Path(place) / "state")
            well = Sink.calls == count and peak < MOST_MB and (first < SOON or not in_order)
            kept = kept and well
            print(
                f"{size:,.0f} MB, {count:,} records, {'in order' if in_order else 'shuffled'}: first call after {first:.1f} s, "
                f"all {Sink.calls:,} after {whole:.0f} s, peak {peak:.0f} MB{'' if well else '  NOT KEPT'}\n  {said}",
                flush=True,
            )
            path.unlink()
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]))))
