"""`lgsp tour`: a minute and a half of a running bus, a line a step."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from lgsp.app.demo import Traffic
from lgsp.app.process import run
from lgsp.app.up import View, up
from lgsp.cli.ask import ask_admin
from lgsp.cli.options import as_json, catalogue_of, places, print_json
from lgsp.cli.prometheus import get_json, get_text
from lgsp.cli.words import in_words, say
from lgsp.clock import SystemClock
from lgsp.edge.orders import PATH
from lgsp.errors import SettingsError
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.monitoring.finding import Sentence, said
from lgsp.monitoring.tour import Counted, Twin, line_of, tour
from lgsp.settings import Address, Settings, make_state
from lgsp.traffic.scenario import read_scenario

DAY = Path("scenarios", "even.yaml")
"""Calls at every hour of the day: a tour may be taken at night."""
_SECONDS = 90.0


class Guided:
    """A bus at its admin port. Its ledger is read from its file, by nothing that counts as it goes."""

    def __init__(self, admin: str, state: Path, name: str) -> None:
        self._admin = admin
        self._state = state
        self._reader = Reader(Files(state, name))
        self._faults: list[str] = []

    async def look(self) -> Twin:
        """See `lgsp.monitoring.tour.Guide`, here and below."""
        twin: Twin = await asyncio.to_thread(get_json, self._admin, "/", {"format": "json"})
        return twin

    async def hit(self, service: str, seconds: float) -> None:
        """The same."""
        order = {"service": service, "kind": "outage", "seconds": seconds, "drill": "tour"}
        made = await asyncio.to_thread(ask_admin, self._admin, "POST", PATH, self._state, order)
        self._faults.append(made["id"])

    async def heal(self) -> None:
        """The same."""
        while self._faults:
            path = f"{PATH}/{self._faults.pop()}"
            await asyncio.to_thread(partial(ask_admin, self._admin, "DELETE", path, self._state, absent={}))

    async def counted(self, service: str) -> Counted:
        """The same. The console's view may be a second old: it is read first."""
        console = line_of(await self.look(), service)["year"]
        shown = await asyncio.to_thread(get_text, self._admin, "/metrics")
        rows = await asyncio.to_thread(self._rows, service)
        return Counted(rows, _in_metrics(shown, service), console)

    def _rows(self, service: str) -> int:
        return sum(row.kind[0] == service and row.outcome is not None for row in self._reader.rows())


def _in_metrics(text: str, service: str) -> int:
    samples = re.findall(r"^lgsp_ledger_period_transactions\{(.*)\} (\S+)$", text, re.MULTILINE)
    wanted = {f'service="{service}"', 'period="year"'}
    return sum(int(float(value)) for labels, value in samples if wanted <= set(labels.split(",")))


@click.command("tour")
@click.option("--service", metavar="ID", help="Whose provider goes away [the first of the catalogue].")
@click.option(
    "--seconds", type=click.FloatRange(15, 600), default=_SECONDS, show_default=True, help="How long it takes."
)
@as_json
@in_words
@places
def take_tour(
    config: Path,
    state: Path,  # noqa: ARG001 - stands on every command; a tour keeps nothing
    *,
    service: str | None,
    seconds: float,
    json_wanted: bool,
) -> None:
    """See in 90 seconds what lgsp does: traffic, an outage, whose fault it is, how long the budget lasts, recovery, one number.

    A bus of its own on free ports, whose state goes with it; exit 1 where something was not as it should be.
    """
    catalogue = catalogue_of(config)
    known = [each.id for each in catalogue]
    chosen = service or next(iter(known), "")
    if chosen not in known:
        raise SettingsError(f"there is no service {chosen!r}: see `lgsp services ls`")
    steps: list[dict[str, Any]] = []
    clock = SystemClock()
    start = clock.now()

    def tell(sentence: Sentence) -> None:
        line = say(sentence.text, *sentence.values)
        steps.append({"second": round(clock.now() - start, 1), "says": line})
        if not json_wanted:
            click.echo(f"{clock.now() - start:4.0f} s  {line}")

    with tempfile.TemporaryDirectory(prefix="lgsp-tour-") as place:
        settings = Settings(
            config=config,
            state=make_state(Path(place) / "state"),
            listen=Address("127.0.0.1", 0),
            admin=Address("127.0.0.1", 0),
        )
        went: list[bool] = []

        async def visit(view: View) -> None:
            tell(said("a bus with {} services is up; its console: {}", len(known), view.admin))
            went.append(await tour(Guided(view.admin, settings.state, settings.name), chosen, clock, seconds, tell))

        run(_visited(settings, Traffic(read_scenario(config / DAY), 1.0), visit), quiet=True)
    if json_wanted:
        print_json({"service": chosen, "well": went == [True], "steps": steps})
    raise click.exceptions.Exit(0 if went == [True] else 1)


async def _visited(settings: Settings, traffic: Traffic, visit: Callable[[View], Awaitable[None]]) -> None:
    """A bus that is up for as long as somebody visits it."""
    stop = asyncio.Event()
    told: asyncio.Future[View] = asyncio.get_running_loop().create_future()

    async def visited() -> None:
        try:
            await visit(await told)
        finally:
            stop.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(visited())
        await up(settings, traffic=traffic, seconds=None, ready=lambda view, _: told.set_result(view), stop=stop)
