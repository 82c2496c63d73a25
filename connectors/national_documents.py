"""Trục liên thông văn bản quốc gia: National Document Exchange (VDXP).

Facts (S2, S3): the verbs, edXML and its namespace, the reply. Seen (S12): paths, headers, error codes, document states.
Assumptions: the context, the paths of the agency verbs, that sending twice gives the same id.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from connectors.province.document import CODES, LOCKED, STATES, Document, document_id, find_document, some_documents
from connectors.province.dossier import AGENCIES
from connectors.province.markup import NotXml, find, parse, text
from lgsp import MalformedRequest, Outcome, Reply, Request

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
OUTCOMES = {
    0: Outcome.OK,
    10: Outcome.REJECTED,
    15: Outcome.REJECTED,
    18: Outcome.BUSINESS_FAULT,
    19: Outcome.REJECTED,
    20: Outcome.PROVIDER_ERROR,
    21: Outcome.PROVIDER_ERROR,
    22: Outcome.REJECTED,
    23: Outcome.BUSINESS_FAULT,
}
_PART = re.compile(rb'name="edocFile"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n(.*?)\r?\n--', re.DOTALL)


async def answer(request: Request) -> Reply:
    """`status`, `errorCode`, `errorDesc`, `docId` and what was asked."""
    system = request.headers.get("x-systemid")
    if system is not None and system not in AGENCIES:
        return _coded(request, 15)
    return OPERATIONS[request.operation](request)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """15 for a refusal, 20 for an error."""
    return _coded(request, 15 if outcome is Outcome.REJECTED else 20)


def _send(request: Request) -> Reply:
    edoc = edoc_of(request)
    if edoc is None:
        return _coded(request, 10)
    code, document = accept(edoc)
    return _coded(request, code, document)


def edoc_of(request: Request) -> bytes | None:
    """The edXML of a request: a multipart's `edocFile`, or the body itself, as it is or in base64; `None` for neither."""
    body = request.body
    if request.headers.get("content-type", "").startswith("multipart/"):
        part = _PART.search(body)
        if part is None:
            return None
        body = part[1]
    if body.lstrip()[:1] == b"<":
        return body
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None


def accept(edoc: bytes) -> tuple[int, str]:
    """The code that a document is answered with, and the id it is given."""
    try:
        root = parse(edoc)
    except NotXml:
        return 10, ""
    sender, receiver = (_within(root, tag, "OrganId") for tag in ("From", "To"))
    own = text(root, "DocumentId")
    if find(root, "MessageHeader") is None or not sender or not receiver or not own:
        return 22, ""
    if sender not in AGENCIES:
        return 19, ""
    if receiver not in AGENCIES:
        return 18, ""
    return (23, "") if receiver == LOCKED else (0, document_id(own))


def _within(root: Any, tag: str, name: str) -> str:  # noqa: ANN401 - an element of markup
    element = find(root, tag)
    return "" if element is None else text(element, name)


def _inbox(request: Request) -> Reply:
    fields = request.query_values
    days = [_day(fields.get(name, "")) for name in ("fromDate", "toDate")]
    if days[0] is None or days[1] is None or days[0] > days[1]:
        return _coded(request, 10)
    if days[1] - days[0] > timedelta(days=31):
        return _coded(request, 10)
    listed = [record(document) for document in some_documents(f"{days[0]}/{days[1]}", 6)]
    return _coded(request, 0, data=listed)


def _day(text_: str) -> date | None:
    try:
        return date(*(int(part) for part in text_.split("/")))
    except (TypeError, ValueError):
        return None


def record(document: Document) -> dict[str, str]:
    """A document in a list."""
    return {
        "serviceType": "eDoc",
        "messageType": "edoc",
        "docId": document.id,
        "from": document.sender,
        "to": document.receiver,
        "status": document.state,
        "statusDesc": "",
        "createdTime": f"{document.created:%Y/%m/%d %H:%M:%S}",
    }


def edxml(document: Document) -> str:
    """The edXML of a document: header and trace, without signature and attachments."""
    people = "".join(
        f"<edXML:{tag}><edXML:OrganId>{code}</edXML:OrganId><edXML:OrganName>{AGENCIES.get(code, code)}</edXML:OrganName></edXML:{tag}>"
        for tag, code in (("From", document.sender), ("To", document.receiver))
    )
    number_, _, notation = document.notation.partition("/")
    header = (
        f"{people}<edXML:DocumentId>{document.id}</edXML:DocumentId>"
        f"<edXML:Code><edXML:CodeNumber>{number_}</edXML:CodeNumber><edXML:CodeNotation>{notation}</edXML:CodeNotation></edXML:Code>"
        f"<edXML:PromulgationInfo><edXML:Place>Quảng Nam</edXML:Place><edXML:PromulgationDate>{document.created:%Y/%m/%d}</edXML:PromulgationDate></edXML:PromulgationInfo>"
        f"<edXML:Subject>{document.subject}</edXML:Subject>"
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><edXML:Message xmlns:edXML="{NAMESPACE}">'
        f"<edXML:MessageHeader>{header}</edXML:MessageHeader><edXML:TraceHeaderList/></edXML:Message>"
    )


def _fetch(request: Request) -> Reply:
    document = find_document(request.query_values.get("docId", ""))
    if document is None:
        return _coded(request, 18)
    return _coded(request, 0, document.id, data=base64.b64encode(edxml(document).encode()).decode())


def _update(request: Request) -> Reply:
    try:
        fields = request.json_object
    except MalformedRequest:
        return _coded(request, 10)
    document = find_document(str(fields.get("docId", "")))
    if document is None or str(fields.get("status", "")) not in STATES:
        return _coded(request, 10)
    return _coded(request, 0, document.id)


def _agencies(request: Request) -> Reply:
    return _coded(request, 0, data=[{"code": code, "name": name} for code, name in AGENCIES.items()])


def _membership(request: Request) -> Reply:
    try:
        code = str(request.json_object.get("code", ""))
    except MalformedRequest:
        code = ""
    if not re.fullmatch(r"[0-9]{3}(\.[0-9]{2}){2}\.[A-Z][0-9]{2}", code):
        return _coded(request, 10)
    if request.operation == "POST /deleteAgency" and code not in AGENCIES:
        return _coded(request, 18)
    return _coded(request, 0, data={"code": code})


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "POST /sendEdoc": _send,
    "GET /syncReceivedEdocList": _inbox,
    "GET /getEdoc": _fetch,
    "POST /updateStatus": _update,
    "GET /getAgenciesList": _agencies,
    "POST /registerAgency": _membership,
    "POST /deleteAgency": _membership,
}


def _coded(request: Request, code: int, document: str = "", data: object = None) -> Reply:
    body: dict[str, Any] = {
        "status": "OK" if code == 0 else "FAIL",
        "errorCode": str(code),
        "errorDesc": CODES[code],
        "docId": document,
    }
    if data is not None:
        body["data"] = data
    reason = "" if code == 0 else f"error_{code}"
    return Reply.of_json(request, body, outcome=OUTCOMES[code], reason=reason)
