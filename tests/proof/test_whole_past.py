"""The whole past of the yardstick as `make stack` tells it: what it costs, and every call of it in a real Prometheus."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import processes
import pytest
from prometheus import Prometheus, promtool

from lgsp.ledger.past import FILE, Past

pytestmark = [pytest.mark.real, pytest.mark.proof, pytest.mark.timeout(900)]


def ran(what: str, *words: str) -> None:
    """Run it, and print how long it took, how long it had a core, and its peak of memory."""
    begun = time.monotonic()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=processes.REPOSITORY)
    assert child.stderr
    said = child.stderr.read().decode(errors="replace")
    child.stderr.close()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, said
    core = used.ru_utime + used.ru_stime
    print(f"{what:34} {time.monotonic() - begun:6.1f} s, of a core {core:6.1f} s {used.ru_maxrss / 1024:6.0f} MiB")


def told(what: str, state: Path, *words: str) -> Path:
    ran(what, sys.executable, "-m", "lgsp", "history", "--as-dated", "--state", str(state), *words)
    return state / FILE


def test_the_whole_past_is_in_prometheus_call_by_call(tmp_path: Path) -> None:
    print()
    plain = told("history", tmp_path / "plain")
    grown = told("history, ten times the calls", tmp_path / "grown", "--with", "growth 10x")
    text = tmp_path / "past.txt"
    with_text = told("history with OpenMetrics", tmp_path / "text", "--openmetrics", str(text))
    with text.open("rb") as lines:
        samples = sum(not line.startswith(b"#") for line in lines)
    print(f"{'samples':34} {samples:,}, {text.stat().st_size / 1e6:,.0f} MB")
    assert plain.read_bytes() == with_text.read_bytes()
    data = tmp_path / "prometheus" / "data"
    into = ("tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=2160h")
    ran("promtool", promtool(), *into, str(text), str(data))
    size = sum(file.stat().st_size for file in data.rglob("*") if file.is_file())
    print(f"{'blocks':34} {len(list(data.iterdir()))}, {size / 1e6:,.0f} MB")
    begun = time.monotonic()
    with Past(plain) as past, Past(grown) as more, Prometheus(data.parent) as running:
        print(f"{'Prometheus up with it':34} {time.monotonic() - begun:6.1f} s")
        assert (past.about.calls, more.about.calls) == (225_500_000, 2_255_000_000)
        last = datetime.fromisoformat(past.about.last).replace(tzinfo=ZoneInfo(past.about.zone))
        end = (last + timedelta(days=1)).timestamp()
        begun = time.monotonic()
        found = running.at("sum by (service) (increase(lgsp_transactions_total[144d]))", end)
        print(f"{'increase() over the period':34} {time.monotonic() - begun:6.1f} s")
        by_service: dict[str, int] = {}
        for (service, _), count in past.totals().items():
            by_service[service] = by_service.get(service, 0) + count
        assert len(by_service) == 28
        assert found == pytest.approx(by_service, rel=0.001)
        furthest = max(abs(found[service] / count - 1) for service, count in by_service.items())
        print(f"{'furthest from the ledger':34} {furthest:.6%}; all {sum(found.values()) / past.about.calls - 1:+.6%}")
