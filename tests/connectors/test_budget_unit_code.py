"""The contract of budget-unit-code: our proposal throughout."""

from __future__ import annotations

import pytest
from facts import COMMON, OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("budget-unit-code")
UNIT = "maDVQHNS tenDonVi capNganSach tenCapNganSach trangThai"
ONE = contract.operation("GET /traCuuMaDVQHNS", OURS, sends="maDVQHNS", gets=UNIT, status=[200, 400, 404, 409])
ALL = contract.operation(
    "GET /danhSachDonVi", OURS, gets=" ".join(f"data.{name}" for name in UNIT.split()), status=[200]
)
contract.knows(OURS, ONE, says={"code": ["INVALID_CODE", "NOT_FOUND", "INACTIVE"]})
contract.knows(OURS, ONE, ALL, gets="code message", says={"code": ["NOT_PERMITTED", "SYSTEM_ERROR"]}, status=[403, 500])
contract.case(
    "a unit",
    OURS,
    ONE,
    query={"maDVQHNS": "1092119"},
    gives={"tenDonVi": "UBND tỉnh Quảng Nam", "trangThai": "Đang hoạt động", "capNganSach": "2"},
)
FAULT = Outcome.BUSINESS_FAULT
for _name, _code, _known, _outcome, _status, _says in (
    ("a code has 7 digits", "102605", COMMON, Outcome.REJECTED, 400, "INVALID_CODE"),
    ("no such unit", "9999999", OURS, FAULT, 404, "NOT_FOUND"),
    ("a code out of use", "1056429", OURS, FAULT, 409, "INACTIVE"),
):
    contract.case(
        _name, _known, ONE, query={"maDVQHNS": _code}, outcome=_outcome, status=_status, gives={"code": _says}
    )
contract.case("all", OURS, ALL, gives={"data.tenDonVi": ["UBND tỉnh Quảng Nam", "Văn phòng UBND tỉnh"]})
for _operation in (ONE, ALL):
    contract.failure("not permitted", OURS, _operation, Outcome.REJECTED, 403, {"code": "NOT_PERMITTED"})
    contract.failure("the system fails", OURS, _operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()
