"""CSDL quốc gia về bảo hiểm: the National Insurance Database.

Facts (S1): operations, fields, enumerations. Assumptions: the values of `errorCode` and `trangThai`, and that the status
of a refusal is 400; insurance numbers have 10 digits, health cards 15 characters (K).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.province.dates import parse_ymd, ymd
from connectors.province.identifiers import citizen_of_insurance
from connectors.province.person import Person, in_register, search
from lgsp import MalformedRequest, Outcome, Reply, Request

GENDERS = {"Nam": "1", "Nữ": "2"}
NONE_FOUND, SEVERAL, WRONG = "1", "2", "3"
_INSURED, _NOT_INSURED = "1", "0"


async def answer(request: Request) -> Reply:
    """The fields of the guide, all strings."""
    try:
        fields = {name: str(value) for name, value in request.json_object.items() if value is not None}
    except MalformedRequest:
        return _error(request, WRONG, Outcome.REJECTED)
    return OPERATIONS[request.operation](request, fields)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """`errorCode` with the status of the failure."""
    return _error(request, WRONG if outcome is Outcome.REJECTED else "99", outcome)


def _by_number(request: Request, fields: dict[str, str]) -> Reply:
    insurance = fields.get("maSoBhxh", "")
    if not re.fullmatch(r"[0-9]{10}", insurance):
        return _error(request, WRONG, Outcome.REJECTED)
    person = in_register(citizen_of_insurance(insurance))
    if person is None:
        return _error(request, NONE_FOUND)
    return Reply.of_json(request, _household_head(person))


def _household_head(person: Person) -> dict[str, Any]:
    born_in = person.birthplace
    return {
        "hoTen": person.name,
        "soSoCu": "",
        **_birth(person),
        "maTinhKs": "49",
        "maHuyenKs": born_in.district.code,
        "maXaKs": born_in.commune.code,
        "trangThai": _INSURED,
    }


def _birth(person: Person) -> dict[str, str]:
    return {"ngaySinh": ymd(person.born), "loaiNgaySinh": "0", "gioiTinh": GENDERS[person.gender]}


def _by_criteria(request: Request, fields: dict[str, str]) -> Reply:
    if _wrong(fields, "hoTen", "ngaySinh", "gioiTinh"):
        return _error(request, WRONG, Outcome.REJECTED)
    found = _found(fields)
    if len(found) != 1:
        return _error(request, SEVERAL if found else NONE_FOUND)
    [person] = found
    body = {"maSoBhxh": person.insurance_number, "trangThai": _INSURED, "errorCode": ""}
    return Reply.of_json(request, body)


def _household(request: Request, fields: dict[str, str]) -> Reply:
    if _wrong(fields, "maTinh", "hoTen"):
        return _error(request, WRONG, Outcome.REJECTED)
    card = fields.get("maThe", "")
    if card and len(card) != 15:
        return _error(request, WRONG, Outcome.REJECTED)
    found = _found(fields)
    person = in_register(citizen_of_insurance(card[5:])) if card else found[0] if len(found) == 1 else None
    if person is None or person.name.upper() != fields["hoTen"].upper():
        return _error(request, NONE_FOUND)
    family = person.family
    people = [Person(member) for member in (family.father, family.mother, *family.children) if member]
    return Reply.of_json(request, [_member(member, family.code) for member in people])


def _member(person: Person, household: str) -> dict[str, str]:
    return {
        "maSo": person.insurance_number,
        "hoTen": person.name,
        **_birth(person),
        "maHo": household,
        "diaChi": person.address.text,
        "trangThai": _INSURED,
    }


OPERATIONS: dict[str, Callable[[Request, dict[str, str]], Reply]] = {
    "POST /getTraCuuTtHgdByMaSoBhxh": _by_number,
    "POST /getMaSoBhxhTheoTieuChi": _by_criteria,
    "POST /getTraCuuThongTinHgd": _household,
}


def _wrong(fields: dict[str, str], *needed: str) -> bool:
    enums = {"loaiNgaySinh": "012", "gioiTinh": "123", "isKs": "01"}
    return any(not fields.get(name) for name in needed) or any(
        fields[name] not in set(values) for name, values in enums.items() if fields.get(name)
    )


def _found(fields: dict[str, str]) -> list[Person]:
    """Who has that name, day of birth and gender."""
    day = parse_ymd(fields.get("ngaySinh", ""))
    return [] if day is None else search(fields["hoTen"], day, male=fields.get("gioiTinh") != GENDERS["Nữ"])


def _error(request: Request, code: str, outcome: Outcome = Outcome.BUSINESS_FAULT) -> Reply:
    body = {"maSoBhxh": "", "trangThai": _NOT_INSURED, "errorCode": code}
    status = {Outcome.REJECTED: 400, Outcome.PROVIDER_ERROR: 500}.get(outcome, 200)
    return Reply.of_json(request, body, outcome=outcome, status=status, reason=f"error_{code}")
