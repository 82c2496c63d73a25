"""The citizen of one service is the same person in the next."""

from __future__ import annotations

import json
from typing import Any

import remembering
from hypothesis import given
from hypothesis import strategies as st

from connectors import civil_status, education, health, judicial_record, land_registry, population, social_insurance
from connectors.province import identifiers
from connectors.province.dates import dmy, ymd
from connectors.province.enterprise import enterprise_of, find_enterprise
from connectors.province.identifiers import CitizenId, check_digit, is_enterprise_code, parse_citizen_id
from connectors.province.markup import parse, text
from connectors.province.parcel import parcel_of_certificate
from connectors.province.person import REGISTERED, TODAY, Person, find_person, in_register, own_family, search
from lgsp.model import Outcome, Request

citizens = st.builds(
    CitizenId,
    province=st.sampled_from(identifiers.BIRTH_PROVINCES),
    male=st.booleans(),
    year=st.integers(1900, 2022),
    serial=st.integers(0, REGISTERED - 1),
)


@given(citizens)
def test_a_citizen_id_says_province_century_gender_and_year(citizen: CitizenId) -> None:
    text_ = str(citizen)
    assert len(text_) == 12
    assert text_[3] == str(
        {(True, 19): 0, (False, 19): 1, (True, 20): 2, (False, 20): 3}[citizen.male, citizen.year // 100]
    )
    assert text_[4:6] == f"{citizen.year % 100:02d}"
    assert parse_citizen_id(text_) == citizen
    assert Person(citizen).born.year == citizen.year


@given(citizens)
def test_a_family_is_the_same_from_each_of_its_members(citizen: CitizenId) -> None:
    person = Person(citizen)
    for parent in (person.father, person.mother):
        if parent:
            assert person in parent.children
            assert parent.age - person.age >= 20
            assert parent.spouse in {person.father, person.mother, None}
            assert in_register(parent.id) == parent
    if person.father:
        assert person.surname == person.father.surname
    if person.spouse:
        assert person.spouse.spouse == person
        assert person.spouse.children == person.children
        assert person.spouse.address == person.address
        assert person.spouse.gender != person.gender
    for child in person.children:
        assert person in {child.father, child.mother}
        assert child.born <= TODAY


@given(citizens)
def test_every_number_of_a_person_leads_back(citizen: CitizenId) -> None:
    person = Person(citizen)
    assert identifiers.citizen_of_insurance(person.insurance_number) == citizen
    assert identifiers.citizen_of_pupil(person.pupil_code) == citizen
    assert len(person.health_card) == 15
    assert person.health_card.endswith(person.insurance_number)
    if person.legacy_id:
        assert identifiers.citizen_of_legacy(person.legacy_id) == citizen


@given(st.text(max_size=14) | st.from_regex(r"[0-9]{12}", fullmatch=True))
def test_what_breaks_the_rule_is_nobody(text_: str) -> None:
    person = find_person(text_)
    assert person is None or str(person.id) == text_


def test_serials_out_of_use_are_nobody() -> None:
    assert find_person(f"049085{REGISTERED:06d}") is None
    assert find_person(f"049085{REGISTERED - 1:06d}") is not None
    assert find_person("999085001234") is None
    assert find_person("049285001234") is None, "born after today"


def test_an_enterprise_code_has_the_right_check_digit() -> None:
    # 10 - (sum of digit times weight mod 11), by hand for 400000000: 4 * 31 = 124, 124 mod 11 = 3, 10 - 3 = 7.
    assert check_digit("400000000") == 7
    assert is_enterprise_code("4000000007")
    assert is_enterprise_code("4000000007-001")
    assert not is_enterprise_code("4000000008")
    assert not is_enterprise_code("400000000")


@given(st.text())
def test_enterprises_made_up_have_valid_codes(thing: str) -> None:
    enterprise = enterprise_of(thing, "x")
    assert is_enterprise_code(enterprise.code)
    assert find_enterprise(enterprise.code) == enterprise
    assert enterprise.founded <= enterprise.amended <= TODAY
    assert in_register(enterprise.representative.id)


def ask(module: Any, operation: str, **fields: Any) -> Any:
    import asyncio

    request = Request(
        id="t", service="s", operation=operation, path=fields.pop("path", operation.partition(" ")[2]), **fields
    )
    return asyncio.run(remembering.answering(module)(request))


def body(module_: Any, operation: str, /, **content: Any) -> Any:
    return json.loads(ask(module_, operation, body=json.dumps(content).encode()).body)


def soap(operation: str, **fields: str) -> Any:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    wanted, namespace, _ = population.OPERATIONS[operation]
    message = f'<{wanted} xmlns="{namespace or population.VERIFY}"><MaYeuCau>1</MaYeuCau>{inside}</{wanted}>'
    envelope = f'<e:Envelope xmlns:e="{population.SOAP}"><e:Body>{message}</e:Body></e:Envelope>'
    return ask(population, operation, body=envelope.encode())


def test_the_citizen_of_population_is_the_same_in_every_service() -> None:
    person = find_person("049085001234")
    assert person is not None
    name = person.name.upper()

    found = parse(soap("POST /traCuuThongTinCongDan", SoDinhDanh=str(person.id), HoVaTen=name).body)
    assert text(found, "SoDinhDanh") == str(person.id)
    assert [text(found, part) for part in ("Ho", "ChuDem", "Ten")] == [person.surname, person.middle, person.given]
    assert text(found, "NgayThangNam") == ymd(person.born)

    insured = body(social_insurance, "POST /getTraCuuTtHgdByMaSoBhxh", maSoBhxh=person.insurance_number)
    assert (insured["hoTen"], insured["ngaySinh"], insured["gioiTinh"]) == (person.name, ymd(person.born), "1")

    record = json.loads(ask(health, "GET /hoso/{soDinhDanh}", path="/hoso/049085001240").body)
    other = find_person("049085001240")
    assert other is not None
    assert (record["hoTen"], record["soTheBHYT"]) == (other.name, other.health_card)

    pupil = Person(CitizenId("049", male=True, year=2010, serial=100))
    at_school = json.loads(ask(education, "GET /hocsinh/{maDinhDanh}", path=f"/hocsinh/{pupil.pupil_code}").body)
    assert (at_school["soDinhDanh"], at_school["hoTen"]) == (str(pupil.id), pupil.name)

    entry = body(civil_status, "POST /traHoSo", module="KS", maHoSo=700123)["value"][0]
    child = find_person(entry["nksSoDinhDanh"])
    assert child is not None
    assert child.father is not None
    assert (entry["nksHoTen"], entry["chaSoDinhDanh"]) == (child.name, str(child.father.id))

    declared = body(judicial_record, "POST /traHoSo", infoType="1")[0]["declarationTraHoSoForm"]
    declarant = find_person(declared["identifyNo"])
    assert declarant is not None
    assert (declared["fullName"], declared["birthDateStr"]) == (declarant.name.upper(), dmy(declarant.born))

    parcel = json.loads(ask(land_registry, "GET /gcn/{soPhatHanh}", path="/gcn/CS13012001").body)
    owner = find_person(parcel["chuSuDung"][0]["soDinhDanh"])
    assert owner is not None
    assert parcel["chuSuDung"][0]["hoTen"] == owner.name
    back = parcel_of_certificate("CS13012001")
    assert back is not None
    assert back.key == f"{parcel['maXa']}/{parcel['soTo']}/{parcel['soThua']}"


def test_name_and_birth_date_find_the_person_and_a_wrong_one_does_not() -> None:
    person = Person(CitizenId("049", male=True, year=1990, serial=120))
    assert person in search(person.name, 1990, male=True)
    assert person not in search(person.name, 1991, male=True)
    assert person not in search(person.name, 1990, male=False)
    fault = soap("POST /traCuuThongTinCongDan", SoDinhDanh="049085001234", HoVaTen="NGUYỄN VĂN KHÁC")
    assert fault.outcome is Outcome.BUSINESS_FAULT
    assert 'SoCongDan="0"' in fault.body.decode()


def test_everybody_who_is_married_has_founded_one_family() -> None:
    married = [Person(CitizenId("049", male=True, year=1970, serial=serial)) for serial in range(200)]
    assert all(own_family(person.id) and person.spouse for person in married)
    assert {len(person.children) for person in married} == {2}
