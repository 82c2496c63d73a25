"""Programs beside us: started, watched, started again, ended by their process ids."""

from __future__ import annotations

import asyncio
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from lgsp.errors import SettingsError

log = structlog.get_logger()
_BOOT = 60.0
_DRAIN = 30.0
_LOOK = 0.1


@dataclass(frozen=True, slots=True)
class Program:
    """What is run, and the address that answers 200 once it is up."""

    name: str
    words: Sequence[str]
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """One program as a process of its own; what it says is in `log`."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    def __repr__(self) -> str:
        return f"<Child {self.program.name}, {self._process}>"

    async def start(self) -> None:
        """Run it, and return when it is up. Raises `SettingsError` with the end of what it said."""
        with self.log.open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                *self.program.words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **self.program.environment},
                start_new_session=True,  # Ctrl-C is ours: we end them in their order
            )
        log.info("started", program=self.program.name, pid=self._process.pid)
        try:
            async with asyncio.timeout(_BOOT):
                while not await asyncio.to_thread(_answers, self.program.ready):
                    if self._process.returncode is not None:
                        raise SettingsError(f"{self.program.name} does not come up; {self._tail()}")
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise SettingsError(f"{self.program.name} is not up after {_BOOT:g} s; {self._tail()}") from None

    async def watch(self, pause: float, said: Callable[[str], None]) -> None:
        """Start it again `pause` seconds after it ended by itself, until cancelled."""
        while self._process is not None:
            code = await self._process.wait()
            said(f"{self.program.name} ended with {code}: it starts again in {pause:g} s, see {self.log}")
            await asyncio.sleep(pause)
            try:
                await self.start()
            except SettingsError as error:
                said(str(error))
            else:
                said(f"{self.program.name} is up again")

    async def end(self) -> None:
        """Ask it to end, and kill it when it does not."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_DRAIN):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-12:]
        return "\n".join([f"it said in {self.log}:", *lines])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - a loopback address of ours
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
