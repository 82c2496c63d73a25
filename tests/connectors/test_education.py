"""The contract of education: our proposal throughout."""

from __future__ import annotations

import pytest
from facts import COMMON, OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("education")
BATCH = contract.operation(
    "POST /hocsinh", OURS, sends="maTruong hocSinh.maDinhDanh", gets="maLo tiepNhan", status=[200, 400, 404, 409]
)
PUPIL = contract.operation(
    "GET /hocsinh/{maDinhDanh}",
    OURS,
    sends="{maDinhDanh}",
    gets="maDinhDanh soDinhDanh hoTen ngaySinh gioiTinh maTruong tenTruong khoi lop",
    status=[200, 400, 404],
)
SCHOOLS = contract.operation("GET /truong", OURS, gets="data.maTruong data.tenTruong", status=[200])
EVERY = (BATCH, PUPIL, SCHOOLS)
contract.knows(OURS, BATCH, says={"code": ["SCHEMA_REJECT", "SCHOOL_UNKNOWN", "DUPLICATE_ID"]})
contract.knows(OURS, PUPIL, says={"code": ["SCHEMA_REJECT", "NOT_FOUND"]})
contract.knows(OURS, *EVERY, gets="code message", says={"code": ["NOT_PERMITTED", "SYSTEM_ERROR"]}, status=[403, 500])
FAULT, REJECTED = Outcome.BUSINESS_FAULT, Outcome.REJECTED
PUPILS = [{"maDinhDanh": "1026370220"}, {"maDinhDanh": "3886370220"}]
SENT = {"maTruong": "49502001", "hocSinh": PUPILS}
contract.case("two pupils", OURS, BATCH, body=SENT, gives={"tiepNhan": 2})
for _name, _fields, _outcome, _status, _says in (
    ("no such school", {"maTruong": "1"}, FAULT, 404, "SCHOOL_UNKNOWN"),
    ("one twice", {"hocSinh": PUPILS * 2}, FAULT, 409, "DUPLICATE_ID"),
    ("none", {"hocSinh": []}, REJECTED, 400, "SCHEMA_REJECT"),
    ("no code", {"hocSinh": [{}]}, REJECTED, 400, "SCHEMA_REJECT"),
):
    contract.case(_name, OURS, BATCH, body=SENT | _fields, outcome=_outcome, status=_status, gives={"code": _says})
contract.case(
    "a pupil",
    OURS,
    PUPIL,
    path={"maDinhDanh": "1026370220"},
    gives={"soDinhDanh": "049312000001", "hoTen": "Nguyễn Minh Hạnh", "ngaySinh": "2012-11-19", "khoi": 5},
)
for _name, _known, _code, _outcome, _status, _says in (
    ("a code has 10 digits", COMMON, "102637022", REJECTED, 400, "SCHEMA_REJECT"),
    ("nobody", OURS, "3874883790", FAULT, 404, "NOT_FOUND"),
):
    contract.case(
        _name, _known, PUPIL, path={"maDinhDanh": _code}, outcome=_outcome, status=_status, gives={"code": _says}
    )
contract.case("all", OURS, SCHOOLS, gives={"data.maTruong": ["49502001", "49503002"]})
for _operation in EVERY:
    contract.failure("not permitted", OURS, _operation, REJECTED, 403, {"code": "NOT_PERMITTED"})
    contract.failure("the system fails", OURS, _operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()
