"""CSDL đất đai: Land Registry of the province.

Fact (S10): the national land database covered 52 of 63 provinces in mid-2023. Assumptions: the contract.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.province import meanings, proposal
from connectors.province.body import object_of
from connectors.province.identifiers import is_dossier_code
from connectors.province.parcel import NOT_DIGITISED, Parcel, find_parcel, parcel_of_certificate
from connectors.province.seed import digits
from lgsp import Outcome, Reply, Request

failure_of = meanings.failure_of
refuse = proposal.refuse


async def answer(request: Request) -> Reply:
    """A parcel, a certificate, or the receipt of a slip."""
    return OPERATIONS[request.operation](request)


def _by_number(request: Request) -> Reply:
    fields = request.query_values
    commune = fields.get("maXa", "")
    if not (len(commune) == 5 and commune.isascii() and commune.isdigit()):
        return proposal.refused(request, "INVALID_COMMUNE", "maXa gồm 5 chữ số", Outcome.REJECTED, 400)
    if commune in NOT_DIGITISED:
        return proposal.refused(
            request, "COMMUNE_NOT_DIGITISED", "Xã chưa có bản đồ địa chính số", Outcome.BUSINESS_FAULT, 404
        )
    return _shown(request, find_parcel(commune, fields.get("soTo", ""), fields.get("soThua", "")))


def _certificate(request: Request) -> Reply:
    return _shown(request, parcel_of_certificate(request.path_values["soPhatHanh"]))


def _shown(request: Request, parcel: Parcel | None) -> Reply:
    if parcel is None:
        return proposal.refused(request, "PARCEL_NOT_FOUND", "Không tìm thấy thửa đất", Outcome.BUSINESS_FAULT, 404)
    if parcel.disputed:
        return proposal.refused(request, "DISPUTED", "Thửa đất đang có tranh chấp", Outcome.BUSINESS_FAULT, 409)
    return Reply.of_json(request, record(parcel))


def record(parcel: Parcel) -> dict[str, Any]:
    """A parcel with its owners."""
    return {
        "maXa": parcel.commune.code,
        "tenXa": parcel.commune.name,
        "soTo": parcel.sheet,
        "soThua": parcel.number,
        "dienTich": parcel.area,
        "mucDichSuDung": parcel.use[0],
        "tenMucDich": parcel.use[1],
        "soPhatHanh": parcel.certificate,
        "chuSuDung": [{"hoTen": owner.name, "soDinhDanh": str(owner.id)} for owner in parcel.owners],
    }


def _slip(request: Request) -> Reply:
    fields = object_of(request)
    code = str(fields.get("maHoSo", ""))
    if not is_dossier_code(code):
        return proposal.refused(request, "SCHEMA_REJECT", "maHoSo không hợp lệ", Outcome.REJECTED, 400)
    parcel = parcel_of_certificate(str(fields.get("soPhatHanh", "")))
    if parcel is None:
        return proposal.refused(request, "PARCEL_NOT_FOUND", "Không tìm thấy thửa đất", Outcome.BUSINESS_FAULT, 404)
    return Reply.of_json(
        request, {"maHoSo": code, "soPhieu": f"PC{digits(code, 'slip', 7)}", "trangThai": "Đã chuyển cơ quan thuế"}
    )


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "GET /thuadat": _by_number,
    "GET /gcn/{soPhatHanh}": _certificate,
    "POST /phieuchuyen": _slip,
}
