"""Test persons of one's own, from the files `province.d/*.csv` of a configuration: they are inhabitants like all others."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from connectors.province.identifiers import is_legacy_id, parse_citizen_id

NEEDED = ("citizen_id", "name", "born")
COLUMNS = (*NEEDED, "meaning", "insurance_number", "legacy_id", "phone")
_DIGITS = {"insurance_number": 10, "phone": 10}


@dataclass(frozen=True, slots=True)
class OwnPerson:
    """One row: what is not given follows from the citizen id, as for everybody else."""

    citizen_id: str
    name: str
    born: date
    meaning: str = ""
    insurance_number: str = ""
    legacy_id: str = ""
    phone: str = ""


def read_own(directory: Path, meanings: tuple[str, ...]) -> tuple[list[OwnPerson], list[str]]:
    """The persons of all files, and every mistake with its file and line; with a mistake nobody is to be used."""
    people: list[OwnPerson] = []
    problems: list[str] = []
    seen: dict[str, str] = {}
    for file in sorted(directory.glob("province.d/*.csv")):
        name = file.relative_to(directory).as_posix()
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError:
            problems.append(f"{name}:1: the file is not UTF-8: save it as CSV UTF-8")
            continue
        rows = csv.reader(lines, strict=True)
        try:
            header = next(rows, [])
            wrong = _header_problem(header)
            if wrong:
                problems.append(f"{name}:1: {wrong}")
                continue
            for row in rows:
                place = f"{name}:{rows.line_num}"
                if not row:
                    continue
                found = _row(row, header, meanings)
                if isinstance(found, str):
                    problems.append(f"{place}: {found}")
                elif found.citizen_id in seen:
                    problems.append(
                        f"{place}: citizen_id {found.citizen_id} stands at {seen[found.citizen_id]} already"
                    )
                else:
                    seen[found.citizen_id] = place
                    people.append(found)
        except csv.Error as error:
            problems.append(f"{name}:{rows.line_num}: no CSV: {error}")
    return people, problems


def _header_problem(header: list[str]) -> str:
    for column in header:
        if column not in COLUMNS:
            near = difflib.get_close_matches(column, COLUMNS, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            return f"the column {column!r} is none of {', '.join(COLUMNS)}{hint}"
    missing = [column for column in NEEDED if column not in header]
    if missing:
        return (
            f"the columns {', '.join(missing)} are missing: the first line is {','.join(NEEDED)} and what else you give"
        )
    return "a column stands twice" if len(set(header)) < len(header) else ""


def _row(row: list[str], header: list[str], meanings: tuple[str, ...]) -> OwnPerson | str:
    """The person of a row, or what is wrong with it."""
    if len(row) != len(header):
        return f"{len(row)} values for {len(header)} columns"
    given = {column: value.strip() for column, value in zip(header, row, strict=True)}
    citizen = parse_citizen_id(given["citizen_id"])
    if citizen is None:
        lost = "; a spreadsheet took the zeros in front" if 9 <= len(given["citizen_id"]) < 12 else ""
        return f"citizen_id {given['citizen_id']!r} is not 12 digits of the rule{lost}"
    if len(given["name"].split()) < 2:
        return f"name {given['name']!r}: surname and given name at least"
    try:
        born = datetime.strptime(given["born"], "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return f"born {given['born']!r} is not written yyyy-MM-dd"
    if born.year != citizen.year:
        return f"born {given['born']}: the citizen id says {citizen.year}"
    if given.get("meaning") and given["meaning"] not in meanings:
        return f"meaning {given['meaning']!r} is none of {', '.join(meanings)}"
    for column, length in _DIGITS.items():
        value = given.get(column, "")
        if value and not (len(value) == length and value.isascii() and value.isdigit()):
            return f"{column} {value!r} is not {length} digits"
    if given.get("legacy_id") and not is_legacy_id(given["legacy_id"]):
        return f"legacy_id {given['legacy_id']!r} is not 9 digits"
    rest = {column: given.get(column, "") for column in COLUMNS if column not in NEEDED}
    return OwnPerson(given["citizen_id"], " ".join(given["name"].split()), born, **rest)
