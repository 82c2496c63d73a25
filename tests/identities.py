"""Whatever looks like somebody in a text, and whoever our own generators make."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from builders import shipped

from connectors.province import identifiers
from connectors.province.meanings import OTHER_NAME, TABLE
from connectors.province.names import SURNAMES
from connectors.province.page import page
from connectors.province.person import Family, Person, own_family

_DIGITS = re.compile(r"(?<![0-9])(?<![0-9]\.)[0-9]+(?:[ .-][0-9]+)*(?![0-9])")
_CARD = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[1-5][0-9]{12}(?![0-9])")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# What is no writing of anybody: digests, keys, UUIDs.
_OPAQUE = re.compile(r"[0-9A-Za-z]{32,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LETTERS = "a-zàáâãèéêìíòóôõùúýăđĩũơưạ-ỹ"
_CAPITALS = "A-ZÀÁÂÃÈÉÊÌÍÒÓÔÕÙÚÝĂĐĨŨƠƯẠ-Ỹ"
_OTHERS = (
    "Hoàng",
    "Vũ",
    "Đinh",
    "Đào",
    "Trịnh",
    "Phùng",
    "Lưu",
    "Quách",
    "Vương",
    "Triệu",
    "Tống",
    "Nghiêm",
    "Lý",
    "Tô",
)
"""Surnames that nobody of ours has."""
_FAMILY = "|".join(sorted({form for name in (*SURNAMES, *_OTHERS) for form in (name, name.upper())}))
_NAME = re.compile(rf"(?<![\w])(?:{_FAMILY})(?: [{_CAPITALS}][{_LETTERS}{_CAPITALS}]*){{1,4}}(?![\w])")
_PROVINCES = range(1, 97)
_NEAR = 2
"""So many lines from an identifier a name is somebody's."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that looks like somebody, on a line."""

    line: int
    kind: str
    value: str


def hits(text: str) -> Iterator[Hit]:
    """Citizen ids and licences (12 digits that pass the rule), phones, insurance numbers and what else has ten digits, legacy
    ids, health cards, mail addresses; and names within two lines of a number of a person.
    """
    lines = [_OPAQUE.sub(" ", line) for line in text.splitlines()]
    found = [Hit(number, kind, value) for number, line in enumerate(lines, 1) for kind, value in _numbers(line)]
    yield from found
    near = {hit.line + away for hit in found if hit.kind != "mail" for away in range(-_NEAR, _NEAR + 1)}
    for number, line in enumerate(lines, 1):
        if number in near:
            yield from (Hit(number, "name", name[0].upper()) for name in _NAME.finditer(line))


def _numbers(line: str) -> Iterator[tuple[str, str]]:
    yield from (("mail", found[0]) for found in _MAIL.finditer(line))
    yield from (("card", found[0]) for found in _CARD.finditer(line))
    bare = _CARD.sub(" ", line)
    for written in _DIGITS.finditer(bare):
        around = _around(bare, written.start(), written.end())
        groups = re.split(r"[ .-]", written[0])
        for digits in groups:
            if kind := _kind(digits, alone=not around):
                yield kind, digits
        shortest = min(map(len, groups))
        if len(groups) > 1 and shortest > 1 and (kind := _kind("".join(groups), alone=False)):
            yield from [(kind, "".join(groups))] if kind == "phone" or shortest > 2 else ()


def _around(line: str, start: int, end: int) -> bool:
    """Whether it is a part of a word; the letter of an escaped line end is none."""
    before, after = line[max(0, start - 2) : start], line[end : end + 1]
    return after.isalnum() or (before[-1:].isalnum() and before not in {"\\n", "\\r", "\\t"})


def _kind(digits: str, *, alone: bool) -> str:
    """What a row of digits looks like; one of ten or nine only where it stands alone: in words and groups it is anything."""
    if len(digits) == 12 and any(map(_is_citizen_id, (digits, digits[1:] + digits[0]))):
        return "citizen"
    if re.fullmatch(r"0[35789][0-9]{8}|(00)?84[35789][0-9]{8}|02[0-9]{9}", digits):
        return "phone"
    if alone and len(digits) == 10:
        return "number"
    return "legacy" if alone and re.fullmatch(r"[0-3][0-9]{8}", digits) else ""


def _is_citizen_id(digits: str) -> bool:
    return int(digits[:3]) in _PROVINCES and identifiers.parse_citizen_id(digits) is not None


def related(root: str) -> set[Person]:
    """The person of a citizen id and the family of two generations up and down."""
    citizen = identifiers.parse_citizen_id(root)
    people, newest = set[Person](), {Person(citizen)} if citizen else set[Person]()
    for _ in range(2):
        people |= newest
        newest = {other for each in newest for other in _family(each)} - people
    return people | newest


def _family(person: Person) -> Iterator[Person]:
    families: Iterable[Family | None] = (person.birth_family, own_family(person.id))
    for family in filter(None, families):
        for member in (family.father, family.mother, *family.children):
            if member is not None:
                yield Person(member)


def of(person: Person) -> set[str]:
    """Everything by which somebody made is known."""
    citizen = person.id
    numbers = {str(citizen), identifiers.licence_of(str(citizen)), person.insurance_number, person.health_card}
    numbers |= {person.pupil_code, person.legacy_id, identifiers.legacy_id(citizen), person.phone}
    return numbers | {person.family.code, person.birth_family.code, person.name.upper()}


@cache
def documented() -> frozenset[str]:
    """The identifiers of `docs/test-data.md`, whose they are, and their families."""
    people = {known for mark in TABLE for person in related(mark.identifier) for known in of(person)}
    return frozenset(people | {OTHER_NAME} | {hit.value for hit in hits(page())})


@cache
def answered() -> frozenset[str]:
    """What connectors say of whom nobody asked them: in the reply of an example, which a test asks them for, and in no request."""
    asked: set[str] = set()
    told: set[str] = set()
    for service in shipped():
        for operation in service.operations.values():
            for example in operation.examples:
                request = example.request
                text = f"{request.path}\n{request.query}\n{request.headers}\n{request.body.decode(errors='replace')}"
                asked |= {hit.value for hit in hits(text)}
                body = example.reply.body
                told |= {
                    hit.value for hit in hits(body if isinstance(body, str) else json.dumps(body, ensure_ascii=False))
                }
    return frozenset(told - asked)


def generated(roots: Iterable[str]) -> frozenset[str]:
    """Whatever our generators make of the roots and of their families, what is documented, and what is answered."""
    return documented() | answered() | {known for root in roots for person in related(root) for known in of(person)}
