"""Hệ thống đăng ký và quản lý hộ tịch điện tử: Electronic Civil Status.

Facts (S1, S17): operations, fields, states, error codes with their descriptions, a status 0 with code and description, a
catalogue as JSON in a text, and that a personal id may take days to come. Assumptions: the names `status`, `value`,
`description`, `errorCode`, `errorDescription`; the values of `module` (KS birth, KT death, KH marriage) and the XML inside
`data`; 108 for an unknown `module`; what was registered a moment ago waits a minute, is eligible a minute, and then
stands as every other dossier does, some for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from connectors.province import meanings
from connectors.province.catalogues import ETHNIC_GROUPS, NATIONALITIES, PAPERS
from connectors.province.dates import dmy, parse_dmy
from connectors.province.markup import NotXml, parse
from connectors.province.person import Person, person_of
from connectors.province.places import PROVINCE, of_level
from connectors.province.seed import number, pick
from connectors.province.silence import without_words
from lgsp import Kept, MalformedRequest, Outcome, Reply, Request, State

failure_of = meanings.failure_of

STATE = {"registration": Kept(seconds=90 * 86_400), "look": meanings.LOOK}
"""When each receipt number was registered, and the `module`; and which pending ones somebody looked at."""
CODES = {
    100: "AUTHEN_ERROR - Mã xác thực không chính xác.",
    101: "IP_DISALLOWED - Địa chỉ IP không được phép truy cập.",
    106: "AGENCY_ID_INCORRECT - Mã đơn vị không chính xác.",
    108: "PROVINCE_ID_INCORRECT - Mã tỉnh không chính xác.",
    200: "RECORD_UNCOMPLETE - Hồ sơ chưa hoàn thành đăng ký.",
    201: "RECORD_NOT_FOUND - Hồ sơ không tồn tại, đề nghị xem lại số phiếu tiếp nhận.",
    302: "DATA_TYPE_INVALID - Loại dữ liệu danh mục không hợp lệ.",
    500: "DATA_INCORRECT - Dữ liệu không chính xác: {}.",
}
_FAULTS = {200, 201}
MODULES = {"KS": "Khai sinh", "KT": "Khai tử", "KH": "Kết hôn"}
STATES = {
    1: "Đã tiếp nhận hồ sơ, chờ xử lý",
    2: "Hồ sơ cần bổ sung thông tin: giấy chứng sinh",
    3: "Hồ sơ đủ điều kiện giải quyết",
    4: "Đã hoàn thành đăng ký",
}
ACCOUNT_LOCKED, ADDRESS_REFUSED = "49998", "49999"
"""Agencies whose credentials, or whose address, the system refuses."""
_AGENCIES = range(49_000, 49_998)
_STEP = 60.0
_MOST = 500
_REGISTER = "POST /dangKyHoTich"


def answer_with(request: Request, state: State) -> Reply:
    """`status` with its `value`, or 0 with the code of the error."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return refuse(request, Outcome.REJECTED)
    refused = {ACCOUNT_LOCKED: 100, ADDRESS_REFUSED: 101}.get(str(fields.get("maDonVi")))
    return _error(request, refused) if refused else OPERATIONS[request.operation](request, fields, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """100 for a refusal; a system that fails has 500 where it registers, else no code: the gateway speaks."""
    if outcome is Outcome.REJECTED:
        return _error(request, 100)
    if request.operation == _REGISTER:
        return _error(request, 500, "hệ thống đang bảo trì", outcome)
    return without_words(request, outcome)


def _register(request: Request, fields: dict[str, Any], state: State) -> Reply:
    if not _is_agency(fields.get("maDonVi")):
        return _error(request, 106)
    code = str(fields.get("maHoSo", ""))
    if str(fields.get("module")) not in MODULES:
        return _error(request, 500, "module")
    if not _is_receipt(code):
        return _error(request, 500, "maHoSo")
    if parse_dmy(str(fields.get("ngayTiepNhan", ""))) is None:
        return _error(request, 500, "ngayTiepNhan phải có dạng dd/MM/yyyy")
    try:
        parse(str(fields.get("data", "")).encode())
    except NotXml:
        return _error(request, 500, "data không phải XML")
    if state.get("registration", code) is None:
        state.put("registration", code, {"at": state.now, "module": fields["module"]})
    return _status(request, 1)


def _state(request: Request, fields: dict[str, Any], state: State) -> Reply:
    problem = _dossier_problem(fields)
    if problem:
        return _error(request, problem)
    stands = _state_of(str(fields["maHoSo"]), state)
    return _status(request, stands, description=STATES[stands])


def _result(request: Request, fields: dict[str, Any], state: State) -> Reply:
    problem = _dossier_problem(fields)
    if problem:
        return _error(request, problem)
    code = str(fields["maHoSo"])
    if _state_of(code, state) != 4:
        return _error(request, 200)
    return _status(request, 1, value=[_entry(code, 700_000 + number(code, "id", 90_000))])


def _registered(request: Request, fields: dict[str, Any], _: State) -> Reply:
    day = parse_dmy(str(fields.get("ngayCapNhat", "")))
    if str(fields.get("module")) not in MODULES or day is None:
        return _error(request, 108)
    thing = f"{fields['module']}/{day}"
    listed = [
        {
            "id": 700_001 + 10 * number(f"{thing}/{n}", "id", 9_000) + n % 9,
            "maDonVi": _AGENCIES[number(f"{thing}/{n}", "agency", len(_AGENCIES))],
        }
        for n in range(5 + number(thing, "count", 10))
    ]
    return _status(request, 1, value=listed)


def _one(request: Request, fields: dict[str, Any], _: State) -> Reply:
    if str(fields.get("module")) not in MODULES:
        return _error(request, 108)
    given = str(fields.get("maHoSo"))
    problem = _entry_problem(given)
    return _error(request, problem) if problem else _status(request, 1, value=[_entry(given, int(given))])


def _many(request: Request, fields: dict[str, Any], _: State) -> Reply:
    ids = fields.get("dsMaHoSo")
    if str(fields.get("maTinh")) != PROVINCE or str(fields.get("module")) not in MODULES or not isinstance(ids, list):
        return _error(request, 108)
    found = [_entry(given, int(given)) for given in map(str, ids[:_MOST]) if not _entry_problem(given)]
    return _status(request, 1, value=found) if found else _error(request, 201)


def _catalogue(request: Request, fields: dict[str, Any], _: State) -> Reply:
    lists: dict[str, list[dict[str, str]]] = {
        "1": [{"ma": code, "ten": name} for code, name in NATIONALITIES],
        "2": [{"ma": code, "ten": name} for code, name in NATIONALITIES],
        "3": [{"ma": code, "ten": name} for code, name, _ in ETHNIC_GROUPS],
        "4": [{"ma": unit.code, "ten": unit.name} for unit in of_level("TINH")],
        "5": [{"ma": code, "ten": name} for code, name in PAPERS],
    }
    found = lists.get(str(fields.get("loaiDanhMuc")))
    if found is None:
        return _error(request, 302)
    return _status(request, 1, value=json.dumps(found, ensure_ascii=False, separators=(",", ":")))


OPERATIONS: dict[str, Callable[[Request, dict[str, Any], State], Reply]] = {
    _REGISTER: _register,
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


def _is_receipt(code: str) -> bool:
    return bool(re.fullmatch(r"[0-9A-Z.]{1,40}-[0-9]{6,8}-[0-9]{4,7}", code))


def _dossier_problem(fields: dict[str, Any]) -> int:
    """0 where agency and receipt number are well; numbers that end in 99 are nobody's."""
    if not _is_agency(fields.get("maDonVi")):
        return 106
    code = str(fields.get("maHoSo", ""))
    return 0 if _is_receipt(code) and not code.endswith("99") else 201


def _entry_problem(given: str) -> int:
    """0 for an id of the civil-status system that is registered; the last digit 0 is not finished yet."""
    if not re.fullmatch(r"7[0-9]{5}", given):
        return 201
    return 200 if given.endswith("0") else 0


def _state_of(code: str, state: State) -> int:
    if meanings.meaning_of(code):
        return 4 if meanings.is_ready(code, state) else 1
    there = state.get("registration", code)
    age = state.now - there["at"] if there else 2 * _STEP
    if age < 2 * _STEP:
        return 1 if age < _STEP else 3
    # 1 and 3 are the slow tail of the field: the personal id takes days.
    return pick(code, "civil status", (4, 4, 4, 4, 1, 3, 2))


def _entry(code: str, entry_id: int) -> dict[str, Any]:
    child = person_of(code, "child", adult=False)
    return {
        "id": entry_id,
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


def _status(request: Request, status: int, **more: object) -> Reply:
    return Reply.of_json(request, {"status": status, **more})


def _error(request: Request, code: int, detail: str = "", outcome: Outcome | None = None) -> Reply:
    ends = outcome or (Outcome.BUSINESS_FAULT if code in _FAULTS else Outcome.REJECTED)
    body = {"status": 0, "errorCode": code, "errorDescription": CODES[code].format(detail)}
    return Reply.of_json(request, body, outcome=ends, reason=f"error_{code}")
