"""Tổng đài 1022: the province's hotline.

Fact: in April 2023 it received 1,598 reports and settled 1,582. Assumptions: the contract. With `tuNgay` the list is of what came on
that day, open or settled as time has passed.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from connectors.province import calls
from connectors.province.body import object_of
from connectors.province.dates import local, parse_ymd
from connectors.province.dossier import AGENCIES
from connectors.province.identifiers import is_phone
from connectors.province.proposal import refused
from connectors.province.ticket import FIELDS, STATES, Ticket, find_ticket, some_tickets, ticket_of
from lgsp import Kept, Outcome, Reply, Request, State

STATE = {"ticket": Kept(seconds=90 * 86_400), "answer": Kept(seconds=90 * 86_400)}
"""`ticket`: reports that were filed, by field and code; `answer`: who answered what, by code."""
NEW, ANSWERED, RETURNED = STATES[0], STATES[2], STATES[3]
_DUPLICATE = "trùng"
_MOST, _BEFORE = 100, 5


def answer_with(request: Request, state: State) -> Reply:
    """A report, its answer, or the new ones."""
    return OPERATIONS[request.operation](request, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The hotline's own error form."""
    if outcome is Outcome.REJECTED:
        return refused(request, "SCHEMA_REJECT", "Dữ liệu không hợp lệ", outcome, 400)
    return refused(request, "SYSTEM_ERROR", "Hệ thống 1022 gặp lỗi", outcome, 500)


def _file(request: Request, state: State) -> Reply:
    fields = object_of(request)
    phone, content = str(fields.get("dienThoai", "")), str(fields.get("noiDung", ""))
    if not is_phone(phone) or not content:
        return refused(request, "SCHEMA_REJECT", "Cần noiDung và dienThoai 10 chữ số", Outcome.REJECTED, 400)
    if _DUPLICATE in content.lower():
        return refused(request, "DUPLICATE", "Phản ánh đã được tiếp nhận", Outcome.BUSINESS_FAULT, 409)
    # The same words from the same telephone are the same report: who retries has not filed two.
    ticket = ticket_of(f"{phone}/{content}")
    if state.get("ticket", _key(ticket)) is None:
        state.put("ticket", _key(ticket), {"noiDung": content})
    return Reply.of_json(request, {"ma": ticket.code, "state": NEW, "due_at": _time(ticket.due)})


def _one(request: Request, state: State) -> Reply:
    ticket = _find(request.path_values["ma"], state)
    return _missing(request) if ticket is None else Reply.of_json(request, _record(ticket, state))


def _find(code: str, state: State) -> Ticket | None:
    ticket = find_ticket(code)
    return None if ticket is None and state.get("ticket", _key(Ticket(code))) is None else Ticket(code)


def _record(ticket: Ticket, state: State) -> dict[str, str]:
    answer = state.get("answer", ticket.code)
    call = calls.find(ticket.code) if answer is None and state.get("ticket", _key(ticket)) is None else None
    if call is not None:
        return _heard(call, ticket.handler, state)
    if answer:
        says, who, when = ANSWERED, str(answer["donVi"]), _time(ticket.end)
    elif state.get("ticket", _key(ticket)) is not None:
        says, who, when = NEW, ticket.handler, ""
    else:
        says, who, when = ticket.state, ticket.handler, _time(ticket.end) if ticket.state == ANSWERED else ""
    return {
        "ma": ticket.code,
        "linhVuc": ticket.field,
        "state": says,
        "handler": who,
        "due_at": _time(ticket.due),
        "answered_at": when,
    }


def _heard(call: calls.Call, handler: str, state: State) -> dict[str, str]:
    settled = call.settled if call.settled and call.settled <= local(state.now) else None
    return {
        "ma": call.code,
        "linhVuc": call.field,
        "state": ANSWERED if settled else NEW,
        "handler": handler,
        "due_at": _time(call.due),
        "answered_at": _time(settled) if settled else "",
    }


def _settle(request: Request, state: State) -> Reply:
    ticket = _find(request.path_values["ma"], state)
    if ticket is None:
        return _missing(request)
    fields = object_of(request)
    if not fields.get("ketQua"):
        return refused(request, "SCHEMA_REJECT", "Cần ketQua", Outcome.REJECTED, 400)
    if str(fields.get("donVi")) not in AGENCIES:
        return refused(request, "WRONG_UNIT", "Đơn vị không phụ trách, chuyển trả", Outcome.BUSINESS_FAULT, 409)
    answer = {"ketQua": str(fields["ketQua"]), "donVi": str(fields["donVi"])}
    there = state.get("answer", ticket.code)
    if there not in (None, answer):
        return refused(request, "DUPLICATE", "Phản ánh đã được trả lời", Outcome.BUSINESS_FAULT, 409)
    if there is None:
        state.put("answer", ticket.code, answer)
    return Reply.of_json(request, {"ma": ticket.code, "state": ANSWERED})


def _of_day(request: Request, day: str, state: State) -> Reply:
    """What came on a day up to now, and how much of it is settled by now."""
    on = parse_ymd(day)
    if on is None:
        return refused(request, "SCHEMA_REJECT", "tuNgay phải có dạng yyyyMMdd", Outcome.REJECTED, 400)
    now = local(state.now)
    came = [_record(Ticket(call.code), state) for call in calls.each_of(on) if call.received <= now]
    settled = sum(one["state"] == ANSWERED for one in came)
    return Reply.of_json(request, {"tongSo": len(came), "daXuLy": settled, "data": came[:_MOST]})


def _new(request: Request, state: State) -> Reply:
    if "tuNgay" in request.query_values:
        return _of_day(request, request.query_values["tuNgay"], state)
    field = request.query_values.get("linhVuc", FIELDS[0])
    if field not in FIELDS:
        return refused(request, "SCHEMA_REJECT", f"linhVuc là {', '.join(FIELDS)}", Outcome.REJECTED, 400)
    filed = (Ticket(key.rpartition("/")[2]) for key, _ in state.each("ticket", f"{field}/"))
    told = islice((ticket for ticket in filed if state.get("answer", ticket.code) is None), _MOST)
    before = (ticket for ticket in some_tickets(field, NEW, _BEFORE) if state.get("answer", ticket.code) is None)
    data = {ticket.code: _record(ticket, state) for ticket in (*told, *before)}
    return Reply.of_json(request, {"data": list(data.values())})


OPERATIONS: dict[str, Callable[[Request, State], Reply]] = {
    "POST /phananh": _file,
    "GET /phananh/{ma}": _one,
    "PUT /phananh/{ma}/ketqua": _settle,
    "GET /phananh/moi": _new,
}


def _key(ticket: Ticket) -> str:
    """Field and code, so that the reports of a field lie side by side."""
    return f"{ticket.field}/{ticket.code}"


def _time(moment: Any) -> str:  # noqa: ANN401 - a datetime
    return f"{moment:%Y-%m-%dT%H:%M:%S}+07:00"


def _missing(request: Request) -> Reply:
    return refused(request, "NOT_FOUND", "Không tìm thấy phản ánh", Outcome.BUSINESS_FAULT, 404)
