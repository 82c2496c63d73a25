"""Tổng đài 1022: the province's hotline.

Fact: in April 2023 it received 1,598 reports and settled 1,582. Assumptions: the contract.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.province.dossier import AGENCIES
from connectors.province.identifiers import is_phone
from connectors.province.proposal import refused
from connectors.province.ticket import Ticket, find_ticket, ticket_of
from lgsp import MalformedRequest, Outcome, Reply, Request

_DUPLICATE = "trùng"


async def answer(request: Request) -> Reply:
    """A report, its answer, or the new ones."""
    return OPERATIONS[request.operation](request)


def _file(request: Request) -> Reply:
    fields = _fields(request)
    phone, content = str(fields.get("dienThoai", "")), str(fields.get("noiDung", ""))
    if not is_phone(phone) or not content:
        return refused(request, "SCHEMA_REJECT", "Cần noiDung và dienThoai 10 chữ số", Outcome.REJECTED, 400)
    if _DUPLICATE in content.lower():
        return refused(request, "DUPLICATE", "Phản ánh đã được tiếp nhận", Outcome.BUSINESS_FAULT, 409)
    ticket = ticket_of(f"{phone}/{content}")
    return Reply.of_json(request, {"ma": ticket.code, "state": "Mới tiếp nhận", "due_at": _time(ticket.due)})


def _one(request: Request) -> Reply:
    ticket = find_ticket(request.path_values["ma"])
    return _missing(request) if ticket is None else Reply.of_json(request, _record(ticket))


def _record(ticket: Ticket) -> dict[str, str]:
    return {
        "ma": ticket.code,
        "linhVuc": ticket.field,
        "state": ticket.state,
        "handler": ticket.handler,
        "due_at": _time(ticket.due),
        "answered_at": _time(ticket.answered) if ticket.answered else "",
    }


def _settle(request: Request) -> Reply:
    ticket = find_ticket(request.path_values["ma"])
    if ticket is None:
        return _missing(request)
    fields = _fields(request)
    if not fields.get("ketQua"):
        return refused(request, "SCHEMA_REJECT", "Cần ketQua", Outcome.REJECTED, 400)
    if fields.get("donVi") not in AGENCIES:
        return refused(request, "WRONG_UNIT", "Đơn vị không phụ trách, chuyển trả", Outcome.BUSINESS_FAULT, 409)
    return Reply.of_json(request, {"ma": ticket.code, "state": "Đã trả lời"})


def _new(request: Request) -> Reply:
    tickets = [ticket_of(f"new {n}") for n in range(5)]
    return Reply.of_json(request, {"data": [_record(ticket) for ticket in tickets]})


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "POST /phananh": _file,
    "GET /phananh/{ma}": _one,
    "PUT /phananh/{ma}/ketqua": _settle,
    "GET /phananh/moi": _new,
}


def _time(moment: Any) -> str:  # noqa: ANN401 - a datetime
    return f"{moment:%Y-%m-%dT%H:%M:%S}+07:00"


def _fields(request: Request) -> dict[str, Any]:
    try:
        return request.json_object
    except MalformedRequest:
        return {}


def _missing(request: Request) -> Reply:
    return refused(request, "NOT_FOUND", "Không tìm thấy phản ánh", Outcome.BUSINESS_FAULT, 404)
