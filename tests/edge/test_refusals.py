from __future__ import annotations

from structlog.testing import capture_logs

from lgsp.clock import ManualClock
from lgsp.edge.refusals import LINES, Refusals


async def test_each_refusal_is_a_line_and_a_flood_is_a_number() -> None:
    clock = ManualClock()
    refusals = Refusals(clock)
    with capture_logs() as logs:
        for number in range(1_000):
            refusals.note("no token", "10.0.0.1", service=f"s{number}")
        await clock.advance(1.0)
        refusals.note("no token", "10.0.0.2", service="gis")
    assert len(logs) == LINES.count + 1
    assert [log["service"] for log in logs[:2]] == ["s0", "s1"]
    assert all("more" not in log for log in logs[:-1])
    assert logs[-1] == {
        "event": "caller refused",
        "log_level": "warning",
        "why": "no token",
        "address": "10.0.0.2",
        "service": "gis",
        "more": 1_000 - LINES.count,
    }
