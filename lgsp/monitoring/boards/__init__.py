"""The boards for Grafana, as data: no service is named in any of them, every one finds its services by label.

What turns them into Grafana's JSON is `lgsp.monitoring.dashboards`.
"""

from __future__ import annotations

from lgsp.monitoring.boards.broker import broker
from lgsp.monitoring.boards.load import load
from lgsp.monitoring.boards.overview import overview
from lgsp.monitoring.boards.panel import Board
from lgsp.monitoring.boards.report import report
from lgsp.monitoring.boards.runtime import runtime
from lgsp.monitoring.boards.service import service
from lgsp.monitoring.boards.slo import slo
from lgsp.monitoring.profile import Profile


def boards(profile: Profile) -> tuple[Board, ...]:
    """Every board, from the general to the specific."""
    return tuple(make(profile) for make in (overview, service, slo, broker, runtime, report, load))
