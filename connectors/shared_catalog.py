"""Danh mục dùng chung tỉnh: Provincial Catalogues.

Facts (S2b): context, operations, fields; lists are bare arrays; the client looks whether a record is null. Its method names
say `capTren` in the paths of what lies below something; the spelling `captren` answers too. Assumptions: an unknown code is
null, or an empty list; the gateway says every other failure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.province.catalogues import ETHNIC_GROUPS, KINDS_OF_UNITS, RELIGIONS, UNITS_OF_MEASURE
from connectors.province.dossier import AGENCIES
from connectors.province.places import PROVINCE, UNITS, Unit, address, below, of_level
from connectors.province.silence import without_words
from lgsp import Outcome, Reply, Request

LEVELS = (
    ("001", "Cấp Trung ương", "1", ""),
    ("002", "Cấp tỉnh", "2", "001"),
    ("003", "Cấp huyện", "3", "002"),
    ("004", "Cấp xã", "4", "003"),
)
_AGENCY_CODES = {f"{n:05d}": org for n, org in enumerate(AGENCIES, 1)}


async def answer(request: Request) -> Reply:
    """A bare list, or one record."""
    return OPERATIONS[request.operation](request)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The contract has no words for a failure: the gateway speaks."""
    return without_words(request, outcome)


def _levels() -> list[dict[str, str]]:
    return [
        {"id": str(n), "ma": ma, "ten": ten, "cap": cap, "capTren": above}
        for n, (ma, ten, cap, above) in enumerate(LEVELS, 1)
    ]


def _agency(code: str) -> dict[str, str]:
    org = _AGENCY_CODES[code]
    place = address(org)
    return {
        "id": str(int(code)),
        "ma": code,
        "ten": AGENCIES[org],
        "diaChi": place.text,
        "dienThoai": "",
        "email": "",
        "fax": "",
        "website": "",
        "cap": _level_of(org),
        "capTren": "" if org == "000.00.00.H47" else "00001",
        "donViHanhChinh": PROVINCE,
    }


def _level_of(org: str) -> str:
    return "003" if org.startswith("001") or org in {"000.00.31.H47", "000.00.32.H47"} else "002"


def _unit(unit: Unit) -> dict[str, str]:
    return {
        "id": unit.code,
        "ma": unit.code,
        "ten": unit.name,
        "tenTA": unit.english,
        "cap": unit.level,
        "capTren": unit.parent,
    }


def _listing(records: Callable[[], list[dict[str, Any]]]) -> Callable[[Request], Reply]:
    return lambda request: Reply.of_json(request, records())


def _found(records: Callable[[], list[dict[str, Any]]], key: str, parameter: str) -> Callable[[Request], Reply]:
    def one(request: Request) -> Reply:
        wanted = request.path_values[parameter]
        record = next((each for each in records() if each[key] == wanted), None)
        return Reply.of_json(request, record) if record else _nothing(request, None)

    return one


def _agencies() -> list[dict[str, str]]:
    return [_agency(code) for code in _AGENCY_CODES]


def _agencies_of_level(request: Request) -> Reply:
    level = request.path_values["cap"]
    if level not in {ma for ma, _, _, _ in LEVELS}:
        return _nothing(request, [])
    return Reply.of_json(request, [agency for agency in _agencies() if agency["cap"] == level])


def _agencies_below(request: Request) -> Reply:
    above = request.path_values["capTren"]
    if above not in _AGENCY_CODES:
        return _nothing(request, [])
    return Reply.of_json(request, [agency for agency in _agencies() if agency["capTren"] == above])


def _units_of_level(request: Request) -> Reply:
    level = request.path_values["cap"]
    if level not in {"TINH", "HUYEN", "XA"}:
        return _nothing(request, [])
    return Reply.of_json(request, [_unit(unit) for unit in of_level(level)])


def _units_below(request: Request) -> Reply:
    above = request.path_values["capTren"]
    if above not in UNITS:
        return _nothing(request, [])
    return Reply.of_json(request, [_unit(unit) for unit in below(above)])


def _units() -> list[dict[str, str]]:
    return [_unit(unit) for unit in UNITS.values()]


def _ethnic_groups() -> list[dict[str, str]]:
    return [
        {"id": str(n), "maDanToc": code, "tenGoi": name, "tenKhac": other}
        for n, (code, name, other) in enumerate(ETHNIC_GROUPS, 1)
    ]


def _pairs(pairs: tuple[tuple[str, str], ...]) -> Callable[[], list[dict[str, str]]]:
    return lambda: [{"id": str(n), "ma": code, "ten": name} for n, (code, name) in enumerate(pairs, 1)]


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "GET /capcoquanquanlys": _listing(_levels),
    "GET /capcoquanquanlys/{ma}": _found(_levels, "ma", "ma"),
    "GET /coquanquanlys/{ma}": _found(_agencies, "ma", "ma"),
    "GET /coquanquanlys/cap/{cap}": _agencies_of_level,
    "GET /coquanquanlys/capTren/{capTren}": _agencies_below,
    "GET /coquanquanlys/captren/{capTren}": _agencies_below,
    "GET /donvihanhchinhs/cap/{cap}": _units_of_level,
    "GET /donvihanhchinhs/capTren/{capTren}": _units_below,
    "GET /donvihanhchinhs/captren/{capTren}": _units_below,
    "GET /donvihanhchinhs/{ma}": _found(_units, "ma", "ma"),
    "GET /dantocs": _listing(_ethnic_groups),
    "GET /dantocs/{id}": _found(_ethnic_groups, "id", "id"),
    "GET /tongiaos": _listing(_pairs(RELIGIONS)),
    "GET /donvidoluongs": _listing(_pairs(UNITS_OF_MEASURE)),
    "GET /loaidonvidoluongs": _listing(_pairs(KINDS_OF_UNITS)),
}


def _nothing(request: Request, body: list[object] | None) -> Reply:
    return Reply.of_json(request, body, outcome=Outcome.BUSINESS_FAULT, reason="not_found")
