"""`lgsp replay`: a capture asked again, at the times at which it was asked."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, TaskID

from lgsp.app import replay as running
from lgsp.app.broker import broker_url
from lgsp.app.entrance import AtConnectors, AtGateway, OnBus
from lgsp.app.recording import masking_of
from lgsp.capture.formats import NATIVE, Report, format_of, load
from lgsp.capture.sorting import by_time, lateness, nearly
from lgsp.catalogue.consumer import Consumer, read_consumers
from lgsp.catalogue.units import parse_duration
from lgsp.cli.call import caller_of, trusting
from lgsp.cli.expecting import Expected, expecting
from lgsp.cli.findings import file_away, filed, wanted
from lgsp.cli.load import AMQP, HTTP, allow, refuse_writes
from lgsp.cli.options import as_json, catalogue_of, places, take_in_own_people
from lgsp.cli.replayed import exit_code, tell, tell_diff, tell_plan
from lgsp.cli.run import settings_from
from lgsp.clock import SystemClock
from lgsp.edge.welcome import TESTER
from lgsp.errors import SettingsError
from lgsp.settings import environment, read_secret
from lgsp.traffic.diff import report as diff_report
from lgsp.traffic.diff.again import Heard
from lgsp.traffic.diff.groups import Compared
from lgsp.traffic.diff.rules import Rules, read_rules
from lgsp.traffic.replay.fresh import Fresh, parse_new
from lgsp.traffic.replay.journal import Journal
from lgsp.traffic.replay.plan import Books, Plan, Planned, Wish, sendable
from lgsp.traffic.replay.script import read_script
from lgsp.traffic.replay.turns import parse_turns

_INCONCLUSIVE = 4


@click.command()
@click.argument("capture", type=click.Path(path_type=Path, exists=True))
@click.option("--to", "url", metavar="URL", help="Where it is asked again.")
@click.option("--via", type=click.Choice(["gateway", "bus", "connector"]), default="gateway", show_default=True, help="The way in. With bus, --to is a broker's amqp:// address; with connector there is none: the stand-ins of --config answer in this process.")  # fmt: skip
@click.option("--seed", type=int, help="With --via connector: seed of all random draws [LGSP_SEED].")
@click.option("--calm", is_flag=True, help="With --via connector: no random errors, no simulated latency.")
@click.option("--speed", default="1", show_default=True, metavar="N|max", help="How fast its time goes.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Evenly, so many calls a second, instead of at its own times.")  # fmt: skip
@click.option("--max-gap", metavar="5s", help="Longer pauses are cut to this.")
@click.option("--from", "begin", default="0s", show_default=True, help="Begin so long after its first call.")
@click.option("--until", "end", help="End so long after its first call.")
@click.option("--loop", "rounds", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="So many times, one after the other.")  # fmt: skip
@click.option("--order", default="none", show_default=True, metavar="none|global|key:EXPR", help="Which calls wait for the answer to the one before: none, all, those with the same consumer, service, or place in the request ($.id, header:x).")  # fmt: skip
@click.option("--shift-dates", is_flag=False, flag_value="exact", type=click.Choice(["exact", "weeks"]), help="Move the dates in the calls by the time that has passed since; weeks: by whole weeks.")  # fmt: skip
@click.option("--new-ids", multiple=True, metavar="uuid|PLACE", help="Other ids than the recorded ones: all UUIDs, or what stands at a place ($.id, header:x, path).")  # fmt: skip
@click.option("--resume", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Note there what goes; what an earlier run noted does not go again.")  # fmt: skip
@click.option("--map", "maps", multiple=True, metavar="FROM=TO", help="Rewrite what a path begins with.")
@click.option("--bind", "scripts", type=click.Path(path_type=Path), multiple=True, metavar="FILE", help="What of the calls comes from replies, and what is computed anew: YAML, as `lgsp capture info --correlate` proposes it; or a name in replay/ of the configuration.")  # fmt: skip
@click.option("--max-in-flight", type=click.IntRange(min=1), default=1_000, show_default=True)
@click.option(
    "--max-lag", default="50ms", show_default=True, help="How late (p99) this tool may be itself; else exit 4."
)
@click.option(
    "--as", "consumer", help="Who asks: a consumer, whose token is fetched and renewed [with --via connector: tester]."
)
@click.option("--secret-file", type=click.Path(path_type=Path), help="Its secret [the one in the state directory].")
@click.option("--cacert", type=click.Path(path_type=Path), help="Whom to trust for https.")
@click.option("--allow-target", multiple=True, metavar="HOST", help="A host beyond this machine that may be asked.")
@click.option("--allow-writes", is_flag=True, help="Send what may change something too.")
@click.option("--diff", "compare", is_flag=True, help="Compare the replies with the recorded ones; exit 1 where they differ.")  # fmt: skip
@click.option("--rules", type=click.Path(path_type=Path), multiple=True, metavar="FILE", help="What is no difference: rules as those of `lgsp diff`.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would go; send nothing.")
@click.option(
    "--outcomes", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write what each call came to."
)
@expecting
@filed
@as_json
@places
def replay(config: Path, state: Path, *, json_wanted: bool, **asked: Any) -> None:  # noqa: ANN401 - click's
    """Ask CAPTURE (ours, HAR, GoReplay) again, each call at its time. The capture's own credentials are never sent.

    Exit 1 when a call got no answer, or --diff or --expect finds something; 4 when this tool was late itself.
    """
    script = read_script(
        [_script(config, each) for each in asked["scripts"]], lambda name: read_secret(name, environment())
    )
    wish = replace(wish_of(asked), bindings=script.bindings, signatures=script.signatures)
    max_lag = _seconds("--max-lag", asked["max_lag"])
    where = _place(asked)
    if wanted(asked) and not (asked["compare"] or asked["expect"]):
        raise SettingsError("--junit and --html hold what --diff or --expect finds: ask for one of them, or both")
    make = partial(_calls, asked["capture"], asked["rounds"], state)
    if asked["dry_run"]:
        books = Books()
        tell_plan(make(wish, books, _nobody), books, json_wanted=json_wanted)
        return
    if not asked["allow_writes"]:
        refuse_writes(make(wish, Books(), _nobody), catalogue_of(config), where)
    expected = Expected(asked, config, state, _seconds("--settle", asked["settle"])) if asked["expect"] else None
    target = _target(asked, config, state)
    books = Books()
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(asked["resume"])) if asked["resume"] else None
        progress = stack.enter_context(
            Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
        )
        bar = progress.add_task("reading", total=None)
        wish = replace(wish, done=journal.done if journal else ())
        calls = make(wish, books, lambda read: progress.update(bar, description=f"sorting, {read:,} records read"))
        heard = Heard() if asked["compare"] else None
        if heard is not None:
            calls = heard.meant(calls)
        keep = running.Keep(bool(asked["file"]), heard, journal.going if journal else _nothing)
        watch = partial(_ended, progress, bar)
        replayed = running.run(target, calls, books, watch, keep)
    if asked["file"]:
        lines = (json.dumps(asdict(result), ensure_ascii=False) + "\n" for result in replayed.results)
        asked["file"].write_text("".join(lines), encoding="utf-8")
    compared = _compared(heard, asked, config, state) if heard is not None else None
    met = expected.judge() if expected else None
    found = _found(compared, met, asked)
    file_away(found, asked)
    more = {part.name.rpartition("--")[2]: diff_report.as_json(part.compared) for part in found}
    tell(replayed, books, max_lag, more, json_wanted=json_wanted)
    if compared is not None:
        tell_diff(compared, json_wanted=json_wanted)
    if not books.balance:
        raise RuntimeError(f"the books do not balance, which is a mistake of lgsp: {books}")
    code = exit_code(replayed.account, books, max_lag, compared)
    if expected and met is not None:
        code = expected.tell(met, json_wanted=json_wanted) or code
    raise click.exceptions.Exit(code)


def _found(compared: Compared | None, met: Compared | None, asked: dict[str, Any]) -> list[diff_report.Part]:
    parts = (
        ("lgsp replay --diff", f"What {asked['capture']} is answered", compared),
        ("lgsp replay --expect", f"What was asked of the bus, and {asked['expect']}", met),
    )
    return [diff_report.Part(name, title, each) for name, title, each in parts if each is not None]


def _place(asked: dict[str, Any]) -> str:
    """What is asked, in words. Raises `SettingsError` where that is nothing, or beyond this machine and not allowed."""
    if asked["via"] == "connector":
        if asked["url"] is not None:
            raise SettingsError("--via connector asks the stand-ins of --config in this process: leave --to away")
        return "the stand-ins"
    if asked["url"] is None:
        raise SettingsError(
            "say where it is asked again: --to http://..., --to amqp://... with --via bus, or --via connector for the "
            "stand-ins of --config in this process"
        )
    if asked["calm"] or asked["seed"] is not None:
        raise SettingsError(f"--seed and --calm are for --via connector: {asked['url']} has its own")
    allow(asked["url"], asked["allow_target"], AMQP if asked["via"] == "bus" else HTTP)
    return str(asked["url"])


def _target(asked: dict[str, Any], config: Path, state: Path) -> running.Target:
    """Where it goes. Raises `SettingsError` for a consumer that is none, or has no secret."""
    many, url = asked["max_in_flight"], asked["url"]
    if asked["via"] == "gateway":
        who = caller_of(config, state, asked["consumer"], asked["secret_file"]) if asked["consumer"] else None
        return running.Target(partial(AtGateway, url, who, trusting(asked["cacert"], state)), many)
    known, consumer = read_consumers(config), asked["consumer"]
    if asked["via"] == "connector":
        take_in_own_people(config)
        settings = settings_from(config, state, "127.0.0.1:0", {"seed": asked["seed"], "calm": asked["calm"]})
        who_asks = _known(consumer or TESTER, known, "connector")
        return running.Target(partial(AtConnectors, settings, catalogue_of(config), who_asks), many)
    asks = _known(consumer, known, "bus")
    return running.Target(partial(OnBus, broker_url(url, None, None), catalogue_of(config), asks), many)


def _known(name: str | None, consumers: Mapping[str, Consumer], via: str) -> Consumer:
    if name is None or name not in consumers:
        there = ", ".join(sorted(consumers))
        raise SettingsError(f"--via {via} wants --as with a consumer of the configuration: {there}")
    return consumers[name]


def _calls(
    capture: Path, rounds: int, state: Path, wish: Wish, books: Books, watch: Callable[[int], None]
) -> Iterator[Planned]:
    """The calls of a capture in the order of their times, read as they are wanted where that order is known of the file."""
    late = lateness(capture) if format_of(capture).name == NATIVE else None
    made = Plan(wish, books)
    for _ in range(rounds):
        report = Report()
        kept = sendable(load(capture, report), books)
        yield from made.calls(by_time(kept, state, watch) if late is None else nearly(kept, late, str(capture)))
        if report.skipped:
            books.records += report.skipped
            books.skipped["could not be read: see lgsp capture verify"] += report.skipped


def _compared(heard: Heard, asked: dict[str, Any], config: Path, state: Path) -> Compared:
    """What was answered, held against what the capture says was answered."""
    rules = Rules(rule for file in asked["rules"] for rule in read_rules(file))
    read = Report()
    recorded = load(asked["capture"], read)
    first = list(islice(recorded, 1))  # with it the header of the file is known
    mask = masking_of(config, state).record if read.header.get("masked") else lambda record: record
    return heard.against(chain(first, recorded), rules, mask)


def _nobody(_: int) -> None:
    pass


def _nothing(_: str) -> None:
    pass


def _ended(progress: Progress, bar: TaskID, ended: int) -> None:
    progress.update(bar, description=f"replaying, {ended:,} answered")


def wish_of(asked: dict[str, Any]) -> Wish:
    """What the options mean. Raises `SettingsError`."""
    speed = None
    if asked["speed"] != "max":
        try:
            speed = float(asked["speed"])
        except ValueError:
            speed = 0.0
        if not 0 < speed < float("inf"):
            raise SettingsError(f"--speed {asked['speed']!r} is none: write 2 for twice as fast, or max")
    if asked["rate"] is not None and asked["speed"] != "1":
        raise SettingsError("--rate and --speed both say when: give one of them")
    try:
        turns = parse_turns(asked["order"])
    except ValueError as error:
        raise SettingsError(f"--order: {error}") from error
    try:
        uuids, new = parse_new(asked["new_ids"])
    except ValueError as error:
        raise SettingsError(f"--new-ids: {error}") from error
    now = SystemClock().now() if asked["shift_dates"] else None
    fresh = Fresh(now, asked["shift_dates"] == "weeks", uuids, new, salt=secrets.token_hex(8))
    maps = []
    for text in asked["maps"]:
        old, sign, new = text.partition("=")
        if not sign or not old.startswith("/"):
            raise SettingsError(f"--map {text!r} rewrites nothing: write /old=/new")
        maps.append((old, new))
    return Wish(
        speed=speed,
        rate=asked["rate"],
        turns=turns,
        fresh=fresh,
        gap=_seconds("--max-gap", asked["max_gap"]) if asked["max_gap"] else None,
        begin=_seconds("--from", asked["begin"]),
        end=_seconds("--until", asked["end"]) if asked["end"] else None,
        maps=tuple(maps),
    )


def _script(config: Path, given: Path) -> Path:
    """The file that was named: as it stands, or of those that come with the configuration. Raises `SettingsError`."""
    shipped = config / "replay" / f"{given}.yaml"
    if given.is_file() or not shipped.is_file():
        if not given.is_file():
            raise SettingsError(f"--bind {given}: there is no such file, and none of that name in {shipped.parent}")
        return given
    return shipped


def _seconds(flag: str, text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise SettingsError(f"{flag}: {error}") from error
