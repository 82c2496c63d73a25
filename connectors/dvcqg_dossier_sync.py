"""Đồng bộ hồ sơ, trạng thái lên Cổng Dịch vụ công quốc gia: National Portal Dossier Sync.

Seen (S4, S8d, S13, S18): login with `dstcode`, the verbs, the fields, the ten states. Assumptions: one path a verb (really one
endpoint with the verb in the field `service`, which is accepted too), the values of `error_code`, that a session is
any that `login` could have given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.province.dates import stamp
from connectors.province.dossier import STATES, Dossier, find_dossier, find_procedure
from connectors.province.identifiers import is_dossier_code
from connectors.province.seed import digits
from lgsp import MalformedRequest, Outcome, Reply, Request

OK, EXPIRED, SCHEMA, PROCEDURE, DOSSIER, STATE, SYSTEM = "0", "1", "2", "3", "4", "5", "99"
DESTINATION = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
_STAMP = re.compile(r"[0-9]{14}")
_REFUSED = {EXPIRED, SCHEMA, PROCEDURE}


async def answer(request: Request) -> Reply:
    """`result` and `error_code`."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return _answered(request, SCHEMA, "Bản tin không phải JSON")
    if request.operation == "POST /login":
        return _login(request, fields)
    verb = request.operation.removeprefix("POST /")
    if fields.get("service", verb) != verb:
        return _answered(request, SCHEMA, "Trường service không khớp với đường dẫn")
    if not re.fullmatch(r"S[0-9]{16}", str(fields.get("session", ""))):
        return _answered(request, EXPIRED, "Phiên làm việc không hợp lệ hoặc đã hết hạn")
    return VERBS[verb](request, fields)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """An `error_code` for a refusal and for an error."""
    if outcome is Outcome.REJECTED:
        return _answered(request, EXPIRED, "Phiên làm việc không hợp lệ hoặc đã hết hạn")
    return _answered(request, SYSTEM, "Lỗi hệ thống", outcome)


def _login(request: Request, fields: dict[str, Any]) -> Reply:
    if request.query_values.get("dstcode", DESTINATION) != DESTINATION:
        return _answered(request, SCHEMA, "dstcode không đúng")
    if not fields.get("username") or not fields.get("password"):
        return _answered(request, EXPIRED, "Sai tài khoản hoặc mật khẩu")
    return Reply.of_json(request, {"session": f"S{digits(str(fields['username']), 'session', 16)}", "error_code": OK})


def _dossiers(request: Request, fields: dict[str, Any]) -> Reply:
    data = fields.get("data")
    if not isinstance(data, list) or not data or not all(isinstance(one, dict) for one in data):
        return _answered(request, SCHEMA, "data là danh sách hồ sơ")
    for one in data:
        problem = _dossier_problem(one)
        if problem:
            return _answered(request, *problem)
    return _answered(request, OK, [{"MaHoSo": one["MaHoSo"], "KetQua": "Thành công"} for one in data])


def _dossier_problem(one: dict[str, Any]) -> tuple[str, str] | None:
    if not is_dossier_code(str(one.get("MaHoSo", ""))) or not one.get("ChuHoSo"):
        return SCHEMA, f"MaHoSo hoặc ChuHoSo không hợp lệ: {one.get('MaHoSo')}"
    if find_procedure(str(one.get("MaTTHC", ""))) is None:
        return PROCEDURE, f"Không có thủ tục {one.get('MaTTHC')}"
    if not str(one.get("TrangThaiHoSo", "")).isdigit() or int(one["TrangThaiHoSo"]) not in STATES:
        return SCHEMA, "TrangThaiHoSo từ 1 đến 10"
    if not _STAMP.fullmatch(str(one.get("NgayTiepNhan", ""))):
        return SCHEMA, "NgayTiepNhan phải có dạng yyyyMMddHHmmss"
    return None


def _progress(request: Request, fields: dict[str, Any]) -> Reply:
    data = fields.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) and one.get("NguoiXuLy") for one in data):
        return _answered(request, SCHEMA, "data là danh sách tiến độ có NguoiXuLy")
    for one in data:
        dossier = find_dossier(str(one.get("MaHoSo", "")))
        if dossier is None:
            return _answered(request, DOSSIER, f"Không có hồ sơ {one.get('MaHoSo')}")
        if str(one.get("TrangThai", "4")) not in {str(state) for state in STATES}:
            return _answered(request, STATE, "Trạng thái không hợp lệ")
    return _answered(request, OK, f"Đã cập nhật {len(data)} tiến độ")


def _query(request: Request, fields: dict[str, Any]) -> Reply:
    dossier = find_dossier(str(fields.get("MaHoSo", "")))
    if dossier is None:
        return _answered(request, DOSSIER, "Không tìm thấy hồ sơ")
    return _answered(request, OK, [record(dossier)])


def record(dossier: Dossier) -> dict[str, Any]:
    """A dossier in the portal's fields."""
    return {
        "MaHoSo": dossier.code,
        "MaTTHC": dossier.procedure,
        "ChuHoSo": dossier.applicant.name,
        "LoaiDoiTuong": 0,
        "KenhThucHien": dossier.channel,
        "NgayTiepNhan": stamp(dossier.received),
        "NgayHenTra": stamp(dossier.due),
        "TrangThaiHoSo": dossier.state,
        "NgayKetThucXuLy": stamp(dossier.finished) if dossier.finished else "",
        "TaiLieuNop": [],
        "DanhSachLePhi": [],
        "DanhSachHoSoBoSung": [],
        "DanhSachGiayToKetQua": [],
    }


def _ratings(request: Request, fields: dict[str, Any]) -> Reply:
    data = fields.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) and one.get("MaHoSo") for one in data):
        return _answered(request, SCHEMA, "data là danh sách đánh giá có MaHoSo")
    return _answered(request, OK, f"Đã nhận {len(data)} đánh giá")


def _questions(request: Request, fields: dict[str, Any]) -> Reply:
    data = fields.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) and one.get("NoiDung") for one in data):
        return _answered(request, SCHEMA, "data là danh sách hỏi đáp có NoiDung")
    return _answered(request, OK, f"Đã nhận {len(data)} hỏi đáp")


VERBS: dict[str, Callable[[Request, dict[str, Any]], Reply]] = {
    "DongBoHoSoMC": _dossiers,
    "CapNhatTienDoHoSoMC": _progress,
    "TraCuuHoSo": _query,
    "DongBoDanhGia": _ratings,
    "DongBoHoiDap": _questions,
}


def _answered(request: Request, code: str, result: object, outcome: Outcome = Outcome.OK) -> Reply:
    if code in _REFUSED:
        outcome = Outcome.REJECTED
    elif code in {DOSSIER, STATE}:
        outcome = Outcome.BUSINESS_FAULT
    reason = "" if code == OK else f"error_{code}"
    return Reply.of_json(request, {"result": result, "error_code": code}, outcome=outcome, reason=reason)
