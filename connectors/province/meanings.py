"""Identifiers with a fixed meaning, for tests: the same in every service that knows them. `docs/test-data.md` is made of this.

A citizen's other numbers (insurance, health card, licence) mean what the citizen means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from connectors.province.identifiers import CitizenId, insurance_number, licence_of, pupil_code
from connectors.province.register import owned
from lgsp import Kept, Outcome, Request, State


class Meaning(StrEnum):
    """What an identifier stands for."""

    EXISTS = "exists"
    NOT_FOUND = "not_found"
    NAME_DIFFERS = "name_differs"
    NOT_PERMITTED = "not_permitted"
    PENDING = "pending"
    PROVIDER_ERROR = "provider_error"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"


FAILURES = {
    Meaning.NOT_PERMITTED: Outcome.REJECTED,
    Meaning.PROVIDER_ERROR: Outcome.PROVIDER_ERROR,
    Meaning.TIMEOUT: Outcome.TIMEOUT,
    Meaning.UNREACHABLE: Outcome.UNREACHABLE,
}
"""How every service ends that is asked about such an identifier."""
OTHER_NAME = "NGUYỄN VĂN KHÁC"
"""What to ask with for `name_differs`: nobody of the table is called so."""
LOOK = Kept(seconds=600)
"""How long a pending identifier stays ready after a consumer's second look."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One identifier of the table. `kind`: citizen, insurance, licence, pupil, enterprise, dossier or amount."""

    kind: str
    identifier: str
    meaning: Meaning


_SERIAL = {
    Meaning.EXISTS: 1,
    Meaning.NOT_FOUND: 990_002,
    Meaning.NAME_DIFFERS: 3,
    Meaning.NOT_PERMITTED: 4,
    Meaning.PROVIDER_ERROR: 6,
    Meaning.TIMEOUT: 7,
    Meaning.UNREACHABLE: 8,
}
_ENTERPRISES = {
    Meaning.EXISTS: "4000000014",
    Meaning.NOT_FOUND: "4097000022",
    Meaning.NOT_PERMITTED: "4000000046",
    Meaning.PROVIDER_ERROR: "4000000060",
    Meaning.TIMEOUT: "4000000078",
    Meaning.UNREACHABLE: "4000000085",
}
_DOSSIERS = {
    Meaning.EXISTS: "9001",
    Meaning.NOT_FOUND: "9099",
    Meaning.NOT_PERMITTED: "9004",
    Meaning.PENDING: "9005",
    Meaning.PROVIDER_ERROR: "9006",
    Meaning.TIMEOUT: "9007",
    Meaning.UNREACHABLE: "9008",
}
_AMOUNTS = {
    Meaning.EXISTS: "90000001",
    Meaning.NOT_FOUND: "90000002",
    Meaning.NOT_PERMITTED: "90000004",
    Meaning.PENDING: "90000005",
    Meaning.PROVIDER_ERROR: "90000006",
    Meaning.TIMEOUT: "90000007",
    Meaning.UNREACHABLE: "90000008",
}


def _table() -> tuple[Mark, ...]:
    adults = {meaning: CitizenId("049", male=True, year=1980, serial=serial) for meaning, serial in _SERIAL.items()}
    pupils = {meaning: CitizenId("049", male=False, year=2012, serial=serial) for meaning, serial in _SERIAL.items()}
    marks = [Mark("citizen", str(citizen), meaning) for meaning, citizen in adults.items()]
    marks += [Mark("insurance", insurance_number(citizen), meaning) for meaning, citizen in adults.items()]
    marks += [Mark("licence", licence_of(str(citizen)), meaning) for meaning, citizen in adults.items()]
    marks += [
        Mark("pupil", pupil_code(citizen), meaning)
        for meaning, citizen in pupils.items()
        if meaning is not Meaning.NAME_DIFFERS
    ]
    marks += [Mark("enterprise", code, meaning) for meaning, code in _ENTERPRISES.items()]
    marks += [Mark("dossier", f"000.00.31.H47-230524-{last}", meaning) for meaning, last in _DOSSIERS.items()]
    return (*marks, *(Mark("amount", amount, meaning) for meaning, amount in _AMOUNTS.items()))


TABLE = _table()
"""Every identifier with a fixed meaning."""


class _Known:
    """The table with the own test persons' meanings."""

    def __init__(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Take in the register of own test persons: theirs go before those of the table."""
        self.meanings = {mark.identifier: mark.meaning for mark in TABLE}
        for person in owned():
            meaning = Meaning(person.meaning or Meaning.EXISTS)
            numbers = (person.citizen_id, licence_of(person.citizen_id), person.insurance_number)
            self.meanings |= dict.fromkeys(filter(None, numbers), meaning)


_known = _Known()
refresh = _known.refresh
_LOOKED_AT = 64 * 1024
_CARD = 15
_WORD = re.compile(rb"[0-9A-Z][0-9A-Z.-]{6,30}[0-9]")


def meaning_of(identifier: str) -> Meaning | None:
    """What an identifier stands for; `None` for an ordinary one."""
    return _known.meanings.get(identifier)


def failure_of(request: Request) -> Outcome | None:
    """The failure that an identifier anywhere in path, query or the first 64 KiB of the body stands for."""
    text = b"%b?%b %b" % (request.path.encode(), request.query.encode(), request.body[:_LOOKED_AT])
    for word in _WORD.findall(text):
        # A health card is two letters, three digits and the insurance number.
        named = word[5:] if len(word) == _CARD and word[:2].isalpha() else word
        meaning = _known.meanings.get(named.decode())
        if meaning in FAILURES:
            return FAILURES[meaning]
    return None


def is_ready(identifier: str, state: State) -> bool:
    """Whether what an identifier stands for is done: a pending one from a consumer's second look on.

    The connector keeps the kind `look`.
    """
    if meaning_of(identifier) is not Meaning.PENDING:
        return True
    looked = state.get("look", identifier) is not None
    state.put("look", identifier, value=True)
    return looked
