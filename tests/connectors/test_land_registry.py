"""The contract of land-registry: our proposal throughout."""

from __future__ import annotations

import pytest
from facts import OURS, Case, Contract

from lgsp.model import Outcome

contract = Contract("land-registry")
PARCEL = "maXa tenXa soTo soThua dienTich mucDichSuDung tenMucDich soPhatHanh chuSuDung.hoTen chuSuDung.soDinhDanh"
BY_NUMBER = contract.operation("GET /thuadat", OURS, sends="maXa soTo soThua", gets=PARCEL, status=[200, 400, 404, 409])
CERTIFICATE = contract.operation(
    "GET /gcn/{soPhatHanh}", OURS, sends="{soPhatHanh}", gets=PARCEL, status=[200, 404, 409]
)
SLIP = contract.operation(
    "POST /phieuchuyen", OURS, sends="maHoSo soPhatHanh", gets="maHoSo soPhieu trangThai", status=[200, 400, 404]
)
EVERY = (BY_NUMBER, CERTIFICATE, SLIP)
contract.knows(OURS, BY_NUMBER, says={"code": ["INVALID_COMMUNE", "COMMUNE_NOT_DIGITISED", "DISPUTED"]})
contract.knows(OURS, CERTIFICATE, says={"code": ["DISPUTED"]})
contract.knows(OURS, SLIP, says={"code": ["SCHEMA_REJECT"]})
contract.knows(
    OURS,
    *EVERY,
    gets="code message",
    says={"code": ["PARCEL_NOT_FOUND", "NOT_PERMITTED", "SYSTEM_ERROR"]},
    status=[403, 500],
)
FAULT, REJECTED = Outcome.BUSINESS_FAULT, Outcome.REJECTED
PLACE = {"maXa": "20335", "soTo": "1", "soThua": "1"}
contract.case("a parcel", OURS, BY_NUMBER, query=PLACE, gives={"soPhatHanh": "CS00001001", "tenXa": "Phường Tân Thạnh"})
for _name, _fields, _outcome, _status, _says in (
    ("a commune has 5 digits", {"maXa": "2033"}, REJECTED, 400, "INVALID_COMMUNE"),
    ("no digital map yet", {"maXa": "20437"}, FAULT, 404, "COMMUNE_NOT_DIGITISED"),
    ("no such sheet", {"soTo": "61"}, FAULT, 404, "PARCEL_NOT_FOUND"),
    ("a number that is none", {"soThua": "x"}, FAULT, 404, "PARCEL_NOT_FOUND"),
    ("somebody contests it", {"soThua": "100"}, FAULT, 409, "DISPUTED"),
):
    contract.case(
        _name, OURS, BY_NUMBER, query=PLACE | _fields, outcome=_outcome, status=_status, gives={"code": _says}
    )
contract.case("a parcel", OURS, CERTIFICATE, path={"soPhatHanh": "CS00001001"}, gives={"soTo": 1, "soThua": 1})
for _name, _serial, _status, _says in (
    ("no such serial", "CS99001001", 404, "PARCEL_NOT_FOUND"),
    ("another form", "x", 404, "PARCEL_NOT_FOUND"),
    ("somebody contests it", "CS00001100", 409, "DISPUTED"),
):
    contract.case(
        _name, OURS, CERTIFICATE, path={"soPhatHanh": _serial}, outcome=FAULT, status=_status, gives={"code": _says}
    )
SENT = {"maHoSo": "000.00.31.H47-230524-0001", "soPhatHanh": "CS00001001"}
contract.case("a slip", OURS, SLIP, body=SENT, gives={"maHoSo": SENT["maHoSo"], "trangThai": "Đã chuyển cơ quan thuế"})
contract.case(
    "no dossier code",
    OURS,
    SLIP,
    body=SENT | {"maHoSo": "x"},
    outcome=REJECTED,
    status=400,
    gives={"code": "SCHEMA_REJECT"},
)
contract.case(
    "no such parcel",
    OURS,
    SLIP,
    body=SENT | {"soPhatHanh": "x"},
    outcome=FAULT,
    status=404,
    gives={"code": "PARCEL_NOT_FOUND"},
)
for _operation in EVERY:
    contract.failure("not permitted", OURS, _operation, REJECTED, 403, {"code": "NOT_PERMITTED"})
    contract.failure("the system fails", OURS, _operation, Outcome.PROVIDER_ERROR, 500, {"code": "SYSTEM_ERROR"})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()
