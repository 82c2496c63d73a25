"""CSDL quốc gia về bảo hiểm: the National Insurance Database.

Facts (S1): operations, fields, enumerations, one `errorCode`, in the answer by criteria. Assumptions: the values of
`errorCode` and `trangThai`; nobody is `trangThai` "0" with empty fields; a refusal of the other two operations has no words
in the guide, so the gateway says it; of a birth given by year or month the rest is not looked at; insurance numbers have 10
digits, health cards 15 characters (K).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.province import meanings
from connectors.province.dates import ymd
from connectors.province.person import Person, find_insured, search
from connectors.province.silence import without_words
from lgsp import MalformedRequest, Outcome, Reply, Request

failure_of = meanings.failure_of

GENDERS = {"Nam": "1", "Nữ": "2"}
NONE_FOUND, SEVERAL, WRONG, FAILED = "1", "2", "3", "99"
BY_CRITERIA = "POST /getMaSoBhxhTheoTieuChi"
_ENUMS = {"loaiNgaySinh": "012", "gioiTinh": "123", "isKs": "01"}
_DIGITS_OF_BIRTH = {"0": 8, "1": 4, "2": 6}
_INSURED, _NOT_INSURED = "1", "0"
_RECORD = ("hoTen", "soSoCu", "ngaySinh", "loaiNgaySinh", "gioiTinh", "maTinhKs", "maHuyenKs", "maXaKs")
_MEMBER = ("maSo", "hoTen", "ngaySinh", "loaiNgaySinh", "gioiTinh", "maHo", "diaChi")


async def answer(request: Request) -> Reply:
    """The fields of the guide, all strings."""
    try:
        fields = {name: str(value) for name, value in request.json_object.items() if value is not None}
    except MalformedRequest:
        return refuse(request, Outcome.REJECTED)
    return OPERATIONS[request.operation](request, fields)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """`errorCode` where the answer has one, else nothing: the gateway speaks."""
    if request.operation != BY_CRITERIA:
        return without_words(request, outcome)
    return _error(request, WRONG if outcome is Outcome.REJECTED else FAILED, outcome)


def _by_number(request: Request, fields: dict[str, str]) -> Reply:
    insurance = fields.get("maSoBhxh", "")
    if not re.fullmatch(r"[0-9]{10}", insurance):
        return refuse(request, Outcome.REJECTED)
    person = find_insured(insurance)
    if person is None:
        return _nobody(request, _RECORD)
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
        return refuse(request, Outcome.REJECTED)
    found = _found(fields)
    if len(found) != 1:
        return _error(request, SEVERAL if found else NONE_FOUND, Outcome.BUSINESS_FAULT)
    [person] = found
    body = {"maSoBhxh": person.insurance_number, "trangThai": _INSURED, "errorCode": ""}
    return Reply.of_json(request, body)


def _household(request: Request, fields: dict[str, str]) -> Reply:
    card = fields.get("maThe", "")
    if _wrong(fields, "maTinh", "hoTen") or (card and len(card) != 15):
        return refuse(request, Outcome.REJECTED)
    by_card = find_insured(card[5:]) if card else None
    found = [person for person in ([by_card] if by_card else _found(fields)) if person.name.upper() == _name(fields)]
    if len(found) != 1:
        return _nobody(request, _MEMBER)
    return Reply.of_json(request, _member(found[0]))


def _member(person: Person) -> dict[str, str]:
    return {
        "maSo": person.insurance_number,
        "hoTen": person.name,
        **_birth(person),
        "maHo": person.family.code,
        "diaChi": person.address.text,
        "trangThai": _INSURED,
    }


OPERATIONS: dict[str, Callable[[Request, dict[str, str]], Reply]] = {
    "POST /getTraCuuTtHgdByMaSoBhxh": _by_number,
    BY_CRITERIA: _by_criteria,
    "POST /getTraCuuThongTinHgd": _household,
}


def _wrong(fields: dict[str, str], *needed: str) -> bool:
    birth, kind = fields.get("ngaySinh", ""), fields.get("loaiNgaySinh") or "0"
    return (
        any(not fields.get(name) for name in needed)
        or any(fields[name] not in set(values) for name, values in _ENUMS.items() if fields.get(name))
        or bool(birth and not re.fullmatch(rf"[0-9]{{{_DIGITS_OF_BIRTH[kind]}}}([0-9][0-9]){{0,2}}", birth))
    )


def _name(fields: dict[str, str]) -> str:
    return " ".join(fields["hoTen"].upper().split())


def _found(fields: dict[str, str]) -> list[Person]:
    """Who has that name, birth and gender, and was born or lives in those units."""
    length = _DIGITS_OF_BIRTH[fields.get("loaiNgaySinh") or "0"]
    birth, gender = fields.get("ngaySinh", "")[:length], fields.get("gioiTinh", "")
    if len(birth) < length or gender not in {"", *GENDERS.values()}:
        return []
    people = [
        person
        for male in (True, False)
        if GENDERS["Nam" if male else "Nữ"] in (gender or "12")
        for person in search(fields["hoTen"], int(birth[:4]), male=male)
    ]
    return [person for person in people if ymd(person.born).startswith(birth) and _lives_there(person, fields)]


def _lives_there(person: Person, fields: dict[str, str]) -> bool:
    place = person.birthplace if fields.get("isKs", "1") == "1" else person.address
    given = (fields.get("maHuyenKs"), fields.get("maXaKs"))
    return all(not code or code == unit.code for code, unit in zip(given, (place.district, place.commune), strict=True))


def _nobody(request: Request, names: tuple[str, ...]) -> Reply:
    body = dict.fromkeys(names, "") | {"trangThai": _NOT_INSURED}
    return Reply.of_json(request, body, outcome=Outcome.BUSINESS_FAULT, reason="not_found")


def _error(request: Request, code: str, outcome: Outcome) -> Reply:
    body = {"maSoBhxh": "", "trangThai": _NOT_INSURED, "errorCode": code}
    return Reply.of_json(request, body, outcome=outcome, reason=f"error_{code}")
