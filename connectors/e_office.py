"""Quản lý văn bản và điều hành: Provincial E-office.

Facts (S2): context, operations, fields, the four states. Assumptions: fault codes are those of the document bus (S12), the
agency that asks is `donVi` and its secret the header `X-SecretKey`, the spelling of sub-paths, that the inbox holds a week.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from connectors.province import exchange
from connectors.province.body import object_of
from connectors.province.document import ON_THE_BUS
from connectors.province.exchange import coded
from connectors.province.person import TODAY
from lgsp import Outcome, Reply, Request, State

STATE = exchange.STATE
_PROVINCE, _GOVERNMENT = "000.00.00.H47", "000.00.00.G22"
_WEEK = timedelta(days=7)
_MOST, _BEFORE = 95, 5


def answer_with(request: Request, state: State) -> Reply:
    """`status`, `errorCode`, `errorDesc` and `data`."""
    if request.headers.get("x-secretkey") == "":
        return coded(request, 15)
    return OPERATIONS[request.operation](request, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """15 for a refusal, 20 for an error."""
    return coded(request, 15 if outcome is Outcome.REJECTED else 20)


def _inbox(request: Request, state: State) -> Reply:
    """What came in the last week, the newest first; then what was there before."""
    agency = request.query_values.get("donVi", _PROVINCE)
    if agency not in exchange.agencies(state):
        return coded(request, 19)
    today = (datetime.fromtimestamp(state.now, UTC) + timedelta(hours=7)).date()
    fresh = sorted(exchange.came(agency, today - _WEEK, today, state), key=_created, reverse=True)
    return coded(request, 0, data=[*fresh[:_MOST], *exchange.there_before(agency, TODAY, TODAY, _BEFORE, state)])


def _created(document: dict[str, str]) -> str:
    return document["createdTime"]


def _one(request: Request, state: State) -> Reply:
    document = request.path_values["docId"]
    if not exchange.is_document(document, state):
        return coded(request, 18)
    return coded(request, 0, data=exchange.one(document, state))


def _send(request: Request, state: State) -> Reply:
    if request.query_values.get("loaiVanBan", "edoc") != "edoc":
        return coded(request, 10)
    code, made = exchange.send(request.body, state)
    return coded(request, code, **({"docId": made} if made else {}))


def _state(request: Request, state: State) -> Reply:
    document = request.path_values["docId"]
    status = request.query_values.get("status") or str(object_of(request).get("status", ""))
    if status not in ON_THE_BUS:
        return coded(request, 10)
    if not exchange.is_document(document, state):
        return coded(request, 18)
    exchange.report(document, status, state)
    return coded(request, 0)


def _agencies(request: Request, state: State) -> Reply:
    listed = [
        {"id": str(n), "code": code, "name": name, "pid": "0" if code == _PROVINCE else "1"}
        for n, (code, name) in enumerate(exchange.agencies(state).items(), 1)
    ]
    if request.operation == "GET /donvilienthongs":
        listed.append({"id": "99", "code": _GOVERNMENT, "name": "Văn phòng Chính phủ", "pid": "0"})
    return coded(request, 0, data=listed)


def _register(request: Request, state: State) -> Reply:
    fields = object_of(request)
    code = str(fields.get("code", ""))
    if not exchange.is_agency(code) or not fields.get("name") or not fields.get("pcode"):
        return coded(request, 10)
    if str(fields["pcode"]) not in exchange.agencies(state):
        return coded(request, 18)
    exchange.join(code, str(fields["name"]), state)
    return coded(request, 0)


def _deregister(request: Request, state: State) -> Reply:
    code = request.query_values.get("agencyCode") or str(object_of(request).get("agencyCode", ""))
    if not exchange.is_agency(code):
        return coded(request, 10)
    return coded(request, 0 if exchange.leave(code, state) else 19)


OPERATIONS: dict[str, Callable[[Request, State], Reply]] = {
    "GET /vanbans": _inbox,
    "GET /vanbans/{docId}": _one,
    "POST /vanbans": _send,
    "PUT /vanbans/{docId}": _state,
    "GET /donvilienthongs": _agencies,
    "GET /donvilienthongs/qn": _agencies,
    "POST /donvilienthongs": _register,
    "PUT /donvilienthongs": _deregister,
}
