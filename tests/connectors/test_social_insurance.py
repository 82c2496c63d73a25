"""The contract of social-insurance."""

from __future__ import annotations

import pytest
from facts import COMMON, OURS, Case, Contract, documented

from lgsp.model import Outcome

S1 = documented("S1")
contract = Contract("social-insurance")

BY_NUMBER = contract.operation(
    "POST /getTraCuuTtHgdByMaSoBhxh",
    S1,
    sends="maSoBhxh",
    gets="hoTen soSoCu ngaySinh loaiNgaySinh gioiTinh maTinhKs maHuyenKs maXaKs trangThai",
    status=[200],
)
BY_CRITERIA = contract.operation(
    "POST /getMaSoBhxhTheoTieuChi",
    S1,
    sends="hoTen ngaySinh loaiNgaySinh gioiTinh maTinhKs maHuyenKs maXaKs isKs",
    takes={"loaiNgaySinh": "012", "gioiTinh": "123", "isKs": "01"},
    gets="maSoBhxh trangThai errorCode",
    status=[200],
)
HOUSEHOLD = contract.operation(
    "POST /getTraCuuThongTinHgd",
    S1,
    sends="maTinh hoTen ngaySinh loaiNgaySinh gioiTinh soSo maThe isKs",
    takes={"gioiTinh": "12", "isKs": "0"},
    gets="maSo hoTen ngaySinh loaiNgaySinh gioiTinh maHo diaChi trangThai",
    status=[200],
)
contract.knows(OURS, BY_NUMBER, says={"trangThai": "01"})
contract.knows(OURS, BY_CRITERIA, says={"trangThai": "01", "errorCode": ["", "1", "2", "3", "99"]})
contract.knows(OURS, HOUSEHOLD, says={"trangThai": "01"}, status=[400])

contract.case(
    "an insured person",
    S1,
    BY_NUMBER,
    body={"maSoBhxh": "9137116090"},
    gives={"hoTen": "Phan Công Khoa", "ngaySinh": "19850605", "loaiNgaySinh": "0", "gioiTinh": "1", "trangThai": "1"},
)
contract.case(
    "nobody has that number",
    OURS,
    BY_NUMBER,
    body={"maSoBhxh": "0000000009"},
    outcome=Outcome.BUSINESS_FAULT,
    gives={"hoTen": "", "maXaKs": "", "trangThai": "0"},
)
contract.case(
    "a number has 10 digits", COMMON, BY_NUMBER, body={"maSoBhxh": "913711609"}, outcome=Outcome.REJECTED, status=400
)
ONE = {"hoTen": "Nguyễn Văn Sơn", "ngaySinh": "19901221", "loaiNgaySinh": "0", "gioiTinh": "1"}
BORN_IN = {"maTinhKs": "49", "maHuyenKs": "519", "maXaKs": "20668", "isKs": "1"}
LIVES_IN = {"maTinhKs": "49", "maHuyenKs": "508", "maXaKs": "20599", "isKs": "0"}
TWO = {"hoTen": "Lê Công Long", "ngaySinh": "19940630", "loaiNgaySinh": "0", "gioiTinh": "1"}
FOUND, ITS_NUMBER = {"maSoBhxh": "7722868630", "trangThai": "1", "errorCode": ""}, "7722868630"
for _name, _body in {
    "by birth address": ONE | BORN_IN,
    "by household address": ONE | LIVES_IN,
    "by the year of birth": ONE | BORN_IN | {"ngaySinh": "1990", "loaiNgaySinh": "1"},
    "by year and month of birth": ONE | BORN_IN | {"ngaySinh": "199012", "loaiNgaySinh": "2"},
}.items():
    contract.case(_name, S1, BY_CRITERIA, body=_body, gives=FOUND)
contract.case(
    "the unit tells two of a name apart", S1, BY_CRITERIA, body=TWO | {"maHuyenKs": "514"}, gives={"trangThai": "1"}
)
for _name, _code, _body in (
    ("no such name", "1", ONE | BORN_IN | {"hoTen": "Nguyễn Văn Không"}),
    ("another day of birth", "1", ONE | {"ngaySinh": "19901222"}),
    ("a woman of that name", "1", ONE | {"gioiTinh": "2"}),
    ("nobody is of the third gender", "1", ONE | {"gioiTinh": "3"}),
    ("born elsewhere", "1", ONE | LIVES_IN | {"isKs": "1"}),
    ("two of a name and day", "2", TWO),
):
    contract.case(
        _name,
        OURS,
        BY_CRITERIA,
        body=_body,
        outcome=Outcome.BUSINESS_FAULT,
        gives={"maSoBhxh": "", "trangThai": "0", "errorCode": _code},
    )
for _name, _body in {
    "a value beyond the list": ONE | {"loaiNgaySinh": "3"},
    "a day of birth is written yyyyMMdd": ONE | {"ngaySinh": "21/12/1990"},
    "no name": {"ngaySinh": "19901221", "gioiTinh": "1"},
}.items():
    contract.case(
        _name, OURS, BY_CRITERIA, body=_body, outcome=Outcome.REJECTED, gives={"errorCode": "3", "trangThai": "0"}
    )
contract.failure("the database fails", OURS, BY_CRITERIA, Outcome.PROVIDER_ERROR, 200, {"errorCode": "99"})
CARD = {"maTinh": "49", "hoTen": "Phan Công Khoa", "ngaySinh": "19850605", "loaiNgaySinh": "0", "gioiTinh": "1"}
contract.case(
    "by the health card",
    S1,
    HOUSEHOLD,
    body=CARD | {"soSo": "", "maThe": "DN4499137116090", "isKs": "0"},
    gives={"maSo": "9137116090", "maHo": "4972155593", "gioiTinh": "1", "trangThai": "1"},
)
contract.case(
    "by name and birth",
    S1,
    HOUSEHOLD,
    body={"maTinh": "49", "isKs": "0", **ONE},
    gives={"hoTen": "Nguyễn Văn Sơn", "maSo": ITS_NUMBER},
)
contract.case(
    "the card is somebody else's",
    OURS,
    HOUSEHOLD,
    body=CARD | {"hoTen": "Phan Công Khác", "gioiTinh": "2", "maThe": "DN4499137116090"},
    outcome=Outcome.BUSINESS_FAULT,
    gives={"maSo": "", "maHo": "", "trangThai": "0"},
)
contract.case(
    "a card has 15 characters",
    COMMON,
    HOUSEHOLD,
    body=CARD | {"maThe": "9137116090"},
    outcome=Outcome.REJECTED,
    status=400,
)


@pytest.mark.parametrize("case", contract.cases, ids=str)
async def test_the_stand_in_keeps_the_contract(case: Case) -> None:
    await case.check()
