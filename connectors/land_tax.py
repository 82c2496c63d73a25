"""Liên thông thuế đất đai: Land Financial Obligations.

Fact (S4): the service is listed as integrated. Seen (S8e): a client names `nhantbthuedvcqg`. Assumptions: everything else;
there is no public contract. A dossier whose slip was sent waits a minute for its notice; of every other dossier the notice
was there before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.province import meanings
from connectors.province.identifiers import is_dossier_code, is_enterprise_code, parse_citizen_id
from connectors.province.parcel import find_parcel
from connectors.province.proposal import refused
from connectors.province.seed import digits, number
from lgsp import Kept, MalformedRequest, Outcome, Reply, Request, State

ASSESSED_AFTER = 60
STATE = {"slip": Kept(seconds=90 * 86_400)}
"""When the slip of a dossier was sent, by dossier code."""

failure_of = meanings.failure_of


def answer_with(request: Request, state: State) -> Reply:
    """The receipt of a slip, a notice, or a payment."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return refused(request, "SCHEMA_REJECT", "Bản tin không phải JSON", Outcome.REJECTED, 400)
    if not is_dossier_code(str(fields.get("maHoSo", ""))):
        return refused(request, "INVALID_DOSSIER", "Mã hồ sơ không hợp lệ", Outcome.REJECTED, 400)
    return OPERATIONS[request.operation](request, fields, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The tax office's own error form."""
    if outcome is Outcome.REJECTED:
        return refused(request, "SCHEMA_REJECT", "Dữ liệu không hợp lệ", outcome, 400)
    return refused(request, "SYSTEM_ERROR", "Hệ thống thuế gặp lỗi", outcome, 500)


def _slip(request: Request, fields: dict[str, Any], state: State) -> Reply:
    taxpayer = str(fields.get("maSoThue") or fields.get("soDinhDanh") or "")
    if not is_enterprise_code(taxpayer) and parse_citizen_id(taxpayer) is None:
        return refused(request, "INVALID_TAXPAYER", "Thiếu mã số thuế hoặc số định danh", Outcome.REJECTED, 400)
    parcel = find_parcel(str(fields.get("maXa", "")), str(fields.get("soTo", "")), str(fields.get("soThua", "")))
    if parcel is None:
        return refused(request, "PARCEL_NOT_FOUND", "Không tìm thấy thửa đất", Outcome.BUSINESS_FAULT, 404)
    code = str(fields["maHoSo"])
    if state.get("slip", code) is None:
        state.put("slip", code, state.now)
    return Reply.of_json(
        request, {"maHoSo": code, "soTiepNhan": f"TCT{digits(code, 'slip', 8)}", "trangThai": "Đã tiếp nhận"}
    )


def _notice(request: Request, fields: dict[str, Any], state: State) -> Reply:
    code = str(fields["maHoSo"])
    if not _is_assessed(code, state):
        return _no_notice(request)
    return Reply.of_json(
        request, {"maHoSo": code, "soThongBao": f"TB{digits(code, 'notice', 7)}", "soTien": amount(code)}
    )


def _payment(request: Request, fields: dict[str, Any], state: State) -> Reply:
    code = str(fields["maHoSo"])
    if not _is_assessed(code, state):
        return _no_notice(request)
    if str(fields.get("soTien", "")) != str(amount(code)):
        return refused(request, "AMOUNT_MISMATCH", "Số tiền không khớp thông báo", Outcome.BUSINESS_FAULT, 409)
    return Reply.of_json(
        request, {"maHoSo": code, "trangThai": "Đã nộp", "soBienLai": f"BL{digits(code, 'receipt', 8)}"}
    )


def _is_assessed(code: str, state: State) -> bool:
    sent = state.get("slip", code)
    return not code.endswith("99") if sent is None else state.now - float(sent) >= ASSESSED_AFTER


def _no_notice(request: Request) -> Reply:
    return refused(request, "NOT_FOUND", "Chưa có thông báo thuế", Outcome.BUSINESS_FAULT, 404)


OPERATIONS: dict[str, Callable[[Request, dict[str, Any], State], Reply]] = {
    "POST /guiPhieuChuyenThongTin": _slip,
    "POST /nhanThongBaoThue": _notice,
    "POST /xacNhanNopTien": _payment,
}


def amount(code: str) -> int:
    """The tax on a dossier, in đồng."""
    return (number(code, "tax", 900) + 100) * 10_000
