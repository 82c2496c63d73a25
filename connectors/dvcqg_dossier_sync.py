"""Đồng bộ hồ sơ, trạng thái lên Cổng Dịch vụ công quốc gia: National Portal Dossier Sync.

Seen (S4, S8d, S13, S18, S48): login with `dstcode`, the one endpoint with the verb in the field `service`, the fields, the ten
states. Assumptions: one path a verb beside it, the values of `error_code`, allowed transitions, that a session ends half
an hour after its login, but never that of the account in the examples.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.province import intake, meanings
from connectors.province.dates import local, stamp
from connectors.province.dossier import (
    FINISHED,
    STATES,
    Dossier,
    find_dossier,
    find_procedure,
    may_become,
)
from connectors.province.identifiers import is_dossier_code
from connectors.province.seed import digits
from lgsp import Kept, MalformedRequest, Outcome, Reply, Request, State

failure_of = meanings.failure_of

OK, EXPIRED, SCHEMA, PROCEDURE, DOSSIER, STEP, DUPLICATE, SYSTEM = "0", "1", "2", "3", "4", "5", "6", "99"
DESTINATION = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
ACCOUNT = "tinh-quang-nam"
"""The account of the examples, whose session is always there."""
SESSION_SECONDS = 1_800
STATE = {
    "dossier": Kept(seconds=90 * 86_400),
    "session": Kept(seconds=SESSION_SECONDS, most=1_000),
    "look": meanings.LOOK,
}
"""`dossier`: what was synchronised, by code; `session`: who logged in, by session; `look`: at a pending dossier."""
_AT_WORK = 4
_STAMP = re.compile(r"[0-9]{14}")
_REFUSED = {EXPIRED, SCHEMA, PROCEDURE}
_LISTS = ("TaiLieuNop", "DanhSachLePhi", "DanhSachHoSoBoSung", "DanhSachGiayToKetQua")
_TEXTS = (
    "SoBienNhan",
    "MaDoiTuong",
    "ThongTinKhac",
    "Email",
    "Fax",
    "SoDienThoai",
    "TrichYeuHoSo",
    "NgayTra",
    "ThongTinTra",
    "HinhThuc",
    "DonViXuLy",
    "GhiChu",
)
_KNOWN = ("MaTTHC", "ChuHoSo", "LoaiDoiTuong", "KenhThucHien", "NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy")

Answered = tuple[str, object]
"""An `error_code`, and the `result` beside it."""


def answer_with(request: Request, state: State) -> Reply:
    """`result` and `error_code`."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return _answered(request, SCHEMA, "Bản tin không phải JSON")
    path = request.operation.removeprefix("POST /")
    if path == "login" or (path == "g" and "service" not in fields):
        return _login(request, fields, state)
    verb = str(fields.get("service", path))
    if verb not in VERBS or path not in {"g", verb}:
        return _answered(request, SCHEMA, "Trường service không khớp với đường dẫn")
    if not _is_session(str(fields.get("session", "")), state):
        return _answered(request, EXPIRED, "Phiên làm việc không hợp lệ hoặc đã hết hạn")
    return _answered(request, *VERBS[verb](fields, state))


def refuse(request: Request, outcome: Outcome) -> Reply:
    """An `error_code` for a refusal and for an error."""
    if outcome is Outcome.REJECTED:
        return _answered(request, EXPIRED, "Phiên làm việc không hợp lệ hoặc đã hết hạn")
    return _answered(request, SYSTEM, "Lỗi hệ thống", outcome)


def _login(request: Request, fields: dict[str, Any], state: State) -> Reply:
    if request.query_values.get("dstcode", DESTINATION) != DESTINATION:
        return _answered(request, SCHEMA, "dstcode không đúng")
    if not fields.get("username") or not fields.get("password"):
        return _answered(request, EXPIRED, "Sai tài khoản hoặc mật khẩu")
    account = str(fields["username"])
    # Within its time an account keeps its session, so that a login sent twice gives one.
    session = session_of(account, int(state.now // SESSION_SECONDS))
    if account != ACCOUNT:
        state.put("session", session, account)
    return Reply.of_json(request, {"session": session, "error_code": OK})


def session_of(account: str, period: int) -> str:
    """The session that a login of an account gives in a period of half an hour."""
    return f"S{digits(account if account == ACCOUNT else f'{account}/{period}', 'session', 16)}"


def _is_session(session: str, state: State) -> bool:
    return session == session_of(ACCOUNT, 0) or state.get("session", session) is not None


def _synchronise(fields: dict[str, Any], state: State) -> Answered:
    """All dossiers of a message, or none."""
    data = fields.get("data")
    if not isinstance(data, list) or not data or not all(isinstance(one, dict) for one in data):
        return SCHEMA, "data là danh sách hồ sơ"
    is_update = str(fields.get("isUpdating", False)).lower() == "true"
    fresh: dict[str, dict[str, Any]] = {}
    for one in data:
        problem = _form_problem(one)
        if problem:
            return problem
        code = str(one["MaHoSo"])
        told = fresh.get(code) or state.get("dossier", code)
        problem = _step_problem(code, one, told, is_update=is_update)
        if problem:
            return problem
        fresh[code] = (told or {}) | _kept(one)
    for code, dossier in fresh.items():
        state.put("dossier", code, dossier)
    return OK, [{"MaHoSo": str(one["MaHoSo"]), "KetQua": "Thành công"} for one in data]


def _form_problem(one: dict[str, Any]) -> Answered | None:
    if not is_dossier_code(str(one.get("MaHoSo", ""))) or not one.get("ChuHoSo"):
        return SCHEMA, f"MaHoSo hoặc ChuHoSo không hợp lệ: {one.get('MaHoSo')}"
    if find_procedure(str(one.get("MaTTHC", ""))) is None:
        return PROCEDURE, f"Không có thủ tục {one.get('MaTTHC')}"
    if _state_of(one.get("TrangThaiHoSo", "")) is None:
        return SCHEMA, "TrangThaiHoSo từ 1 đến 10"
    if not _STAMP.fullmatch(str(one.get("NgayTiepNhan", ""))):
        return SCHEMA, "NgayTiepNhan phải có dạng yyyyMMddHHmmss"
    if not all(isinstance(one.get(name, []), list) for name in _LISTS):
        return SCHEMA, f"{', '.join(_LISTS)} là danh sách"
    return None


def _step_problem(code: str, one: dict[str, Any], told: dict[str, Any] | None, *, is_update: bool) -> Answered | None:
    """Why this dossier cannot be what the message says, after what was told before."""
    if not is_update:
        is_other = told is not None and "MaTTHC" in told and told != told | _kept(one)
        return (DUPLICATE, f"Hồ sơ {code} đã được đồng bộ") if is_other else None
    before = find_dossier(code)
    if told is None and before is None:
        return DOSSIER, f"Không có hồ sơ {code}"
    now = int(told["TrangThaiHoSo"]) if told else before.state if before else 0
    wanted = int(one["TrangThaiHoSo"])
    if not may_become(now, wanted):
        return STEP, f"Hồ sơ {code}: không thể chuyển từ «{STATES[now]}» sang «{STATES[wanted]}»"
    return None


def _kept(one: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a dossier as it was sent."""
    known = {name: one[name] for name in (*_KNOWN, *_TEXTS, *_LISTS) if name in one}
    return known | {"TrangThaiHoSo": int(one["TrangThaiHoSo"])}


def _progress(fields: dict[str, Any], state: State) -> Answered:
    """All entries of a message, or none."""
    data = fields.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) and one.get("NguoiXuLy") for one in data):
        return SCHEMA, "data là danh sách tiến độ có NguoiXuLy"
    fresh: dict[str, dict[str, Any]] = {}
    for one in data:
        code = str(one.get("MaHoSo", ""))
        told, before = fresh.get(code) or state.get("dossier", code), find_dossier(code)
        if told is None and before is None:
            return DOSSIER, f"Không có hồ sơ {one.get('MaHoSo')}"
        now = int(told["TrangThaiHoSo"]) if told else before.state if before else 0
        wanted = _state_of(one.get("TrangThai", now))
        if wanted is None:
            return SCHEMA, "TrangThai từ 1 đến 10"
        if not may_become(now, wanted):
            return STEP, f"Hồ sơ {code}: không thể chuyển từ «{STATES[now]}» sang «{STATES[wanted]}»"
        if wanted != now:
            fresh[code] = (told or {}) | {"TrangThaiHoSo": wanted}
    for code, dossier in fresh.items():
        state.put("dossier", code, dossier)
    return OK, f"Đã cập nhật {len(data)} tiến độ"


def _query(fields: dict[str, Any], state: State) -> Answered:
    code = str(fields.get("MaHoSo") or fields.get("mahoso") or "")
    told, before = state.get("dossier", code), find_dossier(code)
    filed = intake.find(code)
    if filed is not None and told is None:
        return _taken_in(filed, filed.state_at(local(state.now)))
    if told is None and before is None:
        return DOSSIER, "Không tìm thấy hồ sơ"
    made = Dossier(code, str((told or {}).get("MaTTHC", "")))
    before_it = made.state if meanings.is_ready(code, state) else _AT_WORK
    return OK, [record(made, int(told["TrangThaiHoSo"]) if told else before_it) | (told or {})]


def _taken_in(filed: intake.Filed, stands: int | None) -> Answered:
    """A dossier of the province's intake, as it stands by now."""
    if stands is None:
        return DOSSIER, "Không tìm thấy hồ sơ"
    moments = {
        "KenhThucHien": filed.channel,
        "NgayTiepNhan": stamp(filed.received),
        "NgayHenTra": stamp(filed.due),
        "NgayKetThucXuLy": stamp(filed.end) if stands in FINISHED else "",
    }
    return OK, [record(Dossier(filed.code, filed.procedure), stands) | moments]


def record(dossier: Dossier, state: int) -> dict[str, Any]:
    """A dossier in the portal's fields."""
    return {
        "MaHoSo": dossier.code,
        "MaTTHC": dossier.procedure,
        "ChuHoSo": dossier.applicant.name,
        "LoaiDoiTuong": 0,
        "KenhThucHien": dossier.channel,
        "NgayTiepNhan": stamp(dossier.received),
        "NgayHenTra": stamp(dossier.due),
        "TrangThaiHoSo": state,
        "NgayKetThucXuLy": stamp(dossier.end) if state in FINISHED else "",
        **{name: [] for name in _LISTS},
    }


def _ratings(fields: dict[str, Any], state: State) -> Answered:
    data = fields.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) and one.get("MaHoSo") for one in data):
        return SCHEMA, "data là danh sách đánh giá có MaHoSo"
    for one in data:
        code = str(one["MaHoSo"])
        if find_dossier(code) is None and state.get("dossier", code) is None:
            return DOSSIER, f"Không có hồ sơ {code}"
    return OK, f"Đã nhận {len(data)} đánh giá"


def _questions(fields: dict[str, Any], state: State) -> Answered:
    del state  # nobody can ask for them again
    data = fields.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) and one.get("NoiDung") for one in data):
        return SCHEMA, "data là danh sách hỏi đáp có NoiDung"
    return OK, f"Đã nhận {len(data)} hỏi đáp"


VERBS: dict[str, Callable[[dict[str, Any], State], Answered]] = {
    "DongBoHoSoMC": _synchronise,
    "CapNhatTienDoHoSoMC": _progress,
    "TraCuuHoSo": _query,
    "DongBoDanhGia": _ratings,
    "DongBoHoiDap": _questions,
}


def _state_of(value: object) -> int | None:
    """A state from 1 to 10, sent as a number or as text; `None` for anything else."""
    return int(str(value)) if str(value) in {str(state) for state in STATES} else None


def _answered(request: Request, code: str, result: object, outcome: Outcome = Outcome.OK) -> Reply:
    if code in _REFUSED:
        outcome = Outcome.REJECTED
    elif code in {DOSSIER, STEP, DUPLICATE}:
        outcome = Outcome.BUSINESS_FAULT
    reason = "" if code == OK else f"error_{code}"
    return Reply.of_json(request, {"result": result, "error_code": code}, outcome=outcome, reason=reason)
