from __future__ import annotations

import pytest
from builders import shipped

from lgsp.model import Outcome
from lgsp.traffic.durations import over_by


def test_a_timeout_takes_the_whole_time_and_nothing_longer() -> None:
    service = next(iter(shipped()))
    assert over_by(service, Outcome.TIMEOUT, service.timeout - 0.001) == 0.0
    assert over_by(service, Outcome.TIMEOUT, service.timeout) == 1.0
    assert over_by(service, Outcome.OK, 0.65) == pytest.approx(0.5)
    assert over_by(service, Outcome.OK, service.timeout) == 1.0
    assert over_by(service.model_copy(update={"latency": None}), Outcome.OK, 0.0) == 1.0
