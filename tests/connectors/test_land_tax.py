"""The contract of land-tax: a slip, the notice that follows it, and its payment."""

from __future__ import annotations

from typing import Any

import pytest
import remembering
from facts import OURS, Case, Contract

from connectors import land_tax
from connectors.land_tax import ASSESSED_AFTER, amount
from lgsp.model import Outcome
from lgsp.runtime.connector import Forward

contract = Contract("land-tax")
REFUSED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT
CODES = ["SCHEMA_REJECT", "INVALID_DOSSIER", "SYSTEM_ERROR"]
SLIP = contract.operation(
    "POST /guiPhieuChuyenThongTin", OURS, sends="maHoSo maXa soTo soThua soDinhDanh maSoThue",
    gets="maHoSo soTiepNhan trangThai code message",
    says={"trangThai": ["Đã tiếp nhận"], "code": [*CODES, "INVALID_TAXPAYER", "PARCEL_NOT_FOUND"]}, status=[200, 400, 404, 500],
)  # fmt: skip
NOTICE = contract.operation(
    "POST /nhanThongBaoThue", OURS, sends="maHoSo", gets="maHoSo soThongBao soTien code message",
    says={"code": [*CODES, "NOT_FOUND"]}, status=[200, 400, 404, 500],
)  # fmt: skip
PAY = contract.operation(
    "POST /xacNhanNopTien", OURS, sends="maHoSo soTien", gets="maHoSo trangThai soBienLai code message",
    says={"trangThai": ["Đã nộp"], "code": [*CODES, "NOT_FOUND", "AMOUNT_MISMATCH"]}, status=[200, 400, 404, 409, 500],
)  # fmt: skip
CODE = "000.00.31.H47-230524-0199"
SENT = {"maHoSo": CODE, "maXa": "20617", "soTo": "12", "soThua": "1", "soDinhDanh": "049185340551"}
PAID = {"maHoSo": CODE, "soTien": amount(CODE)}


def refusal(name: str, operation: str, code: str, status: int, outcome: Outcome, body: object, *after: Case) -> None:
    contract.case(name, OURS, operation, body=body, after=after, outcome=outcome, status=status, gives={"code": code})


def later(first: Case, seconds: float) -> Forward:
    """What answers when the slip was sent so many seconds ago."""
    now = [remembering.NOW]
    answer = remembering.answering(land_tax, lambda: now[0])

    async def answered(request: Any) -> Any:
        await answer(first.request)
        now[0] += seconds
        return await answer(request)

    return answered


sent = contract.case("sent", OURS, SLIP, body=SENT, gives={"maHoSo": CODE, "trangThai": "Đã tiếp nhận"})
contract.case(
    "sent for an enterprise",
    OURS,
    SLIP,
    body=SENT | {"soDinhDanh": "", "maSoThue": "4000000014"},
    gives={"maHoSo": CODE},
)
contract.case(
    "there before",
    OURS,
    NOTICE,
    body={"maHoSo": "000.00.31.H47-230524-0001"},
    gives={"soThongBao": "TB6907647", "soTien": 2600000},
)
contract.case(
    "paid",
    OURS,
    PAY,
    body={"maHoSo": "000.00.31.H47-230524-0001", "soTien": 2600000},
    gives={"trangThai": "Đã nộp", "soBienLai": "BL19112822"},
)
refusal("another amount", PAY, "AMOUNT_MISMATCH", 409, FAULT, {"maHoSo": "000.00.31.H47-230524-0001", "soTien": 1})
for operation, body in ((NOTICE, {"maHoSo": CODE}), (PAY, PAID)):
    refusal("no notice", operation, "NOT_FOUND", 404, FAULT, body)
    refusal("no notice yet", operation, "NOT_FOUND", 404, FAULT, body, sent)
refusal("nobody pays", SLIP, "INVALID_TAXPAYER", 400, REFUSED, SENT | {"soDinhDanh": "1"})
refusal("no parcel", SLIP, "PARCEL_NOT_FOUND", 404, FAULT, SENT | {"maXa": "99999"})
for operation in (SLIP, NOTICE, PAY):
    refusal("no dossier code", operation, "INVALID_DOSSIER", 400, REFUSED, SENT | {"maHoSo": "x"})
    refusal("no JSON", operation, "SCHEMA_REJECT", 400, REFUSED, b"{")
    contract.failure("its system fails", OURS, operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_contract(case: Case) -> None:
    await case.check()


@pytest.mark.parametrize(("seconds", "status"), [(ASSESSED_AFTER - 1, 404), (ASSESSED_AFTER, 200)])
async def test_a_notice_follows_its_slip_after_a_minute(seconds: float, status: int) -> None:
    notice = next(case for case in contract.cases if case.name == "no notice")
    payment = next(case for case in contract.cases if case.name == "no notice" and case.request.operation == PAY)
    assert [(await later(sent, seconds)(case.request)).status for case in (notice, payment)] == [status] * 2
