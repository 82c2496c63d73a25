"""Who of the province is somebody's own test person: one register for the process, filled once when it starts."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from connectors.province.own import OwnPerson

_by_citizen: dict[str, OwnPerson] = {}
_by_insurance: dict[str, str] = {}
_by_legacy: dict[str, str] = {}


def fill(people: Iterable[OwnPerson]) -> None:
    """Put these persons into the register, in place of those that were there."""
    for index in (_by_citizen, _by_insurance, _by_legacy):
        index.clear()
    for person in people:
        _by_citizen[person.citizen_id] = person
        if person.insurance_number:
            _by_insurance[person.insurance_number] = person.citizen_id
        if person.legacy_id:
            _by_legacy[person.legacy_id] = person.citizen_id


def own(citizen_id: str) -> OwnPerson | None:
    """The own person with that citizen id."""
    return _by_citizen.get(citizen_id)


def owned() -> Collection[OwnPerson]:
    """All own persons."""
    return _by_citizen.values()


def citizen_of_own_insurance(number: str) -> str:
    """The citizen id behind an insurance number that a file gave, else empty."""
    return _by_insurance.get(number, "")


def citizen_of_own_legacy(number: str) -> str:
    """The citizen id behind a legacy id that a file gave, else empty."""
    return _by_legacy.get(number, "")
