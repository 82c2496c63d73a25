"""The contract of national-documents: edXML sent, listed, fetched and reported on."""

from __future__ import annotations

import base64
import json

import pytest
import remembering
from builders import a_request
from edocs import BOMB, HEADER, ID, OUTSIDE, edoc
from facts import COMMON, OURS, Case, Contract, documented, seen, values_of
from hypothesis import given
from hypothesis import strategies as st

from connectors import national_documents
from connectors.province.document import CODES, LOCKED, STATES
from connectors.province.multipart import fields_of
from lgsp.model import Outcome

contract = Contract("national-documents")
S3, S12, BOTH = documented("S3"), seen("S12"), documented("S3, S12")
REPLY = "status errorCode errorDesc docId"
REFUSED, FAULT, ERROR = Outcome.REJECTED, Outcome.BUSINESS_FAULT, Outcome.PROVIDER_ERROR
OUTCOMES = {
    0: Outcome.OK,
    10: REFUSED,
    15: REFUSED,
    18: FAULT,
    19: REFUSED,
    20: ERROR,
    21: ERROR,
    22: REFUSED,
    23: FAULT,
}
LISTED = ["serviceType", "messageType", "statusDesc", "docId", "from", "to", "status", "createdTime"]

SEND = contract.operation(
    "POST /sendEdoc",
    BOTH,
    sends=f"(multipart/form-data) {' '.join(f'Message.MessageHeader.{name}' for name in HEADER)}",
)
contract.knows(
    S3,
    SEND,
    sends="Message.MessageHeader.From.OrganId Message.MessageHeader.From.OrganName Message.MessageHeader.To.OrganId"
    " Message.MessageHeader.To.OrganName Message.TraceHeaderList Message.Bussiness.BussinessDocType"
    " Message.Bussiness.Paper Message.Bussiness.StaffInfo Message.Signature Message.AttachmentEncoded",
)
INBOX = contract.operation(
    "GET /syncReceivedEdocList", BOTH, sends="messageType fromDate toDate", takes={"messageType": ["edoc"]}
)
contract.knows(
    OURS,
    INBOX,
    gets=f"data {' '.join(f'data.{name}' for name in LISTED)}",
    says={"data.status": ["INITIAL", "PROCESSING", "DONE", "FAIL"]},
)
FETCH = contract.operation("GET /getEdoc", BOTH, sends="docId")
contract.knows(OURS, FETCH, gets="data")
UPDATE = contract.operation("POST /updateStatus", BOTH, sends="docId status")
contract.knows(S12, UPDATE, takes={"status": STATES})
AGENCIES = contract.operation("GET /getAgenciesList", S3)
contract.knows(OURS, AGENCIES, gets="data data.code data.name")
JOIN = contract.operation("POST /registerAgency", S3)
LEAVE = contract.operation("POST /deleteAgency", S3)
contract.knows(OURS, JOIN, sends="code name", gets="data data.code")
contract.knows(OURS, LEAVE, sends="code", gets="data data.code")
ALL = (SEND, INBOX, FETCH, UPDATE, AGENCIES, JOIN, LEAVE)
contract.knows(documented("S2, S3"), *ALL, gets=REPLY, status=[200])
contract.knows(S12, *ALL, sends="x-systemid: x-secretkey:", says={"errorCode": ["0", "15", "20"]})
contract.knows(S12, SEND, says={"errorCode": ["10", "18", "19", "22", "23"]})
contract.knows(OURS, FETCH, LEAVE, says={"errorCode": ["18"]})
contract.knows(OURS, INBOX, UPDATE, JOIN, LEAVE, says={"errorCode": ["10"]})

OWN = {"x-systemid": "000.00.07.H47", "x-secretkey": "mo-phong"}
SENT_ID = "20230524-0434-4951-80a8-36d64c918de0"
BEFORE = "20230523-0102-479f-87a2-59e9d7f96ee3"
WINDOW = {"messageType": "edoc", "fromDate": "2023/05/24", "toDate": "2023/05/24"}


def multipart(document: bytes, kind: str = "edoc") -> tuple[bytes, dict[str, str]]:
    lines = (
        b"--lgsp", b'Content-Disposition: form-data; name="messageType"', b"", kind.encode(), b"--lgsp",
        b'Content-Disposition: form-data; name="edocFile"; filename="van-ban.edxml"', b"Content-Type: application/xml", b"",
        document, b"--lgsp--", b"",
    )  # fmt: skip
    return b"\r\n".join(lines), {"content-type": "multipart/form-data; boundary=lgsp"}


def sending(name: str, document: bytes, code: int = 0, kind: str = "edoc", *after: Case, **headers: str) -> Case:
    body, form = multipart(document, kind)
    gives = {
        "errorCode": str(code),
        "errorDesc": CODES[code],
        "status": "OK" if code == 0 else "FAIL",
        "docId": SENT_ID if code == 0 else "",
    }
    return contract.case(
        name,
        S12 if code else BOTH,
        SEND,
        body=body,
        headers=OWN | form | headers,
        outcome=OUTCOMES[code],
        gives=gives,
        after=after,
    )


sent = sending("sent", edoc())
sending("sent again", edoc(), 0, "edoc", sent)
in_lines = sending("in base64", base64.encodebytes(edoc()))
marked = sending("with a byte order mark", b"\xef\xbb\xbf" + edoc())
contract.case("without a form", COMMON, SEND, body=edoc(), headers=OWN, gives={"docId": SENT_ID})
sending("no receiver", edoc(to=("000.00.99.H99",)), 18)
sending("one of two receivers unknown", edoc(to=("000.00.07.H47", "000.00.99.H99")), 18)
sending("a locked receiver", edoc(to=(LOCKED,)), 23)
sending("no sender", edoc(sender="000.00.99.H99"), 19)
sending("another form of message", edoc(), 10, "status")
for name, file in {
    "no XML": b"?",
    "half an XML": b"<a",
    "a bomb": BOMB,
    "an entity from outside": OUTSIDE,
    "nothing": b"",
}.items():
    sending(name, file, 10)
sending("no edXML", b"<a/>", 22)
sending("another namespace", edoc().replace(b"QCVN_102_2016", b"x"), 22)
sending("no document id", edoc(own=""), 22)
sending("a stranger", edoc(), 15, **{"x-systemid": "x"})
sending("no secret", edoc(), 15, **{"x-secretkey": ""})

contract.case(
    "sent today", BOTH, INBOX, query=WINDOW, headers=OWN, after=(sent,),
    gives={"errorCode": "0", "data.docId": [SENT_ID], "data.from": ["000.00.05.H47"], "data.to": ["000.00.07.H47"] * 3, "data.status": ["INITIAL"], "data.messageType": ["edoc"] * 3},
)  # fmt: skip
contract.case(
    "there before",
    OURS,
    INBOX,
    query=WINDOW | {"fromDate": "2023/05/23"},
    headers=OWN,
    gives={"data.to": ["000.00.07.H47"] * 4},
)
for name, days in {
    "days in another form": {"fromDate": "24/05/2023"},
    "from after to": {"fromDate": "2023/05/25"},
    "more than a month": {"fromDate": "2023/04/22"},
}.items():
    contract.case(name, OURS, INBOX, query=WINDOW | days, headers=OWN, outcome=REFUSED, gives={"errorCode": "10"})
contract.case(
    "as it was sent",
    BOTH,
    FETCH,
    query={"docId": SENT_ID},
    headers=OWN,
    after=(sent,),
    gives={"errorCode": "0", "docId": SENT_ID, "data": base64.b64encode(edoc()).decode()},
)
for sent_so in (in_lines, marked):
    contract.case(
        f"as it was sent {sent_so.name}",
        OURS,
        FETCH,
        query={"docId": SENT_ID},
        headers=OWN,
        after=(sent_so,),
        gives={"data": base64.b64encode(edoc()).decode()},
    )
contract.case(
    "there before", OURS, FETCH, query={"docId": BEFORE}, headers=OWN, gives={"errorCode": "0", "docId": BEFORE}
)
contract.case("unknown", OURS, FETCH, query={"docId": "x"}, headers=OWN, outcome=FAULT, gives={"errorCode": "18"})
STANDS = {"01": "INITIAL", "02": "FAIL", "06": "DONE", "13": "PROCESSING", "15": "FAIL", "16": "PROCESSING"}
for status, says in STATES.items():
    told = contract.case(
        f"{status} {says}",
        S12,
        UPDATE,
        body={"docId": SENT_ID, "status": status},
        headers=OWN,
        after=(sent,),
        gives={"errorCode": "0", "docId": SENT_ID},
    )
    contract.case(
        f"stands at {status}", OURS, INBOX, query=WINDOW, headers=OWN, after=(sent, told),
        gives={"data.status": STANDS.get(status, "PROCESSING"), "data.statusDesc": says},
    )  # fmt: skip
contract.case(
    "no such state",
    OURS,
    UPDATE,
    body={"docId": BEFORE, "status": "99"},
    headers=OWN,
    outcome=REFUSED,
    gives={"errorCode": "10"},
)
contract.case(
    "of no document",
    OURS,
    UPDATE,
    body={"docId": "x", "status": "01"},
    headers=OWN,
    outcome=REFUSED,
    gives={"errorCode": "10"},
)

NEW = {"code": "000.00.41.H47", "name": "Sở mới"}
contract.case(
    "all",
    S3,
    AGENCIES,
    headers=OWN,
    gives={"errorCode": "0", "data.code": ["000.00.00.H47", "000.00.01.H47"], "data.name": ["UBND tỉnh Quảng Nam"]},
)
joined = contract.case("joined", S3, JOIN, body=NEW, headers=OWN, gives={"errorCode": "0", "data.code": NEW["code"]})
contract.case(
    "it is on the list",
    OURS,
    AGENCIES,
    headers=OWN,
    after=(joined,),
    gives={"data.code": [*national_documents.exchange.AGENCIES, NEW["code"]]},
)
body, form = multipart(edoc(sender=NEW["code"]))
contract.case("it may send", OURS, SEND, body=body, headers=OWN | form, after=(joined,), gives={"errorCode": "0"})
left = contract.case(
    "left",
    S3,
    LEAVE,
    body={"code": NEW["code"]},
    headers=OWN,
    after=(joined,),
    gives={"errorCode": "0", "data.code": NEW["code"]},
)
contract.case(
    "left again", OURS, LEAVE, body={"code": NEW["code"]}, headers=OWN, after=(joined, left), gives={"errorCode": "0"}
)
contract.case(
    "it is off the list",
    OURS,
    AGENCIES,
    headers=OWN,
    after=(joined, left),
    gives={"data.code": [*national_documents.exchange.AGENCIES]},
)
contract.case(
    "it sends no more",
    OURS,
    SEND,
    body=body,
    headers=OWN | form,
    after=(joined, left),
    outcome=REFUSED,
    gives={"errorCode": "19"},
)
contract.case(
    "who never was there",
    OURS,
    LEAVE,
    body={"code": "000.00.42.H47"},
    headers=OWN,
    outcome=FAULT,
    gives={"errorCode": "18"},
)
for operation in (JOIN, LEAVE):
    contract.case(
        "no code", OURS, operation, body={"code": "x"}, headers=OWN, outcome=REFUSED, gives={"errorCode": "10"}
    )
for operation in ALL:
    contract.case(
        "a stranger asks",
        S12,
        operation,
        headers={"x-systemid": "x", "x-secretkey": "x"},
        outcome=REFUSED,
        gives={"errorCode": "15", "errorDesc": CODES[15]},
    )
    contract.failure("refused", OURS, operation, REFUSED, 200, {"errorCode": "15"})
    contract.failure("its system fails", S12, operation, ERROR, 200, {"errorCode": "20"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()


async def test_a_document_that_was_there_before_is_complete_edxml() -> None:
    answer = remembering.answering(national_documents)
    reply = await answer(a_request(operation=FETCH, query=f"docId={BEFORE}"))
    found = values_of("text/xml", base64.b64decode(json.loads(reply.body)["data"]))
    assert {f"Message.MessageHeader.{name}" for name in HEADER} <= found.keys()
    assert found["Message.MessageHeader.DocumentId"] == [BEFORE]
    assert found["Message.MessageHeader.From.OrganId"] == ["000.00.01.H47"]
    body, form = multipart(base64.b64decode(json.loads(reply.body)["data"]))
    assert json.loads((await answer(a_request(operation=SEND, body=body, headers=form))).body)["errorCode"] == "0"


async def test_a_document_comes_to_each_receiver_and_to_nobody_else() -> None:
    answer = remembering.answering(national_documents)
    body, form = multipart(edoc(to=("000.00.07.H47", "000.00.11.H47")))
    made = json.loads((await answer(a_request(operation=SEND, body=body, headers=form))).body)["docId"]
    came = {}
    for code in ("000.00.07.H47", "000.00.11.H47", "000.00.05.H47"):
        query = "fromDate=2023/05/24&toDate=2023/05/24"
        reply = await answer(a_request(operation=INBOX, query=query, headers={"x-systemid": code}))
        listed = {one["docId"]: one for one in json.loads(reply.body)["data"]}
        came[code] = made in listed
        assert {one["to"] for one in listed.values()} == {code}
    assert came == {"000.00.07.H47": True, "000.00.11.H47": True, "000.00.05.H47": False}


@given(st.dictionaries(st.from_regex(r"[a-zA-Z]{1,8}", fullmatch=True), st.binary(max_size=60), max_size=4))
def test_each_field_of_a_form_is_found_whatever_bytes_it_holds(fields: dict[str, bytes]) -> None:
    parts = [
        b'--b0undary\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (n.encode(), v)
        for n, v in fields.items()
    ]
    body = b"".join(parts) + b"--b0undary--\r\n"
    assert fields_of('multipart/form-data; boundary="b0undary"', body) == fields
    assert fields_of("application/json", body) == {}
    assert ID.count(",") == 2
