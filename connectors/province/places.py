"""Quảng Nam as it was in 2023: 18 districts, with some communes of each.

District codes are those of the General Statistics Office; the communes are a selection, and their codes illustrative (K).
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.province.seed import number, pick

PROVINCE = "49"


@dataclass(frozen=True, slots=True)
class Unit:
    """An administrative unit; `parent` is the code of the unit above, empty for the province."""

    code: str
    name: str
    english: str
    level: str
    parent: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody lives: down to the house."""

    house: str
    street: str
    commune: Unit
    district: Unit

    @property
    def text(self) -> str:
        """On one line."""
        return f"{self.house} {self.street}, {self.commune.name}, {self.district.name}, tỉnh Quảng Nam"


_DISTRICTS = (
    (
        "502",
        "Thành phố Tam Kỳ",
        "Tam Ky City",
        (("20335", "Phường Tân Thạnh"), ("20341", "Phường An Mỹ"), ("20359", "Xã Tam Thanh")),
    ),
    (
        "503",
        "Thành phố Hội An",
        "Hoi An City",
        (("20398", "Phường Minh An"), ("20404", "Phường Cẩm Phô"), ("20422", "Xã Cẩm Hà")),
    ),
    ("504", "Huyện Tây Giang", "Tay Giang District", (("20437", "Xã Ch'ơm"), ("20446", "Xã A Tiêng"))),
    ("505", "Huyện Đông Giang", "Dong Giang District", (("20467", "Thị trấn Prao"), ("20473", "Xã Sông Kôn"))),
    ("506", "Huyện Đại Lộc", "Dai Loc District", (("20500", "Thị trấn Ái Nghĩa"), ("20521", "Xã Đại Hiệp"))),
    ("507", "Thị xã Điện Bàn", "Dien Ban Town", (("20551", "Phường Vĩnh Điện"), ("20569", "Phường Điện Ngọc"))),
    ("508", "Huyện Duy Xuyên", "Duy Xuyen District", (("20599", "Thị trấn Nam Phước"), ("20617", "Xã Duy Trinh"))),
    ("509", "Huyện Quế Sơn", "Que Son District", (("20641", "Thị trấn Đông Phú"), ("20656", "Xã Quế Xuân 1"))),
    ("510", "Huyện Nam Giang", "Nam Giang District", (("20695", "Thị trấn Thạnh Mỹ"), ("20701", "Xã Cà Dy"))),
    ("511", "Huyện Phước Sơn", "Phuoc Son District", (("20722", "Thị trấn Khâm Đức"), ("20728", "Xã Phước Xuân"))),
    ("512", "Huyện Hiệp Đức", "Hiep Duc District", (("20758", "Thị trấn Tân Bình"), ("20764", "Xã Quế Thọ"))),
    ("513", "Huyện Thăng Bình", "Thang Binh District", (("20791", "Thị trấn Hà Lam"), ("20806", "Xã Bình Dương"))),
    ("514", "Huyện Tiên Phước", "Tien Phuoc District", (("20854", "Thị trấn Tiên Kỳ"), ("20866", "Xã Tiên Cảnh"))),
    ("515", "Huyện Bắc Trà My", "Bac Tra My District", (("20899", "Thị trấn Trà My"), ("20908", "Xã Trà Tân"))),
    ("516", "Huyện Nam Trà My", "Nam Tra My District", (("20938", "Xã Trà Mai"), ("20944", "Xã Trà Linh"))),
    ("517", "Huyện Núi Thành", "Nui Thanh District", (("20965", "Thị trấn Núi Thành"), ("20977", "Xã Tam Hiệp"))),
    ("518", "Huyện Phú Ninh", "Phu Ninh District", (("20364", "Thị trấn Phú Thịnh"), ("20383", "Xã Tam Thái"))),
    ("519", "Huyện Nông Sơn", "Nong Son District", (("20668", "Xã Quế Trung"), ("20671", "Xã Quế Lộc"))),
)
STREETS = (
    "Hùng Vương",
    "Phan Bội Châu",
    "Trần Phú",
    "Lê Lợi",
    "Phan Châu Trinh",
    "Huỳnh Thúc Kháng",
    "Nguyễn Huệ",
    "Trưng Nữ Vương",
)

PROVINCE_UNIT = Unit(PROVINCE, "Tỉnh Quảng Nam", "Quang Nam Province", "TINH", "")
DISTRICTS = tuple(Unit(code, name, english, "HUYEN", PROVINCE) for code, name, english, _ in _DISTRICTS)
COMMUNES = tuple(
    Unit(code, name, "", "XA", district) for district, _, _, communes in _DISTRICTS for code, name in communes
)
UNITS = {unit.code: unit for unit in (PROVINCE_UNIT, *DISTRICTS, *COMMUNES)}


def below(code: str) -> list[Unit]:
    """The units right below a unit."""
    return [unit for unit in (*DISTRICTS, *COMMUNES) if unit.parent == code]


def of_level(level: str) -> list[Unit]:
    """The units of a level: TINH, HUYEN or XA."""
    return [unit for unit in (PROVINCE_UNIT, *DISTRICTS, *COMMUNES) if unit.level == level]


def address(thing: str) -> Address:
    """Where a thing is."""
    commune = pick(thing, "commune", COMMUNES)
    district = next(unit for unit in DISTRICTS if unit.code == commune.parent)
    return Address(str(number(thing, "house", 300) + 1), pick(thing, "street", STREETS), commune, district)
