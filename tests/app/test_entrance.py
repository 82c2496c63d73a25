from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lgsp.app.entrance import OnBus
from lgsp.catalogue.consumer import read_consumers
from lgsp.catalogue.parse import read_catalogue
from lgsp.clock import ManualClock
from lgsp.errors import Unroutable
from lgsp.settings import find_config
from lgsp.traffic.replay.plan import Planned

CONFIG = find_config(None, {}, Path.cwd())


@pytest.mark.parametrize(
    ("service", "operation", "target", "says"),
    [
        ("nobody", "GET /a", "/a", "nobody"),
        ("population", "GET /a", "/population/v1.0.0/a", "GET /population/v1.0.0/a is no operation of population"),
        ("population", "POST /traCuu", "/elsewhere/traCuu", "GET /elsewhere/traCuu is no operation of population"),
    ],
)
def test_what_the_catalogue_does_not_have_goes_nowhere(service: str, operation: str, target: str, says: str) -> None:
    async def ask() -> None:
        bus = OnBus("amqp://127.0.0.1:1", read_catalogue(CONFIG), read_consumers(CONFIG)["tester"], ManualClock())
        await bus.ask(Planned(0, 1, 0.0, "GET", target, {}, b"", service, operation))

    with pytest.raises(Unroutable, match=says):
        asyncio.run(ask())
