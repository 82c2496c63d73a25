"""Enterprises, from their code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from connectors.province import names
from connectors.province.identifiers import check_digit, is_enterprise_code
from connectors.province.person import TODAY, Person, person_of
from connectors.province.places import Address, address
from connectors.province.seed import number, pick

TYPES = (
    (3, "Công ty trách nhiệm hữu hạn hai thành viên trở lên"),
    (4, "Công ty trách nhiệm hữu hạn một thành viên"),
    (5, "Công ty cổ phần"),
)
STATES = ("Đang hoạt động", "Đang hoạt động", "Đang hoạt động", "Tạm ngừng kinh doanh", "Đang làm thủ tục giải thể")
ACTIVITIES = (
    ("4100", "Xây dựng nhà các loại"),
    ("4669", "Bán buôn chuyên doanh khác"),
    ("5510", "Dịch vụ lưu trú ngắn ngày"),
    ("0322", "Nuôi trồng thủy sản nội địa"),
    ("1410", "May trang phục"),
    ("4933", "Vận tải hàng hóa bằng đường bộ"),
)
_REGION = "40"  # codes given out in Quảng Nam begin so


@dataclass(frozen=True, slots=True)
class Enterprise:
    """One enterprise."""

    code: str

    @property
    def names(self) -> tuple[str, str, str]:
        """Full, short and foreign name."""
        return names.company(self.code)

    @property
    def type(self) -> tuple[int, str]:
        """Number and name of the legal form."""
        return pick(self.code, "type", TYPES)

    @property
    def state(self) -> str:
        """What it does today."""
        return pick(self.code, "state", STATES)

    @property
    def founded(self) -> date:
        """When it was registered."""
        return TODAY - timedelta(days=200 + number(self.code, "founded", 7_000))

    @property
    def amended(self) -> date:
        """When its registration was last changed."""
        return self.founded + timedelta(days=number(self.code, "amended", 190))

    @property
    def changes(self) -> int:
        """How often the registration was changed."""
        return number(self.code, "changes", 9)

    @property
    def capital(self) -> int:
        """Charter capital in đồng."""
        return (1 + number(self.code, "capital", 400)) * 50_000_000

    @property
    def representative(self) -> Person:
        """Who signs for it: an inhabitant of the province."""
        return person_of(self.code, "representative")

    @property
    def activities(self) -> list[tuple[str, str]]:
        """Codes and names of its trades, the main one first."""
        first = number(self.code, "activity", len(ACTIVITIES))
        count = 1 + number(self.code, "activities", 3)
        return [ACTIVITIES[(first + step) % len(ACTIVITIES)] for step in range(count)]

    @property
    def address(self) -> Address:
        """Its head office."""
        return address(self.code)


def find_enterprise(code: str) -> Enterprise | None:
    """The enterprise with that code; `None` where there is none in the province or the code breaks the rule."""
    if not is_enterprise_code(code) or not code.startswith(_REGION) or code[2:4] >= "97":
        return None
    return Enterprise(code)


def enterprise_of(thing: str, purpose: str) -> Enterprise:
    """An enterprise for a thing."""
    serial = number(thing, purpose, 9_700_000)
    while (last := check_digit(f"{_REGION}{serial:07d}")) is None:
        serial = (serial + 1) % 9_700_000
    return Enterprise(f"{_REGION}{serial:07d}{last}")
