"""CSDL giáo dục: Education Database of the province.

Facts: none public; a pupil code has 10 digits (K). Assumptions: the contract.
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.province import meanings, proposal
from connectors.province.body import object_of
from connectors.province.identifiers import citizen_of_pupil
from connectors.province.person import in_register
from connectors.province.seed import digits, pick
from lgsp import Outcome, Reply, Request

failure_of = meanings.failure_of
refuse = proposal.refuse

SCHOOLS = (
    ("49502001", "Trường THPT Phan Bội Châu"),
    ("49503002", "Trường THCS Nguyễn Duy Hiệu"),
    ("49508003", "Trường Tiểu học số 1 Nam Phước"),
    ("49513004", "Trường THPT Tiểu La"),
)
YOUNGEST, OLDEST = 6, 18


async def answer(request: Request) -> Reply:
    """The receipt of pupils, one pupil, or schools."""
    return OPERATIONS[request.operation](request)


def _batch(request: Request) -> Reply:
    fields = object_of(request)
    pupils = fields.get("hocSinh")
    if (
        not isinstance(pupils, list)
        or not pupils
        or not all(isinstance(one, dict) and one.get("maDinhDanh") for one in pupils)
    ):
        return proposal.refused(request, "SCHEMA_REJECT", "hocSinh là danh sách có maDinhDanh", Outcome.REJECTED, 400)
    if fields.get("maTruong") not in [code for code, _ in SCHOOLS]:  # a list: what cannot be hashed is no school
        return proposal.refused(request, "SCHOOL_UNKNOWN", "Không có trường này", Outcome.BUSINESS_FAULT, 404)
    codes = [str(one["maDinhDanh"]) for one in pupils]
    if len(set(codes)) < len(codes):
        return proposal.refused(request, "DUPLICATE_ID", "Mã định danh bị trùng trong lô", Outcome.BUSINESS_FAULT, 409)
    return Reply.of_json(request, {"maLo": f"GD{digits('/'.join(codes), 'pupils', 8)}", "tiepNhan": len(codes)})


def _pupil(request: Request) -> Reply:
    code = request.path_values["maDinhDanh"]
    if not (len(code) == 10 and code.isascii() and code.isdigit()):
        return proposal.refused(request, "SCHEMA_REJECT", "Mã định danh gồm 10 chữ số", Outcome.REJECTED, 400)
    person = in_register(citizen_of_pupil(code))
    if person is None or not YOUNGEST <= person.age <= OLDEST:
        return proposal.refused(request, "NOT_FOUND", "Không tìm thấy học sinh", Outcome.BUSINESS_FAULT, 404)
    school, grade = pick(code, "school", SCHOOLS), min(max(person.age - 5, 1), 12)
    body = {
        "maDinhDanh": code,
        "soDinhDanh": str(person.id),
        "hoTen": person.name,
        "ngaySinh": f"{person.born:%Y-%m-%d}",
        "gioiTinh": person.gender,
        "maTruong": school[0],
        "tenTruong": school[1],
        "khoi": grade,
        "lop": f"{grade}/{pick(code, 'class', (1, 2, 3, 4))}",
    }
    return Reply.of_json(request, body)


def _schools(request: Request) -> Reply:
    return Reply.of_json(request, {"data": [{"maTruong": code, "tenTruong": name} for code, name in SCHOOLS]})


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "POST /hocsinh": _batch,
    "GET /hocsinh/{maDinhDanh}": _pupil,
    "GET /truong": _schools,
}
