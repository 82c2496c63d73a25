"""The contract of postal-delivery: an order, and what became of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import remembering
from builders import a_request
from facts import OURS, Case, Contract, seen

from connectors import postal_delivery
from connectors.postal_delivery import FURTHER, NEEDED
from lgsp.model import Outcome

contract = Contract("postal-delivery")
S21 = seen("S21")
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
CODES = ["INVALID_TOKEN", "SYSTEM"]
ORDER = contract.operation("POST /postDieuTin", S21, sends=f"token {' '.join((*NEEDED, *FURTHER))}")
contract.knows(
    OURS, ORDER, gets="SoDonHang MaBuuGui TrangThai code message", status=[200, 400, 401, 409, 500],
    says={"TrangThai": ["Đã tiếp nhận"], "code": [*CODES, "INCOMPLETE", "DUPLICATE"]},
)  # fmt: skip
ACCEPTED = contract.operation("GET /getAcceptance", S21)
DELIVERED = contract.operation("GET /getDelivery", S21)
contract.knows(
    OURS, ACCEPTED, DELIVERED, sends="SoDonHang", gets="SoDonHang MaBuuGui TrangThai BuuCuc code message",
    says={"code": [*CODES, "NOT_FOUND"]}, status=[200, 401, 404, 500],
)  # fmt: skip
contract.knows(OURS, ACCEPTED, says={"TrangThai": ["Đã chấp nhận"]})
contract.knows(OURS, DELIVERED, says={"TrangThai": ["Đang phát", "Đã phát"]})

SENT: dict[str, Any] = dict.fromkeys((*NEEDED, *FURTHER), "x") | {"SoDonHang": "QNM-0199", "MaBuuGui": "CQ123456789VN"}
TOKEN = {"token": "mo-phong"}


def refusal(name: str, operation: str, code: str, status: int, outcome: Outcome, **more: Any) -> None:
    contract.case(name, OURS, operation, outcome=outcome, status=status, gives={"code": code}, **more)


ordered = contract.case(
    "ordered",
    S21,
    ORDER,
    query=TOKEN,
    body=SENT,
    gives={"SoDonHang": "QNM-0199", "MaBuuGui": "CQ123456789VN", "TrangThai": "Đã tiếp nhận"},
)
contract.case("ordered again", S21, ORDER, query=TOKEN, body=SENT, after=(ordered,), gives={"SoDonHang": "QNM-0199"})
contract.case(
    "a number of the post's",
    OURS,
    ORDER,
    query=TOKEN,
    body=dict.fromkeys(NEEDED, "QNM-0101"),
    gives={"MaBuuGui": "CQ698973631VN"},
)
for operation, says in ((ACCEPTED, "Đã chấp nhận"), (DELIVERED, "Đang phát")):
    contract.case(
        "of the order",
        S21,
        operation,
        query={"SoDonHang": "QNM-0199"},
        after=(ordered,),
        gives={"MaBuuGui": "CQ123456789VN", "TrangThai": says},
    )
    refusal("unknown", operation, "NOT_FOUND", 404, FAULT, query={"SoDonHang": "QNM-0199"})
contract.case("there before", OURS, DELIVERED, query={"SoDonHang": "QNM-0002"}, gives={"TrangThai": "Đã phát"})
refusal(
    "another order under its number",
    ORDER,
    "DUPLICATE",
    409,
    FAULT,
    query=TOKEN,
    body=SENT | {"TenNguoiNhan": "y"},
    after=(ordered,),
)
refusal("another's number", ORDER, "DUPLICATE", 409, FAULT, query=TOKEN, body=SENT | {"SoDonHang": "QNM-0098"})
refusal("no token", ORDER, "INVALID_TOKEN", 401, REFUSED, body=SENT)
for name in NEEDED:
    refusal(f"without {name}", ORDER, "INCOMPLETE", 400, REFUSED, query=TOKEN, body=SENT | {name: ""})
for operation in (ORDER, ACCEPTED, DELIVERED):
    contract.failure("refused", OURS, operation, REFUSED, 401, {"code": "INVALID_TOKEN"})
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()


async def test_an_item_is_delivered_a_day_after_it_was_ordered() -> None:
    now = [remembering.NOW]
    answer = remembering.answering(postal_delivery, lambda: now[0])
    await answer(ordered.request)
    found = []
    for wait in (86_399, 1):
        now[0] += wait
        reply = await answer(a_request(operation=DELIVERED, query="SoDonHang=QNM-0199", consumer="c"))
        found.append(json.loads(reply.body)["TrangThai"])
    assert found == ["Đang phát", "Đã phát"]
