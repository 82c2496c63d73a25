"""Danh mục dùng chung quốc gia, CSDLQG về TTHC: National Catalogues and Procedures.

Facts (S1): the `/dmdc` contract, its catalogue codes, names and types of properties, the answers to a bulk add. Seen (S8d,
S11): the verbs of the National Portal, `result` with `error_code`, the fields of a procedure. Assumptions: one path a verb,
how the fields nest, an unknown catalogue is an empty list, and what is added is not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.province.body import object_of
from connectors.province.catalogues import ETHNIC_GROUPS, GENDERS, NATIONALITIES, RELIGIONS
from connectors.province.dossier import AGENCIES, CHANNELS, PROCEDURES, find_procedure
from connectors.province.identifiers import is_procedure_code
from connectors.province.places import COMMUNES, DISTRICTS, PROVINCE_UNIT, Unit
from connectors.province.silence import without_words
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
AGENCY_FIELDS = {
    "TenDonVi": "Tên đơn vị",
    "DiaChi": "Địa chỉ",
    "Email": "Email",
    "SoDienThoai": "Số điện thoại",
    "Fax": "Fax",
    "Website": "Website",
    "QdBanHanhQdSuaDoi": "QĐ ban hành/ QĐ sửa đổi",
    "NgayBanHanhQd": "Ngày ban hành QĐ",
    "CoQuanBanHanhQd": "Cơ Quan ban hành QĐ",
}
"""Properties of an agency after its code, with their names."""
PAIR_FIELDS = {"Ma": "Mã", "Ten": "Tên"}
INVALID, UNKNOWN, FAILED = "1", "2", "99"
_AGENCIES = "qlvanbandieuhanhcap"
_VALUES = ("Loại 1", "Loại 2", "Loại 3")
_ADD = "POST /Category/{ma}"
_FIELDS_OF_WORK = sorted({field for _, field, _ in PROCEDURES.values()})


async def answer(request: Request) -> Reply:
    """A bare list for a catalogue, a portal's answer for a verb."""
    return OPERATIONS[request.operation](request)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """`MSG` where records are added, `error_code` where a verb answers, else nothing: the gateway speaks."""
    if request.operation == _ADD:
        return _not_added(request, "the system is busy" if outcome is Outcome.PROVIDER_ERROR else "bad record", outcome)
    if request.operation.startswith("POST"):
        return _portal(request, [], INVALID if outcome is Outcome.REJECTED else FAILED, outcome)
    return without_words(request, outcome)


def _metadata(request: Request) -> Reply:
    code = request.path_values["ma"]
    if code not in CODES:
        return _empty(request)
    level = code[-1]
    known = {f"MaDinhDanhCap{level}": f"Mã định danh cấp {level}"} | AGENCY_FIELDS
    fields = known if code.startswith(_AGENCIES) else PAIR_FIELDS
    kinds = {"NgayBanHanhQd": "DateTime"}
    listed = [
        {"PropertyCode": name, "PropertyName": says, "PropertyType": kinds.get(name, "String")}
        for name, says in fields.items()
    ]
    return Reply.of_json(request, listed)


def _content(request: Request) -> Reply:
    code = request.path_values["ma"]
    return Reply.of_json(request, _records(code)) if code in CODES else _empty(request)


def _records(code: str) -> list[dict[str, Any]]:
    if code.startswith(_AGENCIES):
        nothing = dict.fromkeys(AGENCY_FIELDS)
        return [{f"MaDinhDanhCap{code[-1]}": org} | nothing | {"TenDonVi": name} for org, name in AGENCIES.items()]
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
        return _not_added(request, f"{code} is not a category", Outcome.BUSINESS_FAULT)
    try:
        records = request.json
    except MalformedRequest:
        records = None
    if not isinstance(records, list) or not all(isinstance(one, dict) and one for one in records):
        return _not_added(request, "body is not an array of records", Outcome.REJECTED)
    known = {str(next(iter(record.values()))) for record in _records(code)}
    for n, record in enumerate(records, 1):
        name, value = next(iter(record.items()))
        if str(value) in known:
            return _not_added(request, f"Record {n}: {name} {value} is duplicate", Outcome.BUSINESS_FAULT)
        known.add(str(value))
    return Reply.of_json(request, {"MSG": "Done", "Count": len(records)})


def _not_added(request: Request, says: str, outcome: Outcome) -> Reply:
    reason = "duplicate" if outcome is Outcome.BUSINESS_FAULT else "not_inserted"
    return Reply.of_json(request, {"MSG": f"Data not insert: {says}", "Count": 0}, outcome=outcome, reason=reason)


def _all(request: Request) -> Reply:
    return Reply.of_json(request, [{"Code": code, "Name": code} for code in CODES])


def _procedures(request: Request) -> Reply:
    listed = [{"MATTHC": code, "TENTTHC": name, "TENLINHVUC": field} for code, (name, field, _) in PROCEDURES.items()]
    return _portal(request, listed)


def _procedure(request: Request) -> Reply:
    code = str(object_of(request).get("maTTHC", ""))
    if not is_procedure_code(code):
        return _portal(request, [], INVALID, Outcome.REJECTED)
    found = find_procedure(code)
    if found is None:
        return _portal(request, [], UNKNOWN, Outcome.BUSINESS_FAULT)
    name, field, days = found
    way = {
        "THOIGIAN": [{"THOIGIANGIAIQUYET": f"{days} ngày làm việc", "PHILEPHI": [{"SOTIEN": 0}]}],
    }
    record = {
        "MATTHC": code,
        "TENTTHC": name,
        "LINHVUCTHUCHIEN": [{"MALINHVUC": f"{_FIELDS_OF_WORK.index(field) + 1:03d}", "TENLINHVUC": field}],
        "TRINHTUTHUCHIEN": "Nộp hồ sơ; tiếp nhận; giải quyết; trả kết quả",
        "CACHTHUCTHUCHIEN": [{"KENH": channel, **way} for channel in CHANNELS],
        "THANHPHANHOSO": ["Tờ khai theo mẫu"],
        "KETQUATHUCHIEN": [name],
        "CANCUPHAPLY": ["Văn bản quy định thủ tục"],
        "COQUANTHUCHIEN": AGENCIES["000.00.00.H47"],
    }
    return _portal(request, [record])


def _portal_list(records: list[dict[str, Any]]) -> Callable[[Request], Reply]:
    return lambda request: _portal(request, records)


def _units(units: tuple[Unit, ...]) -> list[dict[str, Any]]:
    return [{"MA": unit.code, "TEN": unit.name, "MACHA": unit.parent} for unit in units]


def _of(pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"MA": code, "TEN": name} for code, name in pairs]


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "GET /Metadata/{ma}": _metadata,
    "GET /Category/{ma}": _content,
    _ADD: _add,
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


def _empty(request: Request) -> Reply:
    return Reply.of_json(request, [], outcome=Outcome.BUSINESS_FAULT, reason="not_found")
