"""For pytest: `pytest_plugins = ["lgsp.testing.fixture"]` in `conftest.py`, and a test that asks for `lgsp_bus`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lgsp import testing


@pytest.fixture(scope="session")
def lgsp_bus_of_the_session() -> Iterator[testing.Bus]:
    """One calm bus for the whole run; what it was told, it keeps."""
    with testing.bus() as bus:
        yield bus


@pytest.fixture
def lgsp_bus(lgsp_bus_of_the_session: testing.Bus) -> testing.Bus:
    """The run's bus, with no calls yet."""
    lgsp_bus_of_the_session.clear()
    return lgsp_bus_of_the_session
