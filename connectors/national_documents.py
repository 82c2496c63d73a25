"""Trục liên thông văn bản quốc gia: National Document Exchange (VDXP).

Facts (S2, S3): the verbs, edXML and its namespace, the reply. Seen (S12): paths, headers, error codes, document states.
Assumptions: the context, the paths of the agency verbs, that the agency that asks is the one of `X-SystemId`, the form of a
list, a window of 31 days.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from connectors.province import exchange
from connectors.province.body import object_of
from connectors.province.document import STATES
from connectors.province.exchange import coded, parse_day
from connectors.province.multipart import fields_of
from lgsp import Outcome, Reply, Request, State

STATE = exchange.STATE
_WINDOW = timedelta(days=31)
_PER_DAY = 2


def answer_with(request: Request, state: State) -> Reply:
    """`status`, `errorCode`, `errorDesc`, `docId` and what was asked."""
    if _system(request) not in exchange.agencies(state) or request.headers.get("x-secretkey") == "":
        return coded(request, 15, docId="")
    return OPERATIONS[request.operation](request, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """15 for a refusal, 20 for an error."""
    return coded(request, 15 if outcome is Outcome.REJECTED else 20, docId="")


def _system(request: Request) -> str:
    """The agency that asks; the province's own where none is named."""
    return request.headers.get("x-systemid", "000.00.00.H47")


def _send(request: Request, state: State) -> Reply:
    edoc = request.body
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/"):
        fields = fields_of(kind, edoc)
        edoc = fields.get("edocFile", b"")
        if fields.get("messageType", b"edoc").strip() != b"edoc":
            return coded(request, 10, docId="")
    code, made = exchange.send(edoc, state)
    return coded(request, code, docId=made)


def _inbox(request: Request, state: State) -> Reply:
    fields = request.query_values
    first, last = (parse_day(fields.get(name, "")) for name in ("fromDate", "toDate"))
    if fields.get("messageType", "edoc") != "edoc" or first is None or last is None:
        return coded(request, 10, docId="")
    if first > last or last - first > _WINDOW:
        return coded(request, 10, docId="")
    who = _system(request)
    listed = [
        *exchange.came(who, first, last, state),
        *exchange.there_before(who, first, last, _PER_DAY, state),
    ]
    return coded(request, 0, docId="", data=listed)


def _fetch(request: Request, state: State) -> Reply:
    document = request.query_values.get("docId", "")
    if not exchange.is_document(document, state):
        return coded(request, 18, docId="")
    return coded(request, 0, docId=document, data=exchange.content(document, state))


def _update(request: Request, state: State) -> Reply:
    fields = object_of(request)
    document, status = str(fields.get("docId", "")), str(fields.get("status", ""))
    if status not in STATES or not exchange.is_document(document, state):
        return coded(request, 10, docId="")
    exchange.report(document, status, state)
    return coded(request, 0, docId=document)


def _agencies(request: Request, state: State) -> Reply:
    listed = [{"code": code, "name": name} for code, name in exchange.agencies(state).items()]
    return coded(request, 0, docId="", data=listed)


def _register(request: Request, state: State) -> Reply:
    fields = object_of(request)
    code = str(fields.get("code", ""))
    if not exchange.is_agency(code):
        return coded(request, 10, docId="")
    exchange.join(code, str(fields.get("name") or code), state)
    return coded(request, 0, docId="", data={"code": code})


def _delete(request: Request, state: State) -> Reply:
    code = str(object_of(request).get("code", ""))
    if not exchange.is_agency(code):
        return coded(request, 10, docId="")
    if not exchange.leave(code, state):
        return coded(request, 18, docId="")
    return coded(request, 0, docId="", data={"code": code})


OPERATIONS: dict[str, Callable[[Request, State], Reply]] = {
    "POST /sendEdoc": _send,
    "GET /syncReceivedEdocList": _inbox,
    "GET /getEdoc": _fetch,
    "POST /updateStatus": _update,
    "GET /getAgenciesList": _agencies,
    "POST /registerAgency": _register,
    "POST /deleteAgency": _delete,
}
