"""What a replay came to, and what one would come to: in words, or for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import click

from lgsp.app.replay import Replayed
from lgsp.cli.load import times_json
from lgsp.cli.options import print_json
from lgsp.traffic.diff.groups import Compared
from lgsp.traffic.diff.report import printable, text
from lgsp.traffic.load.account import Account
from lgsp.traffic.replay.plan import Books, Planned

_INCONCLUSIVE = 4


def exit_code(account: Account, books: Books, max_lag: float, compared: Compared | None = None) -> int:
    """4 where we were late ourselves; 1 where somebody did not answer, the run was cut short or the replies differ; 4 where none was compared."""
    if account.lag.percentile(99) > max_lag:
        return _INCONCLUSIVE
    if books.failed or books.unsent or (compared is not None and compared.groups):
        return 1
    return 0 if compared is None or compared.pairs else _INCONCLUSIVE


def tell_diff(compared: Compared, *, json_wanted: bool) -> None:
    """How the replies differ from the recorded ones."""
    if not json_wanted:
        click.echo(text(compared), nl=False)
    if not compared.pairs and not compared.groups:
        click.echo("inconclusive: no reply was compared", err=True)


def _books_json(books: Books) -> dict[str, Any]:
    counted = {"filtered": dict(books.filtered), "skipped": dict(books.skipped), "why": dict(books.why)}
    return asdict(books) | counted


def tell_plan(planned: Iterable[Planned], books: Books, *, json_wanted: bool) -> None:
    """What would go, and how long it would take."""
    asks: Counter[str] = Counter()
    seconds = 0.0
    for call in planned:
        asks[f"{call.service} {call.operation}".strip() or call.method] += 1
        seconds = call.due
    if json_wanted:
        would = {"would_send": asks.total(), "seconds": seconds, "asks": dict(asks)}
        print_json(would | {"books": _books_json(books)})
        return
    click.echo(f"{asks.total():,} of {books.records:,} records would go, in {seconds:.1f} s")
    for name, count in asks.most_common():
        click.echo(f"  {count:>8,} {printable(name)}")
    _tell_left(books)


def _tell_left(books: Books) -> None:
    for word, counts in (("filtered", books.filtered), ("skipped", books.skipped), ("failed", books.why)):
        for reason, count in counts.most_common():
            click.echo(f"  {count:>8,} {word}: {reason}")


def tell(replayed: Replayed, books: Books, max_lag: float, more: dict[str, Any], *, json_wanted: bool) -> None:
    """The books, the times and the outcomes; `more` is for programs."""
    account, whole = replayed.account, replayed.account.whole
    if json_wanted:
        outcomes = {str(outcome): count for outcome, count in sorted(whole.outcomes.items())}
        measured = {
            "response": times_json(whole.response), "service_time": times_json(whole.service), "lag": times_json(account.lag),
        }  # fmt: skip
        print_json({"books": _books_json(books), "seconds": replayed.seconds, "outcomes": outcomes, **measured, **more})
        return
    click.echo(
        f"{books.records:,} records = {books.sent:,} sent + {books.filtered.total():,} filtered + "
        f"{books.skipped.total():,} skipped + {books.failed:,} failed + {books.unsent:,} not sent any more, "
        f"in {replayed.seconds:.2f} s"
    )
    _tell_left(books)
    rows = (("response (from due)", whole.response), ("service (from send)", whole.service), ("own lag", account.lag))
    for name, times in rows:
        told = (f"{name} {value * 1000:,.1f}" for name, value in times_json(times).items())
        click.echo(f"{name:20} ms: {', '.join(told)}")
    click.echo(f"outcomes: {', '.join(f'{outcome} {count:,}' for outcome, count in whole.outcomes.most_common())}")
    if account.lag.percentile(99) > max_lag:
        click.echo(
            f"inconclusive: this tool was late itself, lag p99 {account.lag.percentile(99) * 1000:.1f} ms: go slower, or use a "
            "faster machine",
            err=True,
        )
