"""What the shipped rules leave of a person in a capture of any example of any contract: nothing."""

from __future__ import annotations

import base64
import importlib
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
import remembering
from builders import shipped

from connectors.province import names, places
from connectors.province.person import Person, find_by_legacy, find_insured, find_person
from lgsp.capture.masking import Masking
from lgsp.capture.record import Answered, Asked, Body, Record, encode
from lgsp.catalogue.masking import read_masking
from lgsp.catalogue.service import Example, Operation, Service
from lgsp.model import Request

RULES = read_masking(Path(__file__).parents[2] / "config")
MASKING = Masking(b"key", RULES.identifiers, keep=RULES.keep, fields=RULES.fields, headers=RULES.headers)
EXAMPLES = [
    (service, operation, example)
    for service in shipped()
    for operation in service.operations.values()
    for example in operation.examples
]
SURNAMES, MIDDLE, GIVEN = (
    "|".join(sorted(set(each)))
    for each in (names.SURNAMES, sum(names.MIDDLE.values(), ()), sum(names.GIVEN.values(), ()))
)
A_NAME = re.compile(rf"(?i)\b(?:{SURNAMES})(?: (?:{MIDDLE}))? (?:{GIVEN}|Khác)\b")
AN_ADDRESS = re.compile(rf"\b\d+[A-Z]? (?:{'|'.join(map(re.escape, places.STREETS))})")
A_PHONE = re.compile(r"(?<!\d)0[2-9]\d{8,9}(?!\d)")
A_MAIL = re.compile(r"[\w.+-]+@(?!masked)[\w-]+\.\w+")
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
PUBLIC = ("Nguyễn Duy Hiệu", "Phan Châu Trinh")


async def recorded(service: Service, operation: Operation, example: Example) -> Record:
    """An example as the gateway's tap would have seen it."""
    connector = importlib.import_module(service.connector)
    asked = example.request
    request = Request("t", service.id, operation.name, asked.path, query=asked.query, key="1", headers=asked.headers, body=asked.body)  # fmt: skip
    reply = await remembering.answering(connector)(request)
    url = f"{service.context}{asked.path}?{asked.query}"
    return Record(
        t=1,
        service=service.id,
        operation=operation.name,
        request=Asked(operation.name.split()[0], url, tuple(asked.headers.items()), Body.of(asked.body)),
        reply=Answered(reply.status, tuple(reply.headers.items()), Body.of(reply.body)),
    )


def said(record: Record) -> str:
    """All that can be read in a record: its line, its bodies, and what is inside of base64."""
    assert record.request is not None
    assert record.reply is not None
    bodies = [(each.body.data or b"").decode(errors="replace") for each in (record.request, record.reply)]
    text = "\n".join([encode(record).decode(), *bodies])
    for word in BASE64.findall(text):
        with suppress(ValueError):
            text += "\n" + base64.b64decode(word + "==").decode(errors="replace")
    return text


@cache
def personal(number: str) -> frozenset[str]:
    """Who has that number, and the family: all that would tell who it is."""
    found = find_person(number) or find_insured(number) or find_by_legacy(number)
    if found is None or number.startswith("049080"):
        return frozenset()
    family = [found, found.father, found.mother, found.spouse, *found.children]
    return frozenset(value for person in family if person for value in about(person))


def about(person: Person) -> Iterator[str]:
    yield from (
        str(person.id),
        person.name,
        person.name.upper(),
        person.phone,
        person.insurance_number,
        person.health_card,
    )
    yield from (
        person.pupil_code,
        person.family.code,
        person.address.text,
        f"{person.address.house} {person.address.street}",
    )
    yield from (person.born.strftime(form) for form in ("%d/%m/%Y", "%Y-%m-%d", "%Y%m%d"))
    if person.legacy_id:
        yield person.legacy_id


def seen(text: str, numbers: set[str]) -> set[str]:
    """What can be read of a person: by the register, and by what names, addresses, phones and mail look like."""
    found = set[str]()
    for number in numbers:
        of_one = {value for value in personal(number) if value in text}
        # Ten digits may be a firm's code by chance: it is a person's where more than the number is.
        found |= of_one if len(number) != 10 or len(of_one) > 1 else set()
    for pattern in (A_NAME, AN_ADDRESS, A_PHONE, A_MAIL):
        found |= {match for match in pattern.findall(text) if match not in PUBLIC}
    return found


async def test_no_example_of_any_contract_leaves_anything_of_a_person() -> None:
    before, left = 0, dict[str, set[str]]()
    for service, operation, example in EXAMPLES:
        record = await recorded(service, operation, example)
        text = said(record)
        numbers = {run for run in re.findall(r"\d+", text) if len(run) in {9, 10, 12}}
        before += len(seen(text, numbers))
        rest = seen(said(MASKING.record(record)), numbers)
        if rest:
            left[f"{service.id} {operation.name} {example.name}"] = rest
    assert left == {}
    assert before > 250


@pytest.mark.parametrize("field", ["fullName", "ChuHoSo", "diaChi", "dadDob", "maHo"])
def test_the_check_would_see_a_field_that_is_not_listed(field: str) -> None:
    fields = [each for each in RULES.fields if each.lower() != field.lower()]
    careless = Masking(b"key", RULES.identifiers, fields=fields)
    person = find_person("049085001234")
    assert person is not None
    value = {"diaChi": person.address.text, "dadDob": person.born.strftime("%d/%m/%Y"), "maHo": person.family.code}
    body = Body.of(f'{{"{field}":"{value.get(field, person.name)}"}}'.encode())
    record = Record(t=1, request=Asked("GET", "/"), reply=Answered(200, body=body))
    assert seen(said(careless.record(record)), {"049085001234"}) != set()
    assert seen(said(MASKING.record(record)), {"049085001234"}) == set()
