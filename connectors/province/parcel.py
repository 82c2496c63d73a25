"""Parcels of land, from commune, map sheet and number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.province.person import Person, person_of
from connectors.province.places import COMMUNES, Unit
from connectors.province.seed import number, pick

USES = (
    ("ONT", "Đất ở tại nông thôn"),
    ("ODT", "Đất ở tại đô thị"),
    ("LUC", "Đất chuyên trồng lúa nước"),
    ("CLN", "Đất trồng cây lâu năm"),
    ("RSX", "Đất rừng sản xuất"),
)
SHEETS, PARCELS = 60, 500
NOT_DIGITISED = ("20437", "20944")
"""Communes without digital cadastral maps yet (A)."""
_COMMUNE = {unit.code: unit for unit in COMMUNES}
_CERTIFICATE = re.compile(r"(CS|CM|CT)([0-9]{8})")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel."""

    commune: Unit
    sheet: int
    number: int

    @property
    def key(self) -> str:
        """Its name in the cadastre."""
        return f"{self.commune.code}/{self.sheet}/{self.number}"

    @property
    def area(self) -> float:
        """Square metres."""
        return 60 + number(self.key, "area", 30_000) / 10

    @property
    def use(self) -> tuple[str, str]:
        """Code and name of the land use."""
        return pick(self.key, "use", USES)

    @property
    def owners(self) -> list[Person]:
        """The owner, with husband or wife."""
        owner = person_of(self.key, "owner")
        return [owner, owner.spouse] if owner.spouse else [owner]

    @property
    def certificate(self) -> str:
        """The serial of its land-use certificate: the parcel follows from it."""
        index = list(_COMMUNE).index(self.commune.code)
        return f"CS{index:02d}{self.sheet:03d}{self.number:03d}"

    @property
    def disputed(self) -> bool:
        """Whether somebody contests it: one in fifty."""
        return number(self.key, "disputed", 50) == 0


def find_parcel(commune: str, sheet: str, parcel: str) -> Parcel | None:
    """The parcel of that name; `None` where there is none."""
    if commune not in _COMMUNE or not (sheet.isascii() and sheet.isdigit() and parcel.isascii() and parcel.isdigit()):
        return None
    if not (0 < int(sheet) <= SHEETS and 0 < int(parcel) <= PARCELS):
        return None
    return Parcel(_COMMUNE[commune], int(sheet), int(parcel))


def parcel_of_certificate(serial: str) -> Parcel | None:
    """The parcel of a certificate; `None` where there is none."""
    found = _CERTIFICATE.fullmatch(serial)
    if not found:
        return None
    index = int(found[2][:2])
    codes = list(_COMMUNE)
    return find_parcel(codes[index], found[2][2:5], found[2][5:]) if index < len(codes) else None
