"""The table that `lgsp up` shows on a terminal."""

from __future__ import annotations

import asyncio

from rich.live import Live
from rich.table import Table

from lgsp.app.up import View


def table(view: View) -> Table:
    """Service by service: rate, official success, latency, in flight."""
    made = Table("service", "rate /s", "official success", "p50 ms", "p99 ms", "in flight", box=None, caption=view.curl)
    for column in made.columns[1:]:
        column.justify = "right"
    still_open = view.ledger.still_open()
    for row in view.recent.rows():
        made.add_row(
            row.service,
            f"{row.rate:.1f}",
            "-" if row.official is None else f"{row.official:.1%}",
            "-" if row.p50 is None else f"{row.p50 * 1000:.0f}",
            "-" if row.p99 is None else f"{row.p99 * 1000:.0f}",
            str(still_open.get(row.service, 0)),
        )
    return made


async def show(view: View) -> None:
    """Draw the table once a second until cancelled."""
    with Live(table(view), refresh_per_second=1) as live:
        while True:
            await asyncio.sleep(1)
            live.update(table(view))
