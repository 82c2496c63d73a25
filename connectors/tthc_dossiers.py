"""Hệ thống thông tin giải quyết TTHC tỉnh: Provincial Dossier System.

Seen (S13, S18, S24): the forms of a dossier code, the ten states. Assumptions: operations, allowed transitions, replies (the
dossier fields of the National Portal); there is no public contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.province.dates import stamp
from connectors.province.dossier import CHANNELS, NEXT, STATES, Dossier, find_dossier, find_procedure, some_dossiers
from connectors.province.identifiers import is_dossier_code
from connectors.province.proposal import refused
from lgsp import MalformedRequest, Outcome, Reply, Request

_MOST = 100


async def answer(request: Request) -> Reply:
    """A dossier, a list, or what became of a change."""
    return OPERATIONS[request.operation](request)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The system's own error form."""
    if outcome is Outcome.REJECTED:
        return refused(request, "SCHEMA_REJECT", "Dữ liệu không hợp lệ", outcome, 400)
    return refused(request, "SYSTEM_ERROR", "Hệ thống giải quyết TTHC gặp lỗi", outcome, 500)


def _receive(request: Request) -> Reply:
    fields = _fields(request)
    code = str(fields.get("MaHoSo", ""))
    if not is_dossier_code(code) or not fields.get("ChuHoSo"):
        return refused(request, "SCHEMA_REJECT", "MaHoSo hoặc ChuHoSo không hợp lệ", Outcome.REJECTED, 400)
    if find_procedure(str(fields.get("MaTTHC", ""))) is None:
        return refused(request, "UNKNOWN_PROCEDURE", "Không có thủ tục này", Outcome.REJECTED, 422)
    if str(fields.get("KenhThucHien", "1")) not in {str(channel) for channel in CHANNELS}:
        return refused(request, "SCHEMA_REJECT", "KenhThucHien là 1, 2 hoặc 3", Outcome.REJECTED, 400)
    return Reply.of_json(request, {"MaHoSo": code, "TrangThaiHoSo": 1, "MoTa": STATES[1]})


def _change(request: Request) -> Reply:
    fields = _fields(request)
    dossier = find_dossier(str(fields.get("MaHoSo", "")))
    if dossier is None:
        return refused(request, "NOT_FOUND", "Không tìm thấy hồ sơ", Outcome.BUSINESS_FAULT, 404)
    wanted = str(fields.get("TrangThaiHoSo", ""))
    if not wanted.isdigit() or int(wanted) not in STATES:
        return refused(request, "SCHEMA_REJECT", "TrangThaiHoSo từ 1 đến 10", Outcome.REJECTED, 400)
    state = int(wanted)
    if state != dossier.state and state not in NEXT[dossier.state]:
        says = f"Không thể chuyển từ «{STATES[dossier.state]}» sang «{STATES[state]}»"
        return refused(request, "ILLEGAL_TRANSITION", says, Outcome.BUSINESS_FAULT, 409)
    return Reply.of_json(request, {"MaHoSo": dossier.code, "TrangThaiHoSo": state, "MoTa": STATES[state]})


def _query(request: Request) -> Reply:
    code = request.query_values.get("MaHoSo", "")
    if not is_dossier_code(code):
        return refused(request, "SCHEMA_REJECT", "MaHoSo không hợp lệ", Outcome.REJECTED, 400)
    dossier = find_dossier(code)
    if dossier is None:
        return refused(request, "NOT_FOUND", "Không tìm thấy hồ sơ", Outcome.BUSINESS_FAULT, 404)
    return Reply.of_json(request, record(dossier))


def record(dossier: Dossier) -> dict[str, Any]:
    """A dossier in the portal's fields."""
    return {
        "MaHoSo": dossier.code,
        "MaTTHC": dossier.procedure,
        "ChuHoSo": dossier.applicant.name,
        "SoDinhDanh": str(dossier.applicant.id),
        "KenhThucHien": dossier.channel,
        "NgayTiepNhan": stamp(dossier.received),
        "NgayHenTra": stamp(dossier.due),
        "NgayKetThucXuLy": stamp(dossier.finished) if dossier.finished else "",
        "TrangThaiHoSo": dossier.state,
        "MoTa": STATES[dossier.state],
    }


def _new(request: Request) -> Reply:
    fields = request.query_values
    day = fields.get("tuNgay", "20230524")
    limit = fields.get("gioiHan", "10")
    if not re.fullmatch(r"20[0-9]{6}", day) or not re.fullmatch(r"[0-9]{1,4}", limit):
        return refused(request, "SCHEMA_REJECT", "tuNgay phải có dạng yyyyMMdd", Outcome.REJECTED, 400)
    dossiers = some_dossiers(day[2:], min(int(limit), _MOST))
    return Reply.of_json(request, {"tongSo": len(dossiers), "data": [record(dossier) for dossier in dossiers]})


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "POST /tiepNhanHoSo": _receive,
    "PUT /capNhatTrangThai": _change,
    "GET /traCuuHoSo": _query,
    "GET /layDanhSachMoi": _new,
}


def _fields(request: Request) -> dict[str, Any]:
    try:
        return request.json_object
    except MalformedRequest:
        return {}
