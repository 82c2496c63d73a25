import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.loop import Place
from bench.process import Broken
from bench.punctual import Paced, lateness

MS = 1_000_000

ASKER = """
import socket, sys
port, count = int(sys.argv[1].rsplit(":", 1)[1].strip("/")), int(sys.argv[2])
with socket.create_connection(("127.0.0.1", port)) as to:
    for number in range(count):
        to.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n" + b"\\r\\n")
        while not to.recv(4096).endswith(b"ok"): pass
print("asked", file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arrivals", "late"),
    [
        ([], []),
        ([5], [0]),
        ([0, 1 * MS, 2 * MS], [0, 0, 0]),
        ([7 * MS, 8 * MS, 12 * MS], [0, 0, 3]),
        ([0, 0, 2 * MS], [0, 1, 1]),  # a burst is ahead of its time: what keeps to the rate is late beside it
        ([0, 2 * MS, 4 * MS], [0, 1, 2]),  # a slower rate falls behind for good
    ],
)
def test_lateness_is_told_from_an_even_schedule_that_nobody_is_ahead_of(arrivals: list[int], late: list[float]) -> None:
    assert lateness(arrivals, 1_000) == pytest.approx(late)


@settings(derandomize=True)
@given(st.lists(st.integers(0, 10**12), min_size=1).map(sorted), st.integers(1, 10**12))
def test_whoever_begins_later_is_as_punctual(arrivals: list[int], later: int) -> None:
    assert lateness([at + later for at in arrivals], 1_000) == pytest.approx(lateness(arrivals, 1_000), abs=1e-3)


@pytest.mark.parametrize("short", [0, 1])
def test_every_call_is_counted_where_it_comes(short: int, tmp_path: Path) -> None:
    program = tmp_path / "asker.py"
    program.write_text(ASKER)

    def words(url: str, rate: int, count: int, directory: Path) -> Sequence[str]:
        assert (rate, count, directory) == (100, 200, tmp_path)
        return [sys.executable, str(program), url, str(count - short)]

    paced = Paced("asker", "asker", words)
    try:
        paced.start(Place("", 0, tmp_path))
        paced.ready()
        if short:
            with pytest.raises(Broken, match=r"^199 of 200 calls came; it said 'asked'$"):
                paced.run("100", 1.0)
        else:
            first, second = paced.run("100", 1.0), paced.run("100", 1.0)
            assert first.per_second > 0
            assert 0 <= second.p50_ms <= second.p99_ms
    finally:
        paced.stop()
