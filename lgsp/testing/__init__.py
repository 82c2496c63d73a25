"""A bus inside somebody's test: calm, on free ports, gone with the test.

    with lgsp.testing.bus() as bus:
        my_system.configure(gateway=bus.url, key=bus.key, secret=bus.secret)
        my_system.pay("0123")
        [call] = bus.calls("payment-platform")
        assert call.json["MaHoSo"] == "0123"

It runs in a thread of its own, with the stand-ins of the configuration, and the same request has the same answer each time.
For pytest there is a fixture: `pytest_plugins = ["lgsp.testing.fixture"]`.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lgsp.app.up import View, up
from lgsp.edge.welcome import TESTER, secret_file_of
from lgsp.errors import LgspError
from lgsp.model import Outcome, Transaction
from lgsp.settings import Address, Settings, environment, find_config, make_state
from lgsp.taps.recorder import Recorder

_START, _END = 30.0, 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """One call that came to the gateway, and its answer; `status` is 0 where nobody gave one."""

    service: str
    operation: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    consumer: str
    outcome: Outcome
    status: int
    reply: bytes
    transaction: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """The request's body as JSON. Raises `ValueError`."""
        return json.loads(self.body)


class Bus:
    """A running bus. `key` and `secret` are a consumer's that may call everything and may choose outcomes (`X-Lgsp-Force`)."""

    def __init__(self, view: View, recorder: Recorder, state: Path) -> None:
        self._recorder = recorder
        self.url = view.gateway
        self.admin = view.admin
        self.key = TESTER
        self.secret = secret_file_of(state, TESTER).read_text("utf-8").strip()

    def __repr__(self) -> str:
        return f"<Bus at {self.url}>"

    def calls(self, service: str | None = None, operation: str | None = None) -> list[Call]:
        """The calls since the start or the last `clear`, oldest first: all, of a service, of one of its operations."""
        return [
            _call(seen)
            for seen in self._recorder.exchanges()
            if service in {None, seen.request.service} and operation in {None, seen.request.operation}
        ]

    def clear(self) -> None:
        """Forget the calls."""
        self._recorder.forget()


@contextmanager
def bus(config: Path | None = None, *, port: int = 0, seed: int = 2023) -> Iterator[Bus]:
    """A calm bus on loopback until the block ends; `port` 0 is a free one. Its state lies in a directory that goes with it.

    Raises what kept it from starting: `CatalogueError` with every mistake of the configuration, `SettingsError`.
    """
    with tempfile.TemporaryDirectory(prefix="lgsp-") as place:
        state = make_state(Path(place) / "state")
        settings = Settings(
            config=config or find_config(None, environment(), Path.cwd()),
            state=state,
            listen=Address("127.0.0.1", port),
            admin=Address("127.0.0.1", 0),
            seed=seed,
            calm=True,
        )
        guest = _Guest(settings)
        view, recorder = guest.start()
        try:
            yield Bus(view, recorder, state)
        finally:
            guest.end()


class _Guest:
    """A bus on a loop and a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._told = threading.Event()
        self._up: tuple[View, Recorder] | None = None
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="lgsp-bus", daemon=True)

    def start(self) -> tuple[View, Recorder]:
        self._thread.start()
        self._told.wait(_START)
        if self._up is None:
            if self._error is not None:
                raise self._error
            raise LgspError(f"the bus was not up within {_START:g} s")
        return self._up

    def end(self) -> None:
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_END)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._until_stopped())
        except BaseException as error:  # noqa: BLE001 - whoever started the thread is told
            self._error = error
        finally:
            self._told.set()

    async def _until_stopped(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await up(self._settings, traffic=None, seconds=None, ready=self._ready, stop=self._stop)

    def _ready(self, view: View, recorder: Recorder) -> None:
        self._up = view, recorder
        self._told.set()


def _call(seen: Transaction) -> Call:
    request, reply = seen.request, seen.reply
    return Call(
        service=request.service,
        operation=request.operation,
        path=request.path,
        query=request.query,
        headers=dict(request.headers),
        body=request.body,
        consumer=request.consumer,
        outcome=seen.outcome,
        status=reply.status if reply else 0,
        reply=reply.body if reply else b"",
        transaction=request.id,
    )
