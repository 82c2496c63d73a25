"""Reports of citizens to the hotline, from their code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.province.dossier import AGENCIES
from connectors.province.seed import digits, number, pick

STATES = ("Mới tiếp nhận", "Đang xử lý", "Đã trả lời", "Chuyển trả")
FIELDS = ("Hạ tầng đô thị", "Môi trường", "An ninh trật tự", "Thủ tục hành chính", "Điện, nước")
WORKING_DAYS = 15
"""Days to settle a report (index 5.2 of QĐ 766, S38)."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One report."""

    code: str

    @property
    def state(self) -> str:
        """Where it stands."""
        return pick(self.code, "state", (STATES[0], STATES[1], STATES[2], STATES[2], STATES[2], STATES[2]))

    @property
    def field(self) -> str:
        """What it is about."""
        return pick(self.code, "field", FIELDS)

    @property
    def handler(self) -> str:
        """Organisation code of who answers."""
        return pick(self.code, "handler", tuple(AGENCIES))

    @property
    def received(self) -> datetime:
        """When it came, local time."""
        return datetime(2023, 4, 1, 7) + timedelta(minutes=number(self.code, "received", 50 * 24 * 60))  # noqa: DTZ001 - local time

    @property
    def due(self) -> datetime:
        """Until when it is to be settled."""
        return self.received + timedelta(days=WORKING_DAYS + 6)

    @property
    def end(self) -> datetime:
        """When it is answered, whether it is by today or not."""
        return self.received + timedelta(hours=5 + number(self.code, "answered", 300))


def find_ticket(code: str) -> Ticket | None:
    """The report of that code (`PA` and 8 digits); `None` where there is none (codes that end in 99)."""
    return Ticket(code) if re.fullmatch(r"PA[0-9]{8}", code) and not code.endswith("99") else None


def ticket_of(content: str) -> Ticket:
    """The report that this content makes."""
    serial = digits(content, "ticket", 8)
    return Ticket(f"PA{serial[:-1]}0")


def some_tickets(field: str, state: str, count: int) -> list[Ticket]:
    """Reports of a field that stand so, always the same ones."""
    made = (ticket_of(f"{field} {state} {nth}") for nth in range(60 * count))
    return [ticket for ticket in made if (ticket.field, ticket.state) == (field, state)][:count]
