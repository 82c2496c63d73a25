"""Quản lý văn bản và điều hành: Provincial E-office.

Facts (S2): context, operations, fields, the four states. Assumptions: fault codes are those of the document bus (S12), the
calling agency's secret travels as the header `X-SecretKey`, the spelling of sub-paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.province.document import CODES, ON_THE_BUS, Document, find_document, some_documents
from connectors.province.dossier import AGENCIES
from connectors.province.seed import number
from lgsp import MalformedRequest, Outcome, Reply, Request

_FAULTS = {18, 23}
_ERRORS = {20, 21}
_CODE = re.compile(r"[0-9]{3}(\.[0-9]{2}){2}\.[A-Z][0-9]{2}")


async def answer(request: Request) -> Reply:
    """`status`, `errorCode`, `errorDesc` and `data`."""
    return OPERATIONS[request.operation](request)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """15 for a refusal, 20 for an error."""
    return _coded(request, 15 if outcome is Outcome.REJECTED else 20)


def _inbox(request: Request) -> Reply:
    agency = request.query_values.get("donVi", "000.00.00.H47")
    if agency not in AGENCIES:
        return _coded(request, 19)
    return _coded(request, 0, data=[_record(document) for document in some_documents(f"e-office {agency}", 5)])


def _record(document: Document) -> dict[str, str]:
    return {
        "serviceType": "eDoc",
        "messageType": "edoc",
        "statusDesc": "",
        "docId": document.id,
        "from": document.sender,
        "to": document.receiver,
        "status": document.state,
        "createdTime": f"{document.created:%Y-%m-%d %H:%M:%S}",
    }


def _one(request: Request) -> Reply:
    document = find_document(request.path_values["docId"])
    if document is None:
        return _coded(request, 18)
    return _coded(request, 0, data=_record(document) | {"subject": document.subject, "code": document.notation})


def _send(request: Request) -> Reply:
    if request.query_values.get("loaiVanBan", "edoc") != "edoc":
        return _coded(request, 10)
    if not re.fullmatch(rb"[A-Za-z0-9+/\s]+=*\s*", request.body) or len(request.body.split()) == 0:
        return _coded(request, 10)
    key = request.body.decode()
    return _coded(request, 0, docId=some_documents(f"sent {number(key, 'sent', 10**15)}", 1)[0].id)


def _state(request: Request) -> Reply:
    status = request.query_values.get("status") or str(_fields(request).get("status", ""))
    if status not in ON_THE_BUS:
        return _coded(request, 10)
    if find_document(request.path_values["docId"]) is None:
        return _coded(request, 18)
    return _coded(request, 0)


def _agencies(request: Request) -> Reply:
    abroad = request.operation == "GET /donvilienthongs"
    listed = [
        {"id": str(n), "code": code, "name": name, "pid": "0" if code == "000.00.00.H47" else "1"}
        for n, (code, name) in enumerate(AGENCIES.items(), 1)
    ]
    if abroad:
        listed.append({"id": "99", "code": "000.00.00.G22", "name": "Văn phòng Chính phủ", "pid": "0"})
    return _coded(request, 0, data=listed)


def _register(request: Request) -> Reply:
    fields = _fields(request)
    if not _CODE.fullmatch(str(fields.get("code", ""))) or not fields.get("name") or not fields.get("pcode"):
        return _coded(request, 10)
    return _coded(request, 0) if fields["pcode"] in AGENCIES else _coded(request, 18)


def _deregister(request: Request) -> Reply:
    code = request.query_values.get("agencyCode") or str(_fields(request).get("agencyCode", ""))
    if not _CODE.fullmatch(code):
        return _coded(request, 10)
    return _coded(request, 0) if code in AGENCIES else _coded(request, 19)


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "GET /vanbans": _inbox,
    "GET /vanbans/{docId}": _one,
    "POST /vanbans": _send,
    "PUT /vanbans/{docId}": _state,
    "GET /donvilienthongs": _agencies,
    "GET /donvilienthongs/qn": _agencies,
    "POST /donvilienthongs": _register,
    "PUT /donvilienthongs": _deregister,
}


def _fields(request: Request) -> dict[str, Any]:
    try:
        return request.json_object
    except MalformedRequest:
        return {}


def _coded(request: Request, code: int, **more: object) -> Reply:
    outcome = (
        Outcome.OK
        if code == 0
        else Outcome.BUSINESS_FAULT
        if code in _FAULTS
        else Outcome.PROVIDER_ERROR
        if code in _ERRORS
        else Outcome.REJECTED
    )
    body = {"status": "OK" if code == 0 else "FAIL", "errorCode": str(code), "errorDesc": CODES[code], **more}
    return Reply.of_json(request, body, outcome=outcome, reason="" if code == 0 else f"error_{code}")
