"""The contract of driver-license: our proposal throughout."""

from __future__ import annotations

import pytest
from facts import COMMON, OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("driver-license")
QUERY = contract.operation(
    "POST /traCuuGPLX",
    OURS,
    sends="soGPLX hoTen ngaySinh",
    gets="soGPLX hoTen ngaySinh hangGPLX ngayCap coQuanCap trangThai",
    status=[200, 400, 404, 409],
)
RENEW = contract.operation(
    "POST /doiGPLX_nhanHoSo", OURS, sends="soGPLX", gets="maHoSo trangThai", status=[200, 400, 404]
)
contract.knows(OURS, QUERY, says={"code": ["INVALID_NUMBER", "MISMATCH"]})
contract.knows(
    OURS,
    QUERY,
    RENEW,
    gets="code message",
    says={"code": ["SCHEMA_REJECT", "NOT_FOUND", "NOT_PERMITTED", "SYSTEM_ERROR"]},
    status=[403, 500],
)
HOLDER = {"soGPLX": "104908000000", "hoTen": "Nguyễn Minh Cường", "ngaySinh": "12/08/1980"}
FAULT, REJECTED = Outcome.BUSINESS_FAULT, Outcome.REJECTED
contract.case("a licence", OURS, QUERY, body=HOLDER, gives=HOLDER | {"trangThai": "Còn hiệu lực"})
contract.case("upper case", OURS, QUERY, body=HOLDER | {"hoTen": "NGUYỄN MINH CƯỜNG"}, gives={"soGPLX": "104908000000"})
for _name, _known, _fields, _outcome, _status, _says in (
    ("a number has 12 digits", COMMON, {"soGPLX": "10490800000"}, REJECTED, 400, "INVALID_NUMBER"),
    ("nobody has it", OURS, {"soGPLX": "204908099000"}, FAULT, 404, "NOT_FOUND"),
    ("a child has none", OURS, {"soGPLX": "004921000000"}, FAULT, 404, "NOT_FOUND"),
    ("another name", OURS, {"hoTen": "Nguyễn Văn Khác"}, FAULT, 409, "MISMATCH"),
    ("another day of birth", OURS, {"ngaySinh": "13/08/1980"}, FAULT, 409, "MISMATCH"),
):
    contract.case(_name, _known, QUERY, body=HOLDER | _fields, outcome=_outcome, status=_status, gives={"code": _says})
contract.case("a renewal", OURS, RENEW, body={"soGPLX": "104908000000"}, gives={"trangThai": "Đã tiếp nhận"})
contract.case(
    "nobody has it", OURS, RENEW, body={"soGPLX": "1"}, outcome=FAULT, status=404, gives={"code": "NOT_FOUND"}
)
for _operation in (QUERY, RENEW):
    contract.case("no JSON", OURS, _operation, body=b"{", outcome=REJECTED, status=400, gives={"code": "SCHEMA_REJECT"})
    contract.failure("not permitted", OURS, _operation, REJECTED, 403, {"code": "NOT_PERMITTED"})
    contract.failure("the system fails", OURS, _operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()
