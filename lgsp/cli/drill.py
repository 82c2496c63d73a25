"""`lgsp drill`: troubles by a timetable, and whether the alerts told of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from lgsp.bus.node import command
from lgsp.cli.ask import ask_admin
from lgsp.cli.options import as_json, places, print_json
from lgsp.cli.prometheus import Prometheus
from lgsp.clock import Clock, SystemClock
from lgsp.edge.orders import PATH
from lgsp.errors import LgspError, MalformedRequest, SettingsError
from lgsp.monitoring.conductor import Told, conduct
from lgsp.monitoring.drill import GRACE, Drill, Process, Trouble, Window, as_record, of_record, read_drill
from lgsp.monitoring.profile import parse_matchers, parse_severities
from lgsp.monitoring.score import Score, score
from lgsp.settings import make_state

RECORDS = "drills"
"""Where runs are written down, below the state directory."""
_PROCESS = {
    Process.BROKER_STOP: (("stop_app",), ("start_app",)),
    Process.BROKER_ALARM: (
        ("set_vm_memory_high_watermark", "absolute", "1MB"),
        ("set_vm_memory_high_watermark", "0.4"),
    ),
}
"""What `rabbitmqctl` is told, to begin and to end."""


@click.group()
def drill() -> None:
    """Rehearse: faults by a timetable in a running bus, scored against the alerts that fired."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Makes troubles through the admin port of a gateway, and through `rabbitmqctl` in a private node's directory."""

    admin: str
    state: Path
    node: Path | None

    async def begin(self, trouble: Trouble, drill: str) -> list[str]:
        """See `lgsp.monitoring.conductor.Hands`."""
        if isinstance(trouble.kind, Process):
            await asyncio.to_thread(self._control, _PROCESS[trouble.kind][0])
            return []
        names: list[str] = []
        try:
            for fault in trouble.faults(drill):
                ordered = {
                    "service": fault.service, "kind": str(fault.kind), "value": fault.value, "how": fault.how,
                    "p": fault.p, "when": fault.when, "drill": drill, "seconds": trouble.lasts,
                }  # fmt: skip
                names.append((await self._ask("POST", PATH, ordered))["id"])
        except BaseException:
            await self.end(trouble, names)
            raise
        return names

    async def end(self, trouble: Trouble, names: Sequence[str]) -> None:
        """The same."""
        if isinstance(trouble.kind, Process):
            await asyncio.to_thread(self._control, _PROCESS[trouble.kind][1])
        for name in names:
            await self._ask("DELETE", f"{PATH}/{name}", absent={})

    async def _ask(self, method: str, path: str, body: object = None, absent: object = None) -> Any:  # noqa: ANN401 - JSON
        return await asyncio.to_thread(partial(ask_admin, self.admin, method, path, self.state, body, absent=absent))

    def _control(self, arguments: Sequence[str]) -> None:
        if self.node is None:
            raise SettingsError("this drill troubles a broker: name the directory of a private node with --node")
        command(self.node, *arguments)


@drill.command("run")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--scale",
    type=click.IntRange(min=1, max=3_600),
    default=1,
    show_default=True,
    help="Divide every time by this, as the rules in force do.",
)
@click.option("--prometheus", metavar="URL", help="End a trouble as soon as this Prometheus has told of it.")
@click.option("--node", type=click.Path(path_type=Path), help="The private node's directory, for troubles of a broker.")
@click.option(
    "--admin", default="http://127.0.0.1:8290", show_default=True, metavar="URL", help="The gateway's admin port."
)
@as_json
@places
def run_drill(
    files: tuple[Path, ...],
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    *,
    scale: int,
    prometheus: str | None,
    node: Path | None,
    admin: str,
    json_wanted: bool,
) -> None:
    """Carry out the drills in FILES side by side, in a running bus; print where it is written down.

    Ends with the time in which alerts may still come, so that it can be scored at once. On Ctrl-C every trouble ends.
    """
    drills = [read_drill(file).scaled(scale) for file in files]
    if node is None and any(isinstance(t.kind, Process) for each in drills for t in each.troubles):
        raise SettingsError("a drill among these troubles a broker: name the directory of a private node with --node")
    clock = SystemClock()
    told = None if prometheus is None else _told(Prometheus(prometheus), clock)
    try:
        windows = asyncio.run(_carried_out(drills, Reach(admin, state, node), clock, GRACE / scale, told))
    except* LgspError as group:
        raise group.exceptions[0] from group
    directory = make_state(state) / RECORDS
    directory.mkdir(mode=0o700, exist_ok=True)
    stamp = datetime.fromtimestamp(clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
    file = directory / f"{stamp}-{'-'.join(each.name for each in drills)[:100]}.json"
    record = as_record(windows, scale)
    file.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if json_wanted:
        print_json({"record": str(file)} | record)
    else:
        click.echo(file)
        click.echo("how it went: lgsp drill score --prometheus URL", err=True)


async def _carried_out(
    drills: Sequence[Drill], hands: Reach, clock: Clock, grace: float, told: Told | None
) -> list[Window]:
    console = Console(stderr=True)
    seconds = max(each.over for each in drills) + grace
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    ) as bar:  # fmt: skip
        shown = bar.add_task(", ".join(each.name for each in drills), total=seconds)

        async def tick() -> None:
            while True:
                await clock.sleep(0.5)
                bar.advance(shown, 0.5)

        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(tick())
            windows = await conduct(drills, hands, clock, lambda text: console.print(text, highlight=False), told)
            await clock.sleep(grace)
            ticking.cancel()
    return windows


def _told(source: Prometheus, clock: Clock) -> Told:
    """Whether every expected alert of a window has fired."""
    every = source.every()

    async def told(window: Window) -> bool:
        now = clock.now()
        raised = await asyncio.to_thread(source.fired, window.start, now, every)
        return not score([window], raised, grace=0).missed

    return told


@drill.command("score")
@click.argument("records", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--prometheus", required=True, metavar="URL", help="The Prometheus that watched.")
@click.option("--match", default="", metavar="MATCHERS", help="Label matchers of this installation, as in the export.")
@click.option("--severity", "severities", multiple=True, metavar="OURS=YOURS", help="What a severity is called there.")
@as_json
@places
def score_drill(
    records: tuple[Path, ...],
    config: Path,  # noqa: ARG001 - stands on every command
    state: Path,
    *,
    prometheus: str,
    match: str,
    severities: tuple[str, ...],
    json_wanted: bool,
) -> None:
    """Say for each trouble of RECORDS (the last run) which alert told of it and after how long; exit 1 on a miss.

    A page that belongs to no trouble, between the first one and the last, is a false one: exit 1 too.
    """
    windows, grace = _read_records(records or _last(state))
    source = Prometheus(prometheus, ",".join(map(str, parse_matchers(match))))
    now, every = SystemClock().now(), source.every()
    over = max(window.end for window in windows) + grace
    if now < over:
        click.echo(f"lgsp: alerts may still come for {over - now:.0f} s: ask again then", err=True)
        raise click.exceptions.Exit(4)
    raised = source.fired(min(window.start for window in windows), over, every)
    judged = score(windows, raised, grace=grace, page=parse_severities(severities)["page"])
    if json_wanted:
        print_json(_as_data(judged))
    else:
        _show(judged)
    raise click.exceptions.Exit(0 if judged.is_clean else 1)


def _last(state: Path) -> tuple[Path, ...]:
    found = sorted((state / RECORDS).glob("*.json"))
    if not found:
        raise SettingsError(f"no drill was run with {state}: `lgsp drill run FILE`, or name a record")
    return (found[-1],)


def _read_records(files: Sequence[Path]) -> tuple[list[Window], float]:
    windows: list[Window] = []
    scales: set[float] = set()
    for file in files:
        try:
            found, scale = of_record(json.loads(file.read_text(encoding="utf-8")))
        except (ValueError, MalformedRequest) as error:
            raise SettingsError(f"{file} cannot be read: {error}") from error
        windows += found
        scales.add(scale)
    if not windows or len(scales) > 1:
        raise SettingsError("records of one scale are scored together, and at least one trouble")
    return sorted(windows, key=lambda window: window.start), GRACE / scales.pop()


def _as_data(judged: Score) -> dict[str, Any]:
    return {
        "troubles": [
            {
                "drill": verdict.window.drill, "what": verdict.window.what, "services": list(verdict.window.services),
                "start": verdict.window.start, "end": verdict.window.end, "alert": verdict.alert,
                "verdict": "missed" if verdict.delay is None else "detected", "delay_seconds": verdict.delay,
            }
            for verdict in judged.verdicts
        ],
        "detected": len(judged.verdicts) - len(judged.missed),
        "missed": len(judged.missed),
        "false_pages": [asdict(each) for each in judged.false],
    }  # fmt: skip


def _show(judged: Score) -> None:
    table = Table("drill", "trouble", "alert", "verdict", "delay", box=None, pad_edge=False)
    for verdict in judged.verdicts:
        late = "" if verdict.delay is None else f"{verdict.delay:.1f} s"
        word = "missed" if verdict.delay is None else "detected"
        table.add_row(verdict.window.drill, verdict.window.what, verdict.alert, word, late)
    Console(width=160, highlight=False).print(table)
    for each in judged.false:
        at = datetime.fromtimestamp(each.start, UTC).strftime("%H:%M:%S")
        click.echo(f"false page: {each.alert} {each.service} at {at} UTC, for {each.end - each.start:.0f} s")
    found = len(judged.verdicts) - len(judged.missed)
    click.echo(f"{found} of {len(judged.verdicts)} detected, {len(judged.false)} false pages", err=True)
