"""Danh mục dùng chung quốc gia, CSDLQG về TTHC: National Catalogues and Procedures.

Facts (S1): the `/dmdc` contract, its catalogue codes, the answers to a bulk add. Seen (S8d, S11): the verbs of the
National Portal and their fields. Assumptions: one path a verb, and what an unknown catalogue answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.province.catalogues import ETHNIC_GROUPS, GENDERS, NATIONALITIES, RELIGIONS
from connectors.province.dossier import AGENCIES, PROCEDURES, find_procedure
from connectors.province.places import COMMUNES, DISTRICTS, PROVINCE_UNIT, Unit
from lgsp import MalformedRequest, Outcome, Reply, Request

_PLAIN = (
    "mabuuchinhvungkhuvuc",
    "madantockhac",
    "manhommau",
    "maynghianhommau",
    "matinhtranghonnhan",
    "machucdanhcqdcsvn",
    "mabacluong",
    "mabangluong",
    "machucdanh",
    "manhomluong",
    "mahesoluong",
    "mahesoluongvung",
    "mathiduakhenthuong",
    "maloaivanbantheoqdpl",
    "matenvanbantheoqdpl",
    "matenvanbanhanhchinh",
    "dokhanvanban",
)
CODES = (
    *(f"qlvanbandieuhanhcap{n}" for n in range(1, 5)),
    *(f"donvihanhchinhcap{n}" for n in range(1, 4)),
    *(f"mabuuchinhcap{n}" for n in range(1, 4)),
    *(f"giaoducdaotaovncap{n}" for n in range(1, 6)),
    "madantoc",
    "matongiao",
    "magioitinh",
    "maquocgia",
    *_PLAIN,
)
"""The catalogues of the guide (S1)."""
AGENCY_FIELDS = (
    "MaDinhDanhCap1",
    "TenDonVi",
    "DiaChi",
    "Email",
    "SoDienThoai",
    "Fax",
    "Website",
    "QdBanHanhQdSuaDoi",
    "NgayBanHanhQd",
    "CoQuanBanHanhQd",
)
_VALUES = ("Loại 1", "Loại 2", "Loại 3")


async def answer(request: Request) -> Reply:
    """A bare list for a catalogue, a portal's answer for a verb."""
    return OPERATIONS[request.operation](request)


def _metadata(request: Request) -> Reply:
    code = request.path_values["ma"]
    if code not in CODES:
        return _unknown(request)
    fields = AGENCY_FIELDS if code.startswith("qlvanban") else ("Ma", "Ten")
    kinds = {"NgayBanHanhQd": "DateTime"}
    listed = [
        {"PropertyCode": name, "PropertyName": name, "PropertyType": kinds.get(name, "String")} for name in fields
    ]
    return Reply.of_json(request, listed)


def _content(request: Request) -> Reply:
    code = request.path_values["ma"]
    return Reply.of_json(request, _records(code)) if code in CODES else _unknown(request)


def _records(code: str) -> list[dict[str, Any]]:
    if code.startswith("qlvanban"):
        level = code[-1]
        return [
            {"MaDinhDanhCap" + level: org, "TenDonVi": name, **dict.fromkeys(AGENCY_FIELDS[2:])}
            for org, name in AGENCIES.items()
        ]
    known: dict[str, list[tuple[str, str]]] = {
        "madantoc": [(ma, ten) for ma, ten, _ in ETHNIC_GROUPS],
        "matongiao": list(RELIGIONS),
        "magioitinh": list(GENDERS),
        "maquocgia": list(NATIONALITIES),
        "donvihanhchinhcap1": _pairs((PROVINCE_UNIT,)),
        "donvihanhchinhcap2": _pairs(DISTRICTS),
        "donvihanhchinhcap3": _pairs(COMMUNES),
    }
    pairs = known.get(code) or [(str(n), value) for n, value in enumerate(_VALUES, 1)]
    return [{"Ma": ma, "Ten": ten} for ma, ten in pairs]


def _pairs(units: tuple[Unit, ...]) -> list[tuple[str, str]]:
    return [(unit.code, unit.name) for unit in units]


def _add(request: Request) -> Reply:
    code = request.path_values["ma"]
    if code not in CODES:
        return _unknown(request)
    try:
        records = request.json
    except MalformedRequest:
        records = None
    if not isinstance(records, list) or not all(isinstance(one, dict) and one for one in records):
        return Reply.of_json(
            request,
            {"MSG": "Data not insert: body is not an array", "Count": 0},
            outcome=Outcome.REJECTED,
            status=400,
            reason="bad_request",
        )
    known = {next(iter(record.values())) for record in _records(code)}
    for n, record in enumerate(records, 1):
        key = next(iter(record.values()))
        if key in known:
            says = f"Data not insert: Record {n}: {key} is duplicate"
            return Reply.of_json(request, {"MSG": says, "Count": 0}, outcome=Outcome.BUSINESS_FAULT, reason="duplicate")
        known.add(key)
    return Reply.of_json(request, {"MSG": "Done", "Count": len(records)})


def _all(request: Request) -> Reply:
    return Reply.of_json(request, [{"Code": code, "Name": code} for code in CODES])


def _procedures(request: Request) -> Reply:
    listed = [{"MATTHC": code, "TENTTHC": name, "TENLINHVUC": field} for code, (name, field, _) in PROCEDURES.items()]
    return _portal(request, listed)


def _procedure(request: Request) -> Reply:
    try:
        code = str(request.json_object.get("maTTHC", ""))
    except MalformedRequest:
        code = ""
    if not re.fullmatch(r"[0-9]\.[0-9]{6}", code):
        return _portal(request, [], "1", Outcome.REJECTED)
    found = find_procedure(code)
    if found is None:
        return _portal(request, [], "2", Outcome.BUSINESS_FAULT)
    name, field, days = found
    record = {
        "MATTHC": code,
        "TENTTHC": name,
        "TENLINHVUC": field,
        "KENH": "1;2;3",
        "THOIGIANGIAIQUYET": f"{days} ngày làm việc",
        "PHILEPHI": [],
        "THANHPHANHOSO": ["Tờ khai theo mẫu"],
        "KETQUATHUCHIEN": name,
        "COQUANTHUCHIEN": AGENCIES["000.00.00.H47"],
    }
    return _portal(request, [record])


def _portal_list(records: list[dict[str, Any]]) -> Callable[[Request], Reply]:
    return lambda request: _portal(request, records)


def _units(units: tuple[Unit, ...]) -> list[dict[str, Any]]:
    return [{"MA": unit.code, "TEN": unit.name, "MACHA": unit.parent} for unit in units]


def _of(pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"MA": code, "TEN": name} for code, name in pairs]


_FIELDS_OF_WORK = sorted({field for _, field, _ in PROCEDURES.values()})

OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "GET /Metadata/{ma}": _metadata,
    "GET /Category/{ma}": _content,
    "POST /Category/{ma}": _add,
    "GET /AllCategory": _all,
    "POST /LayDanhSachTTHC": _procedures,
    "POST /LayThuTuc": _procedure,
    "POST /LayDanhMucTinhThanh": _portal_list(_units((PROVINCE_UNIT,))),
    "POST /LayDanhMucQuanHuyen": _portal_list(_units(DISTRICTS)),
    "POST /LayDanhMucPhuongXa": _portal_list(_units(COMMUNES)),
    "POST /LayDanhMucCoQuan": _portal_list(_of(list(AGENCIES.items()))),
    "POST /LayDanhMucDanToc": _portal_list(_of([(code, name) for code, name, _ in ETHNIC_GROUPS])),
    "POST /LayDanhMucTonGiao": _portal_list(_of(list(RELIGIONS))),
    "POST /LayDanhMucLinhVuc": _portal_list(_of([(f"{n:03d}", name) for n, name in enumerate(_FIELDS_OF_WORK, 1)])),
    "POST /LayDanhMucLePhi": _portal_list(
        [{"MA": "LP01", "TEN": "Lệ phí hộ tịch", "GIA": 0}, {"MA": "LP02", "TEN": "Phí chứng thực", "GIA": 2000}]
    ),
}


def _portal(request: Request, records: list[dict[str, Any]], error: str = "0", outcome: Outcome = Outcome.OK) -> Reply:
    reason = "" if error == "0" else f"error_{error}"
    return Reply.of_json(request, {"result": records, "error_code": error}, outcome=outcome, reason=reason)


def _unknown(request: Request) -> Reply:
    return Reply.of_json(
        request,
        {"MSG": "Category not found", "Count": 0},
        outcome=Outcome.BUSINESS_FAULT,
        status=404,
        reason="not_found",
    )
