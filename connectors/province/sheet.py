"""An identifier as all services see it, for who writes tests: names, dates and numbers in each service's own form."""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.province.dates import dmy, ymd
from connectors.province.dossier import STATES, find_dossier
from connectors.province.enterprise import Enterprise, find_enterprise
from connectors.province.identifiers import citizen_of_pupil, licence_of
from connectors.province.meanings import Meaning, meaning_of
from connectors.province.person import Person, find_by_legacy, find_insured, find_person, in_register

_PUPILS = range(6, 19)
_ADULT = 18
Fields = dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What an identifier is, and what to send to each service that knows it; nothing of it where nobody has it."""

    identifier: str
    title: str = ""
    meaning: Meaning | None = None
    facts: Fields = field(default_factory=dict)
    services: dict[str, Fields] = field(default_factory=dict)


def sheet_of(identifier: str) -> Sheet:
    """The sheet of a citizen id, legacy id, insurance number, health card, licence, pupil code, enterprise or dossier code."""
    meaning = meaning_of(identifier)
    person = _person(identifier)
    if person is not None:
        return Sheet(identifier, _title(person), meaning, _facts(person), services_of(person))
    enterprise = find_enterprise(identifier)
    if enterprise is not None:
        return _of_enterprise(identifier, enterprise, meaning)
    dossier = find_dossier(identifier)
    if dossier is not None:
        facts = {"state": f"{dossier.state} {STATES[dossier.state]}", "procedure": dossier.procedure}
        services = {
            "tthc-dossiers": {"MaHoSo": identifier},
            "dvcqg-dossier-sync": {"MaHoSo": identifier},
            "civil-status": {"maDonVi": "49001", "maHoSo": identifier},
            "judicial-record": {"idReceivedDec": identifier, "infoType": "2"},
            "land-tax": {"maHoSo": identifier},
        }
        return Sheet(identifier, dossier.applicant.name, meaning, facts, services)
    return Sheet(identifier, meaning=meaning)


def _person(identifier: str) -> Person | None:
    match len(identifier):
        case 12:
            return find_person(identifier) or find_person(identifier[1:] + identifier[0])
        case 15:
            return find_insured(identifier[5:])
        case 10:
            return find_insured(identifier) or in_register(citizen_of_pupil(identifier))
        case 9:
            return find_by_legacy(identifier)
        case _:
            return None


def _title(person: Person) -> str:
    return f"{person.name}, {person.gender}, {dmy(person.born)}"


def _facts(person: Person) -> Fields:
    relatives = {"father": person.father, "mother": person.mother, "spouse": person.spouse}
    facts = {"address": person.address.text, "phone": person.phone}
    facts |= {who: f"{one.id} {one.name}, {dmy(one.born)}" for who, one in relatives.items() if one}
    return facts | {f"child {n}": f"{one.id} {one.name}, {dmy(one.born)}" for n, one in enumerate(person.children, 1)}


def services_of(person: Person) -> dict[str, Fields]:
    """What each service that knows people wants to hear of this one."""
    citizen, name, birthplace = str(person.id), person.name.upper(), person.birthplace
    services: dict[str, Fields] = {
        "population": {
            "SoDinhDanh": citizen,
            "SoCMND": person.legacy_id,
            "HoVaTen": name,
            "NgayThangNam": ymd(person.born),
        },
        "social-insurance": {
            "maSoBhxh": person.insurance_number,
            "maThe": person.health_card,
            "hoTen": person.name,
            "ngaySinh": ymd(person.born),
            "loaiNgaySinh": "0",
            "gioiTinh": "1" if person.id.male else "2",
            "maHuyenKs": birthplace.district.code,
            "maXaKs": birthplace.commune.code,
        },
        "judicial-record": {"fullName": name, "birthDateStr": dmy(person.born), "idTypeId": "3", "identifyNo": citizen},
        "civil-servants": {"soDinhDanh": citizen},
        "health": {"soDinhDanh": citizen, "soTheBHYT": person.health_card},
        "vneid-sso": {"login_hint": citizen},
        "land-tax": {"soDinhDanh": citizen},
    }
    if person.age >= _ADULT:
        licence = {"soGPLX": licence_of(citizen), "hoTen": person.name, "ngaySinh": dmy(person.born)}
        services["driver-license"] = licence
    if person.age in _PUPILS:
        services["education"] = {"maDinhDanh": person.pupil_code}
    return services


def _of_enterprise(identifier: str, enterprise: Enterprise, meaning: Meaning | None) -> Sheet:
    facts = {"address": enterprise.address.text, "representative": _title(enterprise.representative)}
    services = {"business-registration": {"msdn": identifier}, "land-tax": {"maSoThue": identifier}}
    return Sheet(identifier, enterprise.names[0], meaning, facts, services)
