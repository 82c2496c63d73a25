"""Mã số đơn vị quan hệ ngân sách: Budget Unit Code.

Fact: the service exists. Assumptions: everything else; there is no public contract, this one is our proposal.
"""

from __future__ import annotations

from connectors.province import proposal
from connectors.province.dossier import AGENCIES
from connectors.province.identifiers import is_budget_unit_code
from connectors.province.seed import number
from lgsp import Outcome, Reply, Request

refuse = proposal.refuse

INACTIVE = ("001.00.00.H47",)
"""Agencies whose code is not in use any more (A)."""
_CHAPTERS = {"1": "Ngân sách trung ương", "2": "Ngân sách tỉnh", "3": "Ngân sách huyện", "4": "Ngân sách xã"}


async def answer(request: Request) -> Reply:
    """One unit, or the list of units."""
    return _one(request) if request.operation == "GET /traCuuMaDVQHNS" else _list(request)


def code_of(agency: str) -> str:
    """The budget unit code of an agency."""
    return f"10{number(agency, 'budget unit', 10**5):05d}"


def _one(request: Request) -> Reply:
    code = request.query_values.get("maDVQHNS", "")
    if not is_budget_unit_code(code):
        return proposal.refused(request, "INVALID_CODE", "Mã ĐVQHNS gồm 7 chữ số", Outcome.REJECTED, 400)
    agency = next((org for org in AGENCIES if code_of(org) == code), None)
    if agency is None:
        return proposal.refused(request, "NOT_FOUND", "Không tìm thấy đơn vị", Outcome.BUSINESS_FAULT, 404)
    if agency in INACTIVE:
        return proposal.refused(request, "INACTIVE", "Mã ĐVQHNS đã ngừng hoạt động", Outcome.BUSINESS_FAULT, 409)
    return Reply.of_json(request, _unit(agency))


def _list(request: Request) -> Reply:
    return Reply.of_json(request, {"data": [_unit(agency) for agency in AGENCIES]})


def _unit(agency: str) -> dict[str, str]:
    level = "2" if agency.startswith("000") else "3"
    return {
        "maDVQHNS": code_of(agency),
        "tenDonVi": AGENCIES[agency],
        "capNganSach": level,
        "tenCapNganSach": _CHAPTERS[level],
        "trangThai": "Ngừng hoạt động" if agency in INACTIVE else "Đang hoạt động",
    }
