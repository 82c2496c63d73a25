"""The contract of health: our proposal throughout."""

from __future__ import annotations

import pytest
from facts import COMMON, OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("health")
VISITS = contract.operation(
    "POST /checkins", OURS, sends="luotKham.soDinhDanh", gets="maLo tiepNhan tuChoi", status=[200, 400]
)
RECORD = contract.operation(
    "GET /hoso/{soDinhDanh}",
    OURS,
    sends="{soDinhDanh}",
    gets="soDinhDanh hoTen ngaySinh gioiTinh nhomMau lanKhamGanNhat.maCoSo lanKhamGanNhat.tenCoSo"
    " lanKhamGanNhat.maBenh lanKhamGanNhat.tenBenh",
    status=[200, 400, 404, 409],
)
contract.knows(COMMON, RECORD, gets="soTheBHYT")
FACILITIES = contract.operation("GET /cosoyte", OURS, gets="data.maCoSo data.tenCoSo", status=[200])
EVERY = (VISITS, RECORD, FACILITIES)
contract.knows(OURS, VISITS, says={"code": ["SCHEMA_REJECT"]})
contract.knows(OURS, RECORD, says={"code": ["SCHEMA_REJECT", "NOT_FOUND", "INSURANCE_EXPIRED", "NO_CONSENT"]})
contract.knows(OURS, *EVERY, gets="code message", says={"code": ["NOT_PERMITTED", "SYSTEM_ERROR"]}, status=[403, 500])
FAULT, REJECTED = Outcome.BUSINESS_FAULT, Outcome.REJECTED
contract.case(
    "one of two",
    OURS,
    VISITS,
    body={"luotKham": [{"soDinhDanh": "049080000001"}, {"soDinhDanh": "049080990002"}]},
    gives={"tiepNhan": 1, "tuChoi": 1},
)
for _name, _body in {"no list": {"luotKham": {}}, "none": {"luotKham": []}, "no id": {"luotKham": [{}]}}.items():
    contract.case(_name, OURS, VISITS, body=_body, outcome=REJECTED, status=400, gives={"code": "SCHEMA_REJECT"})
contract.case(
    "a record",
    OURS,
    RECORD,
    path={"soDinhDanh": "049080000001"},
    gives={"hoTen": "Nguyễn Minh Cường", "ngaySinh": "1980-08-12", "soTheBHYT": "DN5497792486720", "gioiTinh": "Nam"},
)
for _name, _citizen, _outcome, _status, _says in (
    ("an id has 12 digits", "04908000000", REJECTED, 400, "SCHEMA_REJECT"),
    ("nobody", "049080990002", FAULT, 404, "NOT_FOUND"),
    ("the card is over", "049085001200", FAULT, 409, "INSURANCE_EXPIRED"),
    ("no consent", "049085001238", REJECTED, 403, "NO_CONSENT"),
):
    contract.case(
        _name, OURS, RECORD, path={"soDinhDanh": _citizen}, outcome=_outcome, status=_status, gives={"code": _says}
    )
contract.case("all", OURS, FACILITIES, gives={"data.maCoSo": ["49001", "49002"]})
for _operation in EVERY:
    contract.failure("not permitted", OURS, _operation, REJECTED, 403, {"code": "NOT_PERMITTED"})
    contract.failure("the system fails", OURS, _operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()
