"""The contract of e-office: the province's documents, polled, sent and worked on, and its agencies."""

from __future__ import annotations

import base64
import json

import pytest
import remembering
from builders import a_request
from edocs import BOMB, OUTSIDE, edoc
from facts import OURS, Case, Contract, documented

from connectors import e_office
from connectors.province.document import CODES, LOCKED, ON_THE_BUS
from connectors.province.dossier import AGENCIES
from lgsp.model import Outcome

contract = Contract("e-office")
S2 = documented("S2")
REFUSED, FAULT, ERROR = Outcome.REJECTED, Outcome.BUSINESS_FAULT, Outcome.PROVIDER_ERROR
LISTED = " ".join(
    f"data.{name}"
    for name in ("serviceType", "messageType", "statusDesc", "docId", "from", "to", "status", "createdTime")
)
INBOX = contract.operation("GET /vanbans", S2, gets=f"data {LISTED}", says={"data.status": ON_THE_BUS[:3]})
contract.knows(OURS, INBOX, sends="donVi")
ONE = contract.operation("GET /vanbans/{docId}", S2, sends="{docId}", gets="data", says={"data.status": ON_THE_BUS})
contract.knows(OURS, ONE, gets=f"{LISTED} data.subject data.code")
SEND = contract.operation(
    "POST /vanbans", S2, sends="(text/plain) loaiVanBan", takes={"loaiVanBan": ["edoc"]}, gets="docId"
)
STATE = contract.operation("PUT /vanbans/{docId}", S2, sends="{docId} status", takes={"status": ON_THE_BUS})
COUNTRY = contract.operation("GET /donvilienthongs", S2)
PROVINCE = contract.operation("GET /donvilienthongs/qn", S2)
contract.knows(S2, COUNTRY, PROVINCE, gets="data data.id data.code data.name data.pid")
JOIN = contract.operation("POST /donvilienthongs", S2, sends="code name pcode email fax mobile")
LEAVE = contract.operation("PUT /donvilienthongs", S2, sends="agencyCode")
ALL = (INBOX, ONE, SEND, STATE, COUNTRY, PROVINCE, JOIN, LEAVE)
contract.knows(S2, *ALL, gets="status errorCode errorDesc", says={"errorCode": ["0"]}, status=[200])
contract.knows(OURS, *ALL, sends="x-secretkey:", says={"errorCode": ["15", "20"]})
contract.knows(OURS, ONE, STATE, SEND, JOIN, says={"errorCode": ["18"]})
contract.knows(OURS, SEND, STATE, JOIN, LEAVE, says={"errorCode": ["10"]})
contract.knows(OURS, INBOX, SEND, LEAVE, says={"errorCode": ["19"]})
contract.knows(OURS, SEND, says={"errorCode": ["22", "23"]})

OWN = {"x-secretkey": "mo-phong"}
SENT_ID = "20230524-0434-4951-80a8-36d64c918de0"
BEFORE = "20230523-0102-479f-87a2-59e9d7f96ee3"


def sending(name: str, document: bytes, code: int = 0, kind: str = "edoc", *after: Case) -> Case:
    outcome = Outcome.OK if code == 0 else FAULT if code in {18, 23} else REFUSED
    gives = {"errorCode": str(code), "errorDesc": CODES[code]} | ({"docId": SENT_ID} if code == 0 else {})
    return contract.case(
        name, S2 if code == 0 else OURS, SEND, query={"loaiVanBan": kind}, body=document, outcome=outcome, gives=gives,
        headers=OWN | {"content-type": "text/plain"}, after=after,
    )  # fmt: skip


sent = sending("sent", base64.b64encode(edoc()))
sending("sent again", base64.b64encode(edoc()), 0, "edoc", sent)
sending("in lines", base64.encodebytes(edoc()))
for name, document, code in (
    ("no receiver", edoc(to=("000.00.99.H99",)), 18),
    ("a locked receiver", edoc(to=(LOCKED,)), 23),
    ("no sender", edoc(sender="000.00.99.H99"), 19),
    ("no edXML", b"<a/>", 22),
    ("a bomb", BOMB, 10),
    ("an entity from outside", OUTSIDE, 10),
    ("no XML", b"x", 10),
):
    sending(name, base64.b64encode(document), code)
sending("no base64", b"?", 10)
sending("another kind", base64.b64encode(edoc()), 10, "status")
contract.case(
    "polled",
    S2,
    INBOX,
    query={"donVi": "000.00.07.H47"},
    headers=OWN,
    after=(sent,),
    gives={"data.docId": [SENT_ID], "data.to": ["000.00.07.H47"] * 6, "data.status": ["INITIAL"]},
)
contract.case(
    "there before", OURS, INBOX, query={"donVi": "000.00.05.H47"}, headers=OWN, gives={"data.to": ["000.00.05.H47"] * 5}
)
contract.case(
    "an agency that is none", OURS, INBOX, query={"donVi": "x"}, headers=OWN, outcome=REFUSED, gives={"errorCode": "19"}
)
contract.case(
    "the one that was sent",
    S2,
    ONE,
    path={"docId": SENT_ID},
    headers=OWN,
    after=(sent,),
    gives={
        "data.from": "000.00.05.H47",
        "data.to": "000.00.07.H47",
        "data.subject": "Báo cáo",
        "data.code": "123/STTTT-CNTT",
        "data.status": "INITIAL",
    },
)
contract.case(
    "one that was there before",
    S2,
    ONE,
    path={"docId": BEFORE},
    headers=OWN,
    gives={"data.from": "000.00.01.H47", "data.to": "000.00.07.H47", "data.createdTime": "2023/05/23 12:02:00"},
)
contract.case("unknown", OURS, ONE, path={"docId": "x"}, headers=OWN, outcome=FAULT, gives={"errorCode": "18"})
for state in ON_THE_BUS:
    told = contract.case(
        state,
        S2,
        STATE,
        path={"docId": SENT_ID},
        query={"status": state},
        headers=OWN,
        after=(sent,),
        gives={"errorCode": "0", "status": "OK"},
    )
    contract.case(
        f"stands at {state}",
        S2,
        ONE,
        path={"docId": SENT_ID},
        headers=OWN,
        after=(sent, told),
        gives={"data.status": state},
    )
contract.case(
    "no such state",
    OURS,
    STATE,
    path={"docId": BEFORE},
    query={"status": "LOST"},
    headers=OWN,
    outcome=REFUSED,
    gives={"errorCode": "10"},
)
contract.case(
    "of no document",
    OURS,
    STATE,
    path={"docId": "x"},
    query={"status": "DONE"},
    headers=OWN,
    outcome=FAULT,
    gives={"errorCode": "18"},
)

NEW = {"code": "000.00.41.H47", "name": "Sở mới", "pcode": "000.00.00.H47", "email": "", "fax": "", "mobile": ""}
contract.case(
    "the whole country",
    S2,
    COUNTRY,
    headers=OWN,
    gives={"data.code": [*AGENCIES, "000.00.00.G22"], "data.pid": ["0", "1"]},
)
contract.case(
    "the province", S2, PROVINCE, headers=OWN, gives={"data.code": [*AGENCIES], "data.name": ["UBND tỉnh Quảng Nam"]}
)
joined = contract.case("joined", S2, JOIN, body=NEW, headers=OWN, gives={"errorCode": "0"})
contract.case(
    "it is on the list", OURS, PROVINCE, headers=OWN, after=(joined,), gives={"data.code": [*AGENCIES, NEW["code"]]}
)
left = contract.case(
    "left", S2, LEAVE, query={"agencyCode": NEW["code"]}, headers=OWN, after=(joined,), gives={"errorCode": "0"}
)
contract.case(
    "left again",
    OURS,
    LEAVE,
    query={"agencyCode": NEW["code"]},
    headers=OWN,
    after=(joined, left),
    gives={"errorCode": "0"},
)
contract.case(
    "below nobody",
    OURS,
    JOIN,
    body=NEW | {"pcode": "000.00.42.H47"},
    headers=OWN,
    outcome=FAULT,
    gives={"errorCode": "18"},
)
contract.case(
    "without a name", OURS, JOIN, body=NEW | {"name": ""}, headers=OWN, outcome=REFUSED, gives={"errorCode": "10"}
)
contract.case(
    "who never was there",
    OURS,
    LEAVE,
    query={"agencyCode": "000.00.42.H47"},
    headers=OWN,
    outcome=REFUSED,
    gives={"errorCode": "19"},
)
contract.case(
    "no code", OURS, LEAVE, query={"agencyCode": "x"}, headers=OWN, outcome=REFUSED, gives={"errorCode": "10"}
)
for operation in ALL:
    contract.case("no secret", OURS, operation, headers={"x-secretkey": ""}, outcome=REFUSED, gives={"errorCode": "15"})
    contract.failure("refused", OURS, operation, REFUSED, 200, {"errorCode": "15"})
    contract.failure("its system fails", OURS, operation, ERROR, 200, {"errorCode": "20"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()


async def test_the_newest_of_the_week_comes_first_and_what_is_older_is_gone() -> None:
    now = [remembering.NOW]
    answer = remembering.answering(e_office, lambda: now[0])
    made = []
    for number in range(3):
        body = base64.b64encode(edoc(own=f"000.00.05.H47,2023/05/24,{number}"))
        made.append(json.loads((await answer(a_request(operation=SEND, body=body))).body)["docId"])
        now[0] += 3 * 86_400
    listed = json.loads((await answer(a_request(operation=INBOX, query="donVi=000.00.07.H47"))).body)["data"]
    assert [one["docId"] for one in listed[:2]] == [made[2], made[1]]
    assert made[0] not in [one["docId"] for one in listed]
    assert [one["createdTime"] for one in listed[:2]] == ["2023/05/30 07:00:00", "2023/05/27 07:00:00"]
