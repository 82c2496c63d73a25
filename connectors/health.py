"""CSDL y tế: Health Database of the province.

Facts: none public; a health card has 15 characters, the last 10 the insurance number (K). Assumptions: the contract.
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.province import meanings, proposal
from connectors.province.identifiers import parse_citizen_id
from connectors.province.person import find_person
from connectors.province.seed import digits, number, pick
from lgsp import MalformedRequest, Outcome, Reply, Request

failure_of = meanings.failure_of
refuse = proposal.refuse

FACILITIES = (
    ("49001", "Bệnh viện Đa khoa tỉnh"),
    ("49002", "Bệnh viện Phụ sản - Nhi"),
    ("49010", "Trung tâm Y tế thành phố Hội An"),
    ("49012", "Trung tâm Y tế huyện Duy Xuyên"),
)
DISEASES = (
    ("J06", "Nhiễm khuẩn hô hấp trên cấp"),
    ("I10", "Tăng huyết áp"),
    ("K29", "Viêm dạ dày và tá tràng"),
    ("E11", "Đái tháo đường týp 2"),
)


async def answer(request: Request) -> Reply:
    """The receipt of visits, a person's record, or facilities."""
    return OPERATIONS[request.operation](request)


def _visits(request: Request) -> Reply:
    try:
        visits = request.json_object.get("luotKham")
    except MalformedRequest:
        visits = None
    if (
        not isinstance(visits, list)
        or not visits
        or not all(isinstance(one, dict) and one.get("soDinhDanh") for one in visits)
    ):
        return proposal.refused(request, "SCHEMA_REJECT", "luotKham là danh sách có soDinhDanh", Outcome.REJECTED, 400)
    accepted = sum(find_person(str(one["soDinhDanh"])) is not None for one in visits)
    body = {
        "maLo": f"YT{digits(request.body.decode(errors='replace'), 'visits', 8)}",
        "tiepNhan": accepted,
        "tuChoi": len(visits) - accepted,
    }
    return Reply.of_json(request, body)


def _record(request: Request) -> Reply:
    citizen = request.path_values["soDinhDanh"]
    if parse_citizen_id(citizen) is None:
        return proposal.refused(request, "SCHEMA_REJECT", "Số định danh gồm 12 chữ số", Outcome.REJECTED, 400)
    person = find_person(citizen)
    if person is None:
        return proposal.refused(request, "NOT_FOUND", "Không tìm thấy hồ sơ sức khỏe", Outcome.BUSINESS_FAULT, 404)
    match number(citizen, "health", 20):
        case 0:
            return proposal.refused(request, "INSURANCE_EXPIRED", "Thẻ BHYT hết hạn", Outcome.BUSINESS_FAULT, 409)
        case 1:
            return proposal.refused(request, "NO_CONSENT", "Công dân chưa đồng ý chia sẻ", Outcome.REJECTED, 403)
    disease, facility = pick(citizen, "disease", DISEASES), pick(citizen, "facility", FACILITIES)
    body = {
        "soDinhDanh": citizen,
        "hoTen": person.name,
        "ngaySinh": f"{person.born:%Y-%m-%d}",
        "gioiTinh": person.gender,
        "soTheBHYT": person.health_card,
        "nhomMau": pick(citizen, "blood", ("O", "A", "B", "AB")),
        "lanKhamGanNhat": {"maCoSo": facility[0], "tenCoSo": facility[1], "maBenh": disease[0], "tenBenh": disease[1]},
    }
    return Reply.of_json(request, body)


def _facilities(request: Request) -> Reply:
    return Reply.of_json(request, {"data": [{"maCoSo": code, "tenCoSo": name} for code, name in FACILITIES]})


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "POST /checkins": _visits,
    "GET /hoso/{soDinhDanh}": _record,
    "GET /cosoyte": _facilities,
}
