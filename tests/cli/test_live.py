from builders import a_transaction
from rich.console import Console

from lgsp.app.up import View
from lgsp.cli.live import table
from lgsp.clock import ManualClock
from lgsp.ledger.memory import MemoryLedger
from lgsp.model import Outcome
from lgsp.taps.recent import Recent


async def test_the_table_shows_rate_official_success_latency_and_what_is_in_flight() -> None:
    clock = ManualClock(start=1_000.0)
    recent, ledger = Recent(["svc", "idle"], clock), MemoryLedger(["svc", "idle"])
    await clock.advance(60)
    for outcome in (Outcome.OK, Outcome.OK, Outcome.OK, Outcome.TIMEOUT):
        recent.saw(a_transaction(outcome, started_at=1_050.0, seconds=0.25))
    await ledger.open(a_transaction().request)
    console = Console(width=120, record=True)
    console.print(
        table(
            View(
                recent, ledger, "http://gw", "http://admin", "http://admin/login", "curl token", "curl -s 'http://gw/x'"
            )
        )
    )
    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]
    assert "svc 0.1 75.0% 250 250 1" in lines
    assert "idle 0.0 - - - 0" in lines
    assert "curl -s 'http://gw/x'" in lines
