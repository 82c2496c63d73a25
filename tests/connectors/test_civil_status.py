"""The contract of civil-status."""

from __future__ import annotations

import json

import pytest
import remembering
from facts import OURS, Case, Contract, documented

from connectors import civil_status
from connectors.province.person import find_person
from lgsp.model import Outcome, Request

S1 = documented("S1")
contract = Contract("civil-status")

ENTRY = "value.id value.so value.quyenSo value.trangSo"
REST = (
    "value.ngayDangKy value.noiDangKy value.nksHoTen value.nksGioiTinh value.nksNgaySinh value.nksSoDinhDanh"
    " value.meHoTen value.meSoDinhDanh value.chaHoTen value.chaSoDinhDanh"
)
REGISTER = contract.operation("POST /dangKyHoTich", S1, sends="maDonVi module maHoSo ngayTiepNhan data", status=[200])
STATUS = contract.operation("POST /traTrangThaiHoSo", S1, sends="maDonVi maHoSo", status=[200])
RESULT = contract.operation("POST /ketQuaDangKyHS", S1, sends="maDonVi maHoSo", status=[200])
CHANGED = contract.operation("POST /dsHoSoDangKy", S1, sends="module ngayCapNhat", status=[200])
ONE = contract.operation("POST /traHoSo", S1, sends="module maHoSo", gets=ENTRY, status=[200])
MANY = contract.operation("POST /traDanhSachHoSo", S1, sends="maTinh module dsMaHoSo", gets=ENTRY, status=[200])
LIST = contract.operation("POST /danhMuc", S1, sends="loaiDanhMuc", takes={"loaiDanhMuc": "12345"}, status=[200])
contract.knows(S1, CHANGED, gets="value.id value.maDonVi")
EVERY = (REGISTER, STATUS, RESULT, CHANGED, ONE, MANY, LIST)
# The guide has a status, a value, an error's code and its description; the names of these fields are ours.
contract.knows(S1, STATUS, says={"status": "01234"})
contract.knows(S1, REGISTER, RESULT, CHANGED, ONE, MANY, LIST, says={"status": "01"})
contract.knows(OURS, *EVERY, gets="status errorCode errorDescription")
contract.knows(OURS, STATUS, gets="description")
contract.knows(OURS, LIST, gets="value")
contract.knows(OURS, RESULT, gets=ENTRY)
contract.knows(OURS, RESULT, ONE, MANY, gets=REST)
ERRORS = {
    REGISTER: (100, 101, 106, 500),
    STATUS: (100, 101, 106, 201),
    RESULT: (100, 101, 106, 200, 201),
    CHANGED: (100, 101, 108),
    ONE: (100, 101, 108, 200, 201),
    MANY: (100, 101, 108, 201),
    LIST: (100, 101, 302),
}
NAMES = {100: "AUTHEN_ERROR", 101: "IP_DISALLOWED"}
for _operation, _codes in ERRORS.items():
    contract.knows(S1, _operation, says={"errorCode": _codes})

CODE = "000.00.31.H47-230524-0001"
DATA = "<hoSo><nksHoTen>Nguyễn Minh An</nksHoTen></hoSo>"
DOSSIER = {"maDonVi": 49001, "maHoSo": CODE}
BIRTH = DOSSIER | {"module": "KS", "ngayTiepNhan": "24/05/2023", "data": DATA}
DAY = {"module": "KS", "ngayCapNhat": "24/05/2023"}
BODIES = {
    REGISTER: BIRTH,
    STATUS: DOSSIER,
    RESULT: DOSSIER,
    CHANGED: DAY,
    ONE: {"module": "KS", "maHoSo": 700123},
    MANY: {"maTinh": "49", "module": "KS", "dsMaHoSo": [700123, 700124, 700120]},
    LIST: {"loaiDanhMuc": 3},
}
REJECTED, FAULT = Outcome.REJECTED, Outcome.BUSINESS_FAULT


def error(name: str, operation: str, code: int, outcome: Outcome, **fields: object) -> None:
    """A case of one of the guide's errors."""
    says = {"status": 0, "errorCode": code}
    contract.case(name, S1, operation, body=BODIES[operation] | fields, outcome=outcome, gives=says)


registered = contract.case("a birth", S1, REGISTER, body=BIRTH, gives={"status": 1})
contract.case("twice is once", OURS, REGISTER, body=BIRTH, gives={"status": 1}, after=(registered,))
for _operation in EVERY:
    error("credentials refused", _operation, 100, REJECTED, maDonVi=49998)
    error("address refused", _operation, 101, REJECTED, maDonVi=49999)
for _operation in (REGISTER, STATUS, RESULT):
    error("no such agency", _operation, 106, REJECTED, maDonVi=1)
for _name, _fields in {
    "XML that breaks off": {"data": "<hoSo>"},
    "XML with entities": {"data": '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'},
    "no such event": {"module": "XX"},
    "a day is written dd/MM/yyyy": {"ngayTiepNhan": "2023-05-24"},
    "no receipt number": {"maHoSo": ""},
}.items():
    error(_name, REGISTER, 500, REJECTED, **_fields)
for _state, _number in {4: "0003", 1: "0005", 3: "0001", 2: "0002"}.items():
    contract.case(
        f"state {_state}",
        S1,
        STATUS,
        body=DOSSIER | {"maHoSo": f"000.00.31.H47-230524-{_number}"},
        gives={"status": _state, "description": civil_status.STATES[_state]},
    )
contract.case("what was registered waits", S1, STATUS, body=DOSSIER, gives={"status": 1}, after=(registered,))
error("no such receipt", STATUS, 201, FAULT, maHoSo="000.00.31.H47-230524-0099")
contract.case(
    "the entry",
    S1,
    RESULT,
    body=DOSSIER | {"maHoSo": "000.00.31.H47-230524-0003"},
    gives={"status": 1, "value.so": "167/2012", "value.nksHoTen": "Nguyễn Hữu Sơn"},
)
error("the result is not there yet", RESULT, 200, FAULT, maHoSo="000.00.31.H47-230524-0005")
error("no such receipt", RESULT, 201, FAULT, maHoSo="x")
contract.case("a day", S1, CHANGED, body=DAY, gives={"status": 1})
error("no day", CHANGED, 108, REJECTED, ngayCapNhat="")
contract.case("an entry", S1, ONE, body=BODIES[ONE], gives={"status": 1, "value.id": 700123})
error("no such event", ONE, 108, REJECTED, module="XX")
error("not finished", ONE, 200, FAULT, maHoSo=700120)
error("no such entry", ONE, 201, FAULT, maHoSo=1)
contract.case("two of three", S1, MANY, body=BODIES[MANY], gives={"status": 1, "value.id": [700123, 700124]})
error("another province", MANY, 108, REJECTED, maTinh="48")
error("none of them", MANY, 201, FAULT, dsMaHoSo=[1, 2])
for _kind in (1, 2, 3, 4, 5):
    contract.case(f"catalogue {_kind}", S1, LIST, body={"loaiDanhMuc": _kind}, gives={"status": 1})
error("no such catalogue", LIST, 302, REJECTED, loaiDanhMuc=6)
contract.failure("the system says what is wrong", S1, REGISTER, Outcome.PROVIDER_ERROR, 200, {"errorCode": 500})


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()


def asked(operation: str, body: dict[str, object], consumer: str = "c") -> Request:
    path = operation.partition(" ")[2]
    data = json.dumps(body).encode()
    return Request(id="t", service="civil-status", operation=operation, path=path, body=data, consumer=consumer)


async def test_a_registration_waits_a_minute_is_eligible_a_minute_and_then_stands_as_its_number_says() -> None:
    now = [0.0]
    answer = remembering.answering(civil_status, lambda: now[0])
    body = DOSSIER | {"maHoSo": "000.00.31.H47-230524-0003"}
    await answer(asked(REGISTER, BIRTH | body))
    states = []
    for now[0] in (0.0, 59.0, 60.0, 119.0, 120.0, 9_999.0):
        states.append(json.loads((await answer(asked(STATUS, body))).body)["status"])
        result = json.loads((await answer(asked(RESULT, body))).body)
        assert result["status"] == (1 if states[-1] == 4 else 0)
    assert states == [1, 1, 3, 3, 4, 4]
    elsewhere = json.loads((await answer(asked(STATUS, body, "another"))).body)
    assert elsewhere["status"] == 4, "another consumer registered nothing"


async def test_what_a_day_lists_can_be_fetched_and_is_a_child_of_the_province() -> None:
    answer = remembering.answering(civil_status)
    listed = json.loads((await answer(asked(CHANGED, DAY))).body)["value"]
    assert len({one["id"] for one in listed}) == len(listed) >= 5
    for one in listed:
        [entry] = json.loads((await answer(asked(ONE, {"module": "KS", "maHoSo": one["id"]}))).body)["value"]
        child = find_person(entry["nksSoDinhDanh"])
        assert entry["id"] == one["id"]
        assert child is not None
        assert (entry["nksHoTen"], child.age < 18) == (child.name, True)


async def test_a_catalogue_is_json_in_a_text() -> None:
    answer = remembering.answering(civil_status)
    given = json.loads((await answer(asked(LIST, {"loaiDanhMuc": 4}))).body)["value"]
    assert json.loads(given) == [{"ma": "49", "ten": "Tỉnh Quảng Nam"}]
