"""Hệ thống thông tin giấy phép lái xe: Driving Licence.

Facts: none but the existence of the service. Assumptions: everything; a licence has 12 digits (K), there is no public contract.
"""

from __future__ import annotations

from typing import Any

from connectors.province import identifiers, meanings, proposal
from connectors.province.dates import dmy
from connectors.province.person import Person, find_person
from connectors.province.seed import digits, pick
from lgsp import MalformedRequest, Outcome, Reply, Request

failure_of = meanings.failure_of
refuse = proposal.refuse

CLASSES = ("A1", "A1", "A1", "B1", "B2", "C", "D")


async def answer(request: Request) -> Reply:
    """A licence, or the receipt of a renewal."""
    try:
        fields = request.json_object
    except MalformedRequest:
        return proposal.refused(request, "SCHEMA_REJECT", "Bản tin không phải JSON", Outcome.REJECTED, 400)
    return _query(request, fields) if request.operation == "POST /traCuuGPLX" else _renew(request, fields)


def holder(licence: str) -> Person | None:
    """Who has that licence: an adult whose citizen id it repeats with the last digit first (A)."""
    if not (len(licence) == 12 and licence.isascii() and licence.isdigit()):
        return None
    person = find_person(licence[1:] + licence[0])
    return person if person and person.age >= 18 else None


def licence_of(person: Person) -> str:
    """The licence's number."""
    return identifiers.licence_of(str(person.id))


def _query(request: Request, fields: dict[str, Any]) -> Reply:
    licence = str(fields.get("soGPLX", ""))
    if not (len(licence) == 12 and licence.isascii() and licence.isdigit()):
        return proposal.refused(request, "INVALID_NUMBER", "Số GPLX gồm 12 chữ số", Outcome.REJECTED, 400)
    person = holder(licence)
    if person is None:
        return proposal.refused(request, "NOT_FOUND", "Không tìm thấy giấy phép lái xe", Outcome.BUSINESS_FAULT, 404)
    same = str(fields.get("hoTen", "")).upper() == person.name.upper() and fields.get("ngaySinh") == dmy(person.born)
    if not same:
        return proposal.refused(request, "MISMATCH", "Họ tên hoặc ngày sinh không khớp", Outcome.BUSINESS_FAULT, 409)
    kind = pick(licence, "class", CLASSES)
    body = {
        "soGPLX": licence,
        "hoTen": person.name,
        "ngaySinh": dmy(person.born),
        "hangGPLX": kind,
        "ngayCap": f"15/06/{2023 - pick(licence, 'years', (1, 2, 3, 4, 5, 6, 7))}",
        "coQuanCap": "Sở Giao thông vận tải Quảng Nam",
        "trangThai": "Còn hiệu lực",
    }
    return Reply.of_json(request, body)


def _renew(request: Request, fields: dict[str, Any]) -> Reply:
    licence = str(fields.get("soGPLX", ""))
    if holder(licence) is None:
        return proposal.refused(request, "NOT_FOUND", "Không tìm thấy giấy phép lái xe", Outcome.BUSINESS_FAULT, 404)
    return Reply.of_json(
        request, {"maHoSo": f"000.00.10.H47-230524-{digits(licence, 'renewal', 4)}", "trangThai": "Đã tiếp nhận"}
    )
