"""The contract of hotline-1022: reports that are filed, found and answered."""

from __future__ import annotations

from typing import Any

import pytest
from facts import OURS, Case, Contract

from connectors.province.ticket import ticket_of
from lgsp.model import Outcome

contract = Contract("hotline-1022")
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
REPORT = "ma linhVuc state handler due_at answered_at"
STATES = ["Mới tiếp nhận", "Đang xử lý", "Đã trả lời"]
FILE = contract.operation(
    "POST /phananh", OURS, sends="noiDung dienThoai", gets="ma state due_at code message",
    says={"state": STATES[:1], "code": ["SCHEMA_REJECT", "DUPLICATE", "SYSTEM_ERROR"]}, status=[200, 400, 409, 500],
)  # fmt: skip
ONE = contract.operation(
    "GET /phananh/{ma}", OURS, sends="{ma}", gets=f"{REPORT} code message",
    says={"state": STATES, "code": ["NOT_FOUND", "SCHEMA_REJECT", "SYSTEM_ERROR"]}, status=[200, 400, 404, 500],
)  # fmt: skip
SETTLE = contract.operation(
    "PUT /phananh/{ma}/ketqua", OURS, sends="{ma} ketQua donVi", gets="ma state code message",
    says={"state": STATES[2:], "code": ["NOT_FOUND", "WRONG_UNIT", "DUPLICATE", "SCHEMA_REJECT", "SYSTEM_ERROR"]},
    status=[200, 400, 404, 409, 500],
)  # fmt: skip
NEW = contract.operation(
    "GET /phananh/moi", OURS, sends="linhVuc tuNgay",
    gets=f"tongSo daXuLy data {' '.join(f'data.{name}' for name in REPORT.split())} code message",
    says={"data.state": [STATES[0], STATES[2]], "code": ["SCHEMA_REJECT", "SYSTEM_ERROR"]}, status=[200, 400, 500],
)  # fmt: skip

WORDS = {"noiDung": "Đèn đường hỏng ở ngã tư Phan Châu Trinh", "dienThoai": "0900012345"}
TICKET = ticket_of("0900012345/Đèn đường hỏng ở ngã tư Phan Châu Trinh")
SETTLED = {"ketQua": "Đã thay bóng đèn", "donVi": "000.00.31.H47"}


def refusal(name: str, operation: str, code: str, status: int, outcome: Outcome, **more: Any) -> None:
    contract.case(name, OURS, operation, outcome=outcome, status=status, gives={"code": code}, **more)


filed = contract.case("filed", OURS, FILE, body=WORDS, gives={"ma": TICKET.code, "state": "Mới tiếp nhận"})
contract.case("filed again", OURS, FILE, body=WORDS, after=(filed,), gives={"ma": TICKET.code})
answered = contract.case(
    "answered",
    OURS,
    SETTLE,
    path={"ma": TICKET.code},
    body=SETTLED,
    after=(filed,),
    gives={"ma": TICKET.code, "state": "Đã trả lời"},
)
contract.case(
    "answered again",
    OURS,
    SETTLE,
    path={"ma": TICKET.code},
    body=SETTLED,
    after=(filed, answered),
    gives={"state": "Đã trả lời"},
)
contract.case(
    "new",
    OURS,
    ONE,
    path={"ma": TICKET.code},
    after=(filed,),
    gives={"state": "Mới tiếp nhận", "answered_at": "", "linhVuc": TICKET.field},
)
contract.case(
    "settled",
    OURS,
    ONE,
    path={"ma": TICKET.code},
    after=(filed, answered),
    gives={"state": "Đã trả lời", "handler": "000.00.31.H47"},
)
contract.case(
    "there before",
    OURS,
    ONE,
    path={"ma": "PA00000010"},
    gives={"state": "Đã trả lời", "answered_at": "2023-04-26T07:35:00+07:00"},
)
contract.case("in hand", OURS, ONE, path={"ma": "PA00000012"}, gives={"state": "Đang xử lý", "answered_at": ""})
contract.case(
    "filed ones come first",
    OURS,
    NEW,
    query={"linhVuc": TICKET.field},
    after=(filed,),
    gives={"data.ma": [TICKET.code], "data.linhVuc": [TICKET.field] * 6},
)
contract.case(
    "answered ones are not new",
    OURS,
    NEW,
    query={"linhVuc": TICKET.field},
    after=(filed, answered),
    gives={"data.ma": ["PA87135460"]},
)
contract.case(
    "of a day",
    OURS,
    NEW,
    query={"tuNgay": "20230403"},
    gives={
        "tongSo": 75,
        "daXuLy": 74,
        "data.ma": ["PA23040300", "PA23040301"],
        "data.state": [STATES[0], STATES[2]],
        "data.answered_at": ["", "2023-04-03T11:46:00+07:00"],
    },
)
contract.case("of tomorrow", OURS, NEW, query={"tuNgay": "20230525"}, gives={"tongSo": 0, "daXuLy": 0, "data": [[]]})
contract.case("one that came by telephone", OURS, ONE, path={"ma": "PA23040300"}, gives={"state": STATES[0]})
refusal("no day", NEW, "SCHEMA_REJECT", 400, REFUSED, query={"tuNgay": "2023-04-03"})
refusal("a short telephone", FILE, "SCHEMA_REJECT", 400, REFUSED, body=WORDS | {"dienThoai": "12"})
refusal("a duplicate", FILE, "DUPLICATE", 409, FAULT, body=WORDS | {"noiDung": "Phản ánh trùng"})
refusal("unknown", ONE, "NOT_FOUND", 404, FAULT, path={"ma": "PA00000099"})
refusal("of no report", SETTLE, "NOT_FOUND", 404, FAULT, path={"ma": "x"}, body=SETTLED)
refusal("no unit of ours", SETTLE, "WRONG_UNIT", 409, FAULT, path={"ma": "PA00000010"}, body=SETTLED | {"donVi": "x"})
refusal("no words", SETTLE, "SCHEMA_REJECT", 400, REFUSED, path={"ma": "PA00000010"}, body={"donVi": "000.00.31.H47"})
refusal(
    "answered by another",
    SETTLE,
    "DUPLICATE",
    409,
    FAULT,
    path={"ma": TICKET.code},
    body=SETTLED | {"ketQua": "x"},
    after=(filed, answered),
)
refusal("no such field", NEW, "SCHEMA_REJECT", 400, REFUSED, query={"linhVuc": "x"})
for operation in (FILE, ONE, SETTLE, NEW):
    contract.failure("refused", OURS, operation, REFUSED, 400, {"code": "SCHEMA_REJECT"})
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()
