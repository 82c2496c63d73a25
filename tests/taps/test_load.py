from __future__ import annotations

from lgsp.model import Outcome
from lgsp.taps.load import LoadMetrics
from lgsp.taps.metrics import ProcessMetrics


def test_a_load_tells_what_was_asked_and_what_came_of_it() -> None:
    process = ProcessMetrics("0", None)
    metrics = LoadMetrics(process, ["svc", "other"])
    for _ in range(3):
        metrics.ended("svc", Outcome.OK, 0.02)
    metrics.ended("svc", Outcome.TIMEOUT, 20)
    metrics.ended("unknown", Outcome.OK, 1)
    metrics.stands(rate=12.5, lag=0.004, users=7)
    told = process.hold()().decode()
    lines = set(told.splitlines())
    assert {
        'lgsp_load_requests_total{outcome="ok",service="svc"} 3.0',
        'lgsp_load_requests_total{outcome="timeout",service="svc"} 1.0',
        'lgsp_load_requests_total{outcome="ok",service="other"} 0.0',
        'lgsp_load_request_duration_seconds_bucket{le="0.025",service="svc"} 3.0',
        'lgsp_load_request_duration_seconds_count{service="svc"} 4.0',
        "lgsp_load_target_rate 12.5",
        "lgsp_load_schedule_lag_seconds 0.004",
        "lgsp_load_users 7.0",
    } <= lines
    assert "unknown" not in told
    assert "lgsp_bus_info" not in told
