"""People and their families, with no store: everybody follows from the citizen id.

A family is (kind, year, k). Its members' serials are 2k and 2k + 1, so the family is seen from each of them:

father  born year - 28 - k % 5          kind A: he has the serial 2k + k % 2, she the other; B: the other way
mother  born year - 26 - k % 3
older child   born year,     serial 2k      kind A: a son,      kind B: a daughter
younger child born year + 2, serial 2k + 1  kind A: a daughter, kind B: a son

Everybody is so the child of one family and, when old enough, a parent of one other, and both ways agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from connectors.province import identifiers, names
from connectors.province.identifiers import BIRTH_PROVINCES, CitizenId
from connectors.province.meanings import Meaning
from connectors.province.own import OwnPerson
from connectors.province.places import Address, address
from connectors.province.register import citizen_of_own_insurance, citizen_of_own_legacy, own, owned
from connectors.province.seed import number, pick

TODAY = date(2023, 5, 24)
"""The province's one and only day: the same request has the same answer for ever."""

REGISTERED = 970_000
"""Serials from here on are not in use: nobody has them, and neither has anybody of their family."""

ETHNIC_GROUPS = (
    ("01", "Kinh"),
    ("01", "Kinh"),
    ("01", "Kinh"),
    ("01", "Kinh"),
    ("34", "Cơ Tu"),
    ("27", "Xơ Đăng"),
    ("42", "Co"),
    ("33", "Gié Triêng"),
)
RELIGIONS = (
    ("00", "Không"),
    ("00", "Không"),
    ("00", "Không"),
    ("01", "Phật giáo"),
    ("02", "Công giáo"),
    ("05", "Cao Đài"),
)


@dataclass(frozen=True, slots=True)
class Family:
    """Parents and children; `kind` A or B."""

    kind: str
    province: str
    year: int
    k: int

    @property
    def father(self) -> CitizenId | None:
        """The father, where his time is on record."""
        same = self.k % 2
        serial = 2 * self.k + (same if self.kind == "A" else 1 - same)
        return _on_record(CitizenId(self.province, male=True, year=self.year - 28 - self.k % 5, serial=serial))

    @property
    def mother(self) -> CitizenId | None:
        """The mother, where her time is on record."""
        same = self.k % 2
        serial = 2 * self.k + (1 - same if self.kind == "A" else same)
        return _on_record(CitizenId(self.province, male=False, year=self.year - 26 - self.k % 3, serial=serial))

    @property
    def children(self) -> list[CitizenId]:
        """The children born by today, the older one first."""
        older = CitizenId(self.province, self.kind == "A", self.year, 2 * self.k)
        younger = CitizenId(self.province, self.kind == "B", self.year + 2, 2 * self.k + 1)
        return [child for child in (older, younger) if child.year >= 1900 and born(child) <= TODAY]

    @property
    def address(self) -> Address:
        """Where the family lives."""
        return address(f"family {self.kind} {self.province} {self.year} {self.k}")

    @property
    def code(self) -> str:
        """The household's number: 10 digits."""
        return f"{PROVINCE_PREFIX}{number(f'{self.kind}{self.province}{self.year}{self.k}', 'household', 10**8):08d}"


PROVINCE_PREFIX = "49"


def _given(citizen: CitizenId) -> OwnPerson | None:
    """What a file says of a citizen who is somebody's own test person."""
    return own(str(citizen)) if owned() else None


def _on_record(citizen: CitizenId) -> CitizenId | None:
    return citizen if citizen.year >= 1900 else None


def family_of_birth(citizen: CitizenId) -> Family:
    """The family that a citizen was born into."""
    k, younger = divmod(citizen.serial, 2)
    kind = "A" if citizen.male != bool(younger) else "B"
    return Family(kind, citizen.province, citizen.year - 2 * younger, k)


def own_family(citizen: CitizenId) -> Family | None:
    """The family that a citizen has founded; `None` for who is not married yet."""
    k, odd = divmod(citizen.serial, 2)
    same = odd == k % 2
    kind = "A" if same == citizen.male else "B"
    year = citizen.year + (28 + k % 5 if citizen.male else 26 + k % 3)
    return Family(kind, citizen.province, year, k) if year <= TODAY.year else None


def born(citizen: CitizenId) -> date:
    """The day of birth."""
    given = _given(citizen)
    if given:
        return given.born
    day = number(str(citizen), "day of birth", 365)
    return date.fromordinal(date(citizen.year, 1, 1).toordinal() + day)


@dataclass(frozen=True, slots=True)
class Person:
    """One inhabitant."""

    id: CitizenId

    @property
    def gender(self) -> str:
        """`Nam` or `Nữ`."""
        return "Nam" if self.id.male else "Nữ"

    @property
    def surname(self) -> str:
        """The father's, up to the oldest father on record."""
        given = _given(self.id)
        if given:
            return given.name.split()[0]
        father = self.birth_family.father
        return Person(father).surname if father else names.surname(str(self.id))

    @property
    def middle(self) -> str:
        """The middle name, empty for who has none."""
        given = _given(self.id)
        if given:
            return " ".join(given.name.split()[1:-1])
        return names.middle(str(self.id), self.gender)

    @property
    def given(self) -> str:
        """The given name."""
        given = _given(self.id)
        if given:
            return given.name.split()[-1]
        return names.given(str(self.id), self.gender)

    @property
    def name(self) -> str:
        """The whole name."""
        return " ".join(part for part in (self.surname, self.middle, self.given) if part)

    @property
    def born(self) -> date:
        """The day of birth."""
        return born(self.id)

    @property
    def age(self) -> int:
        """Whole years today."""
        return TODAY.year - self.born.year - ((TODAY.month, TODAY.day) < (self.born.month, self.born.day))

    @property
    def birth_family(self) -> Family:
        """Parents and siblings."""
        return family_of_birth(self.id)

    @property
    def family(self) -> Family:
        """The family that the person lives with: the own one, else the parents'."""
        return own_family(self.id) or self.birth_family

    @property
    def father(self) -> Person | None:
        """The father, where he is on record."""
        return _person(self.birth_family.father)

    @property
    def mother(self) -> Person | None:
        """The mother, where she is on record."""
        return _person(self.birth_family.mother)

    @property
    def spouse(self) -> Person | None:
        """Husband or wife, of who is married."""
        family = own_family(self.id)
        if family is None:
            return None
        return _person(family.mother if self.id.male else family.father)

    @property
    def children(self) -> list[Person]:
        """Sons and daughters, the older first."""
        family = own_family(self.id)
        return [] if family is None else [Person(child) for child in family.children]

    @property
    def address(self) -> Address:
        """Where the household lives."""
        return self.family.address

    @property
    def birthplace(self) -> Address:
        """Where the person was born."""
        return self.birth_family.address

    @property
    def ethnic_group(self) -> tuple[str, str]:
        """Code and name; the father's."""
        father = self.birth_family.father
        return Person(father).ethnic_group if father else pick(str(self.id), "ethnic group", ETHNIC_GROUPS)

    @property
    def religion(self) -> tuple[str, str]:
        """Code and name."""
        return pick(str(self.id), "religion", RELIGIONS)

    @property
    def insurance_number(self) -> str:
        """10 digits."""
        given = _given(self.id)
        return (given and given.insurance_number) or identifiers.insurance_number(self.id)

    @property
    def health_card(self) -> str:
        """15 characters, the last 10 the insurance number (K)."""
        return f"{'TE' if self.age < 6 else 'HS' if self.age < 18 else 'DN'}{number(str(self.id), 'level', 5) + 1}49{self.insurance_number}"

    @property
    def legacy_id(self) -> str:
        """9 digits for who was 14 before 2016 and registered here, else empty."""
        given = _given(self.id)
        if given and given.legacy_id:
            return given.legacy_id
        return identifiers.legacy_id(self.id) if self.id.year <= 2001 else ""

    @property
    def pupil_code(self) -> str:
        """10 digits."""
        return identifiers.pupil_code(self.id)

    @property
    def phone(self) -> str:
        """A mobile number of a range that is used for examples only."""
        given = _given(self.id)
        return (given and given.phone) or f"09000{number(str(self.id), 'phone', 10**5):05d}"

    @property
    def has_record(self) -> bool:
        """Whether there is a conviction on the judicial record: one adult in a hundred."""
        return self.age >= 18 and number(str(self.id), "judicial record", 100) == 0


def _person(citizen: CitizenId | None) -> Person | None:
    return Person(citizen) if citizen else None


def find_person(citizen_id: str) -> Person | None:
    """The inhabitant with that citizen id; `None` where nobody has it or it breaks the rule."""
    return in_register(identifiers.parse_citizen_id(citizen_id))


def in_register(citizen: CitizenId | None) -> Person | None:
    """The inhabitant, if the register has one: born by today in one of our provinces, with a serial that is in use.

    Somebody's own test person is one whatever the id.
    """
    if citizen is None:
        return None
    given = _given(citizen)
    if given:
        return None if given.meaning == Meaning.NOT_FOUND else Person(citizen)
    if citizen.province not in BIRTH_PROVINCES:
        return None
    if citizen.serial >= REGISTERED or citizen.year < 1900 or born(citizen) > TODAY:
        return None
    return Person(citizen)


def find_insured(insurance_number: str) -> Person | None:
    """The inhabitant with that insurance number; `None` where nobody has it or it breaks the rule."""
    given = citizen_of_own_insurance(insurance_number)
    person = find_person(given) if given else in_register(identifiers.citizen_of_insurance(insurance_number))
    return person if person and person.insurance_number == insurance_number else None


def find_by_legacy(legacy_id: str) -> Person | None:
    """The inhabitant with that legacy id; `None` where nobody has it or it breaks the rule."""
    given = citizen_of_own_legacy(legacy_id)
    person = find_person(given) if given else in_register(identifiers.citizen_of_legacy(legacy_id))
    return person if person and person.legacy_id == legacy_id else None


SEARCHABLE = 500
"""Who can be found by name and birth: the serials below this, 10 ms of work for a year and gender."""


def search(name: str, year: int, *, male: bool) -> list[Person]:
    """The searchable inhabitants of that name, born in that year; own test persons always are."""
    wanted = " ".join(name.upper().split())
    found = [person for person in _index(year, male=male).get(wanted, []) if not _given(person.id)]
    given = [find_person(one.citizen_id) for one in owned() if one.name.upper() == wanted]
    return found + [person for person in given if person and person.id.male == male and person.born.year == year]


@lru_cache(maxsize=32)
def _index(year: int, *, male: bool) -> dict[str, list[Person]]:
    found: dict[str, list[Person]] = {}
    for serial in range(SEARCHABLE):
        person = in_register(CitizenId("049", male=male, year=year, serial=serial))
        if person:
            found.setdefault(person.name.upper(), []).append(person)
    return found


def person_of(thing: str, purpose: str, *, adult: bool = True) -> Person:
    """An inhabitant for a thing: its owner, handler, sender."""
    year = 1950 + number(thing, f"{purpose} year", 50) if adult else 2008 + number(thing, f"{purpose} year", 10)
    male = number(thing, f"{purpose} gender", 2) == 0
    return Person(CitizenId("049", male=male, year=year, serial=number(thing, f"{purpose} serial", REGISTERED)))
