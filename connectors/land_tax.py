"""Liên thông thuế đất đai: Land Financial Obligations.

Fact (S4): the service is listed as integrated. Assumptions: everything else; there is no public contract.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.province.identifiers import is_dossier_code, is_enterprise_code, parse_citizen_id
from connectors.province.parcel import find_parcel
from connectors.province.proposal import refused
from connectors.province.seed import digits, number
from lgsp import MalformedRequest, Outcome, Reply, Request


async def answer(request: Request) -> Reply:
    """The receipt of a slip, a notice, or a payment."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return refused(request, "SCHEMA_REJECT", "Bản tin không phải JSON", Outcome.REJECTED, 400)
    if not is_dossier_code(str(fields.get("maHoSo", ""))):
        return refused(request, "INVALID_DOSSIER", "Mã hồ sơ không hợp lệ", Outcome.REJECTED, 400)
    return OPERATIONS[request.operation](request, fields)


def _slip(request: Request, fields: dict[str, Any]) -> Reply:
    taxpayer = str(fields.get("maSoThue") or fields.get("soDinhDanh") or "")
    if not is_enterprise_code(taxpayer) and parse_citizen_id(taxpayer) is None:
        return refused(request, "INVALID_TAXPAYER", "Thiếu mã số thuế hoặc số định danh", Outcome.REJECTED, 400)
    parcel = find_parcel(str(fields.get("maXa", "")), str(fields.get("soTo", "")), str(fields.get("soThua", "")))
    if parcel is None:
        return refused(request, "PARCEL_NOT_FOUND", "Không tìm thấy thửa đất", Outcome.BUSINESS_FAULT, 404)
    code = str(fields["maHoSo"])
    return Reply.of_json(
        request, {"maHoSo": code, "soTiepNhan": f"TCT{digits(code, 'slip', 8)}", "trangThai": "Đã tiếp nhận"}
    )


def _notice(request: Request, fields: dict[str, Any]) -> Reply:
    code = str(fields["maHoSo"])
    if code.endswith("99"):
        return refused(request, "NOT_FOUND", "Chưa có thông báo thuế", Outcome.BUSINESS_FAULT, 404)
    return Reply.of_json(
        request, {"maHoSo": code, "soThongBao": f"TB{digits(code, 'notice', 7)}", "soTien": _amount(code)}
    )


def _payment(request: Request, fields: dict[str, Any]) -> Reply:
    code = str(fields["maHoSo"])
    if str(fields.get("soTien", "")) != str(_amount(code)):
        return refused(request, "AMOUNT_MISMATCH", "Số tiền không khớp thông báo", Outcome.BUSINESS_FAULT, 409)
    return Reply.of_json(
        request, {"maHoSo": code, "trangThai": "Đã nộp", "soBienLai": f"BL{digits(code, 'receipt', 8)}"}
    )


OPERATIONS: dict[str, Callable[[Request, dict[str, Any]], Reply]] = {
    "POST /guiPhieuChuyenThongTin": _slip,
    "POST /nhanThongBaoThue": _notice,
    "POST /xacNhanNopTien": _payment,
}


def _amount(code: str) -> int:
    return (number(code, "tax", 900) + 100) * 10_000
