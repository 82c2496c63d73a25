"""Hệ thống đăng ký và quản lý hộ tịch điện tử: Electronic Civil Status.

Facts (S1, S17): operations, fields, states, error codes, and that a personal id may take days to come. Assumptions: the
values of `module` (KS birth, KT death, KH marriage), the XML inside `data`, and that a code travels as `errorCode`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.province.catalogues import ETHNIC_GROUPS, NATIONALITIES, PAPERS
from connectors.province.dates import dmy
from connectors.province.markup import NotXml, parse
from connectors.province.person import Person, person_of
from connectors.province.places import of_level
from connectors.province.seed import number, pick
from lgsp import MalformedRequest, Outcome, Reply, Request

CODES = {
    100: "AUTHEN_ERROR",
    101: "IP_DISALLOWED",
    106: "AGENCY_ID_INCORRECT",
    108: "PROVINCE_ID_INCORRECT",
    200: "RECORD_UNCOMPLETE",
    201: "RECORD_NOT_FOUND",
    302: "DATA_TYPE_INVALID",
    500: "DATA_INCORRECT",
}
_FAULTS = {200, 201}
MODULES = {"KS": "Khai sinh", "KT": "Khai tử", "KH": "Kết hôn"}
STATES = {1: "Đã tiếp nhận, chờ xử lý", 2: "Yêu cầu bổ sung", 3: "Đủ điều kiện", 4: "Đã đăng ký", 0: "Lỗi"}
_AGENCIES = range(49_000, 50_000)


async def answer(request: Request) -> Reply:
    """`value` with what was asked, or `errorCode` with its name."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return _error(request, 500)
    return OPERATIONS[request.operation](request, fields)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """100 AUTHEN_ERROR for a refusal; a system that fails has no code."""
    if outcome is Outcome.REJECTED:
        return _error(request, 100)
    return Reply.of_json(
        request, {"message": "Internal Server Error"}, outcome=outcome, status=500, reason="provider_fault"
    )


def _register(request: Request, fields: dict[str, Any]) -> Reply:
    if not _is_agency(fields.get("maDonVi")):
        return _error(request, 106)
    if fields.get("module") not in MODULES or not fields.get("maHoSo") or not fields.get("ngayTiepNhan"):
        return _error(request, 500)
    try:
        parse(str(fields.get("data", "")).encode())
    except NotXml:
        return _error(request, 500)
    return _value(request, 1)


def _state(request: Request, fields: dict[str, Any]) -> Reply:
    problem = _dossier_problem(fields)
    if problem:
        return _error(request, problem)
    state = _state_of(str(fields["maHoSo"]))
    detail = "Bổ sung giấy chứng sinh" if state == 2 else ""
    return _value(request, state, trangThai=STATES[state], chiTiet=detail)


def _result(request: Request, fields: dict[str, Any]) -> Reply:
    problem = _dossier_problem(fields)
    if problem:
        return _error(request, problem)
    code = str(fields["maHoSo"])
    if _state_of(code) != 4:
        return _error(request, 200)
    return _value(request, 1, ketQua=_entry(code))


def _registered(request: Request, fields: dict[str, Any]) -> Reply:
    if fields.get("module") not in MODULES or not fields.get("ngayCapNhat"):
        return _error(request, 108)
    day = str(fields["ngayCapNhat"])
    listed = [
        {
            "id": 700_000 + number(f"{day}/{n}", "id", 90_000),
            "maDonVi": _AGENCIES[number(f"{day}/{n}", "agency", 1_000)],
        }
        for n in range(5 + number(day, "count", 10))
    ]
    return _value(request, 1, danhSach=listed)


def _one(request: Request, fields: dict[str, Any]) -> Reply:
    if fields.get("module") not in MODULES:
        return _error(request, 108)
    problem = _entry_problem(fields.get("maHoSo"))
    return _error(request, problem) if problem else _value(request, 1, danhSach=[_entry(str(fields["maHoSo"]))])


def _many(request: Request, fields: dict[str, Any]) -> Reply:
    ids = fields.get("dsMaHoSo")
    if str(fields.get("maTinh")) != "49" or fields.get("module") not in MODULES or not isinstance(ids, list):
        return _error(request, 108)
    found = [_entry(str(one)) for one in ids if not _entry_problem(one)]
    return _value(request, 1, danhSach=found) if found else _error(request, 201)


def _catalogue(request: Request, fields: dict[str, Any]) -> Reply:
    lists: dict[str, list[dict[str, str]]] = {
        "1": [{"ma": code, "ten": name} for code, name in NATIONALITIES],
        "2": [{"ma": code, "ten": name} for code, name in NATIONALITIES],
        "3": [{"ma": code, "ten": name} for code, name, _ in ETHNIC_GROUPS],
        "4": [{"ma": unit.code, "ten": unit.name} for unit in of_level("HUYEN")],
        "5": [{"ma": code, "ten": name} for code, name in PAPERS],
    }
    found = lists.get(str(fields.get("loaiDanhMuc")))
    return _error(request, 302) if found is None else _value(request, 1, danhSach=found)


OPERATIONS: dict[str, Callable[[Request, dict[str, Any]], Reply]] = {
    "POST /dangKyHoTich": _register,
    "POST /traTrangThaiHoSo": _state,
    "POST /ketQuaDangKyHS": _result,
    "POST /dsHoSoDangKy": _registered,
    "POST /traHoSo": _one,
    "POST /traDanhSachHoSo": _many,
    "POST /danhMuc": _catalogue,
}


def _is_agency(given: object) -> bool:
    text = str(given)
    return text.isascii() and text.isdigit() and len(text) <= 9 and int(text) in _AGENCIES


def _dossier_problem(fields: dict[str, Any]) -> int:
    """0 where agency and receipt number are well."""
    if not _is_agency(fields.get("maDonVi")):
        return 106
    return 0 if re.fullmatch(r"[0-9A-Z.]+-[0-9]{6,8}-[0-9]{4,7}", str(fields.get("maHoSo", ""))) else 201


def _entry_problem(given: object) -> int:
    """0 for an id of the civil-status system that is registered; the last digit 0 is not finished yet."""
    text = str(given)
    if not re.fullmatch(r"7[0-9]{5}", text):
        return 201
    return 200 if text.endswith("0") else 0


def _state_of(code: str) -> int:
    # 1 and 3 are the slow tail of the field: the personal id takes days.
    return pick(code, "civil status", (4, 4, 4, 4, 1, 3, 2))


def _entry(code: str) -> dict[str, Any]:
    child = person_of(code, "child", adult=False)
    return {
        "id": number(code, "id", 90_000) + 700_000,
        "so": f"{number(code, 'entry', 300) + 1}/{child.born.year}",
        "quyenSo": f"01/{child.born.year}",
        "trangSo": str(number(code, "page", 200) + 1),
        "ngayDangKy": dmy(child.born),
        "noiDangKy": child.birthplace.commune.name,
        "nksHoTen": child.name,
        "nksGioiTinh": child.gender,
        "nksNgaySinh": dmy(child.born),
        "nksSoDinhDanh": str(child.id),
        **_parent("me", child.mother),
        **_parent("cha", child.father),
    }


def _parent(prefix: str, person: Person | None) -> dict[str, str]:
    return {f"{prefix}HoTen": person.name, f"{prefix}SoDinhDanh": str(person.id)} if person else {}


def _value(request: Request, value: int, **more: object) -> Reply:
    return Reply.of_json(request, {"value": value, **more})


def _error(request: Request, code: int) -> Reply:
    outcome = Outcome.BUSINESS_FAULT if code in _FAULTS else Outcome.REJECTED
    return Reply.of_json(
        request, {"errorCode": code, "errorName": CODES[code]}, outcome=outcome, reason=f"error_{code}"
    )
