"""The rules of identifiers. Sources are those of `docs/sources.md`: citizen id S14, enterprise code S15, documents S3."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.province.seed import digits

# Where the inhabitants of the synthetic province were registered at birth; Quảng Nam first.
BIRTH_PROVINCES = ("049", "048", "051", "046", "001", "079", "052", "045", "064", "062")
_CENTURIES = {0: 1900, 1: 1900, 2: 2000, 3: 2000}
_CITIZEN = re.compile(r"\d{12}")
_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)
_SPACE = 10**9
# Multiplying by an odd number that 5 does not divide is a permutation of the numbers below a power of ten.
_INSURANCE, _PUPIL, _LEGACY = (387_420_489, 271_828_183), (141_421_357, 577_215_665), (223_606_797, 161_803_399)


@dataclass(frozen=True, slots=True)
class CitizenId:
    """A citizen id (12 digits): birth province, century and gender, year, serial."""

    province: str
    male: bool
    year: int
    serial: int

    def __str__(self) -> str:
        century = (self.year - 1900) // 100 * 2 + (0 if self.male else 1)
        return f"{self.province}{century}{self.year % 100:02d}{self.serial:06d}"

    @property
    def core(self) -> int:
        """Everything but the province as one number below 10^9."""
        return int(str(self)[3:])


def parse_citizen_id(text: str) -> CitizenId | None:
    """The parts of a citizen id; `None` where it breaks the rule (12 digits, a century that has begun)."""
    if not _CITIZEN.fullmatch(text) or not text.isascii() or int(text[3]) not in _CENTURIES:
        return None
    year = _CENTURIES[int(text[3])] + int(text[4:6])
    return CitizenId(text[:3], int(text[3]) % 2 == 0, year, int(text[6:]))


def is_legacy_id(text: str) -> bool:
    """Whether it is a legacy id, 9 digits."""
    return bool(re.fullmatch(r"[0-9]{9}", text))


def insurance_number(citizen: CitizenId) -> str:
    """The social insurance number (10 digits) of a citizen born in one of our provinces."""
    return _disguise(citizen, _INSURANCE)


def citizen_of_insurance(text: str) -> CitizenId | None:
    """The citizen behind an insurance number; `None` where there cannot be one."""
    return _reveal(text, _INSURANCE)


def pupil_code(citizen: CitizenId) -> str:
    """The pupil code (10 digits) of a citizen."""
    return _disguise(citizen, _PUPIL)


def citizen_of_pupil(text: str) -> CitizenId | None:
    """The citizen behind a pupil code; `None` where there cannot be one."""
    return _reveal(text, _PUPIL)


def licence_of(citizen_id: str) -> str:
    """The driving licence of a citizen: the id with its last digit first (A)."""
    return citizen_id[-1] + citizen_id[:-1]


def legacy_id(citizen: CitizenId) -> str:
    """The legacy id (9 digits) of a citizen registered in Quảng Nam, empty for others."""
    return _disguise(citizen, _LEGACY)[:9] if citizen.province == BIRTH_PROVINCES[0] else ""


def citizen_of_legacy(text: str) -> CitizenId | None:
    """The citizen behind a legacy id; `None` where there cannot be one."""
    return _reveal(text + "0", _LEGACY)


def _disguise(citizen: CitizenId, key: tuple[int, int]) -> str:
    factor, shift = key
    if citizen.province not in BIRTH_PROVINCES:
        return digits(
            str(citizen), str(factor), 10
        )  # leads back to nobody: such a citizen is somebody's own test person
    return f"{(citizen.core * factor + shift) % _SPACE:09d}{BIRTH_PROVINCES.index(citizen.province)}"


def _reveal(text: str, key: tuple[int, int]) -> CitizenId | None:
    if not re.fullmatch(r"[0-9]{10}", text):
        return None
    factor, shift = key
    core = (int(text[:9]) - shift) * pow(factor, -1, _SPACE) % _SPACE
    return parse_citizen_id(f"{BIRTH_PROVINCES[int(text[9])]}{core:09d}")


def check_digit(prefix: str) -> int | None:
    """The tenth digit of an enterprise code after nine; `None` where the prefix is invalid."""
    digit = 10 - sum(int(sign) * weight for sign, weight in zip(prefix, _WEIGHTS, strict=True)) % 11
    return None if digit == 10 else digit


def is_enterprise_code(text: str) -> bool:
    """Whether it is an enterprise code: 10 digits with the right last one, a branch with `-NNN`."""
    found = re.fullmatch(r"([0-9]{9})([0-9])(-[0-9]{3})?", text)
    return bool(found) and check_digit(found[1]) == int(found[2]) if found else False


def is_budget_unit_code(text: str) -> bool:
    """Whether it is a budget unit code, 7 digits (K)."""
    return bool(re.fullmatch(r"[0-9]{7}", text))


def is_procedure_code(text: str) -> bool:
    """Whether it is a procedure code, `d.dddddd` (S18)."""
    return bool(re.fullmatch(r"[0-9]\.[0-9]{6}", text))


def is_dossier_code(text: str) -> bool:
    """Whether it is a dossier code, `<agency>-<yyMMdd>-<number>` (S18, S24; the pattern is A)."""
    return bool(re.fullmatch(r"[0-9A-Z.]+-[0-9]{6}([0-9]{2})?-[0-9]{4,7}", text))


def is_phone(text: str) -> bool:
    """Whether it is a Vietnamese mobile number: 10 digits beginning with 0 (K)."""
    return bool(re.fullmatch(r"0[35789][0-9]{8}", text))
