"""What a system asked of a bus while a capture was replayed to it, and what `lgsp replay --expect` says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from lgsp.app.recording import masking_of
from lgsp.capture.formats import Report, load
from lgsp.capture.record import Asked, Body, Record
from lgsp.catalogue.service import Catalogue
from lgsp.cli.ask import ask_admin
from lgsp.cli.diff import rules_of
from lgsp.cli.options import catalogue_of
from lgsp.edge.exchanges import PATH
from lgsp.errors import SettingsError
from lgsp.traffic.diff import report
from lgsp.traffic.diff.groups import Compared
from lgsp.traffic.replay.expect import expect

_NS = 1_000_000_000
_INCONCLUSIVE = 4
_OPTIONS = (
    click.option("--expect", type=click.Path(path_type=Path, exists=True), metavar="CAPTURE", help="What the target is expected to ask of the bus meanwhile; exit 1 where it asks something else."),
    click.option("--asked", type=click.Path(path_type=Path), metavar="CAPTURE", help="Where what it asked is being recorded [the exchanges of the calm bus at --admin]."),
    click.option("--admin", default="http://127.0.0.1:8290", show_default=True, metavar="URL", help="The bus's admin port."),
    click.option("--settle", default="0s", show_default=True, help="Wait so long after the last answer for calls that are made behind it."),
    click.option("--any-order", is_flag=True, help="The order of its calls says nothing."),
    click.option("--ignore", multiple=True, metavar="PATH", help="Do not compare what is there, as in 'request.body.time'."),
)  # fmt: skip


def expecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `--expect`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Expected:
    """One comparison: made before the replay, asked after it."""

    def __init__(self, asked: Mapping[str, Any], config: Path, state: Path, settle: float) -> None:
        """Raises `SettingsError` where the bus shows no exchanges, `BusUnavailable` where there is none."""
        self._asked = asked
        self._state = state
        self._settle = settle
        self._catalogue = catalogue_of(config)
        self._rules = rules_of(
            {"subset": (), "unordered": (), "shape": (), "tolerance": (), **asked, "files": asked["rules"]}
        )
        read = Report()
        self._calls = list(load(asked["expect"], read))
        self._mask = masking_of(config, state).record if read.header.get("masked") else None
        self._before = self._look() if asked["asked"] is None else {}
        self.lost = 0
        """What the bus no longer knew when it was asked."""

    def judge(self) -> Compared:
        """What is missing, extra, different or out of order."""
        time.sleep(self._settle)
        calls = self._recorded() if self._asked["asked"] is not None else self._shown()
        if self._mask is not None:
            calls = map(self._mask, calls)
        return expect(self._calls, calls, self._rules, ordered=not self._asked["any_order"])

    def tell(self, compared: Compared, *, json_wanted: bool) -> int:
        """Say it, on stdout unless JSON is wanted; the exit code."""
        if not json_wanted:
            click.echo(report.text(compared), nl=False)
        if self.lost:
            says = f"the bus kept too little: {self.lost:,} exchanges were forgotten meanwhile; record them, and give --asked"
            click.echo(f"inconclusive: {says}", err=True)
            return _INCONCLUSIVE
        if compared.groups:
            return 1
        if not compared.pairs:
            click.echo("inconclusive: nothing was expected, and nothing asked", err=True)
            return _INCONCLUSIVE
        return 0

    def _recorded(self) -> Iterator[Record]:
        return load(self._asked["asked"], Report())

    def _shown(self) -> Iterator[Record]:
        after = self._look()
        known = {each["transaction"] for each in self._before["exchanges"]}
        self.lost = max(0, after["forgotten"] - self._before["forgotten"] - len(known))
        return records_of([each for each in after["exchanges"] if each["transaction"] not in known], self._catalogue)

    def _look(self) -> Any:  # noqa: ANN401 - JSON
        found = ask_admin(self._asked["admin"], "GET", PATH, self._state, absent={})
        if not found:
            raise SettingsError(
                f"the bus at {self._asked['admin']} shows no exchanges: only a calm one does (lgsp up --calm); "
                "of another, record what is asked, and give --asked"
            )
        return found


def records_of(exchanges: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> Iterator[Record]:
    """Exchanges as records of the entrance. Raises `SettingsError` for one that is shown to the bearer of a token only."""
    for seq, each in enumerate(exchanges, 1):
        if "request" not in each:
            raise SettingsError(
                f"{each['service']}: {each['closed']}: give the bus's own --state, or LGSP_ADMIN_TOKEN_FILE"
            )
        asked = each["request"]
        context = catalogue.find(each["service"]).context if each["service"] in catalogue else ""
        url = context + asked["path"] + (f"?{asked['query']}" if asked["query"] else "")
        method = each["operation"].partition(" ")[0]
        yield Record(
            t=int(each["at"] * _NS),
            seq=seq,
            tx=each["transaction"],
            consumer=each["consumer"],
            service=each["service"],
            operation=each["operation"],
            request=Asked(method, url, tuple(asked["headers"].items()), Body.of(asked["body"].encode())),
            times={"total": int(each["seconds"] * _NS)},
            outcome=each["outcome"],
        )
