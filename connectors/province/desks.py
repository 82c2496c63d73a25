"""The one-stop desks of the 18 districts: how far the post office's staff has taken them over.

Fact (report of 24 May 2023): staff in 18 of 18 districts; complete, under way to June 2023, or not yet for land dossiers.
"""

from __future__ import annotations

from connectors.province.places import DISTRICTS

COMPLETE = frozenset({"504", "505", "511", "512", "513", "515", "516", "519"})
UNDER_WAY = frozenset({"502", "506", "508", "509", "510", "518"})
LAND_NOT_YET = frozenset({"503", "507", "514", "517"})
STATES = {
    "complete": (("Đã chuyển giao", "Complete"), COMPLETE),
    "under-way": (("Đang chuyển giao, đến tháng 6/2023", "Under way, to June 2023"), UNDER_WAY),
    "land-not-yet": (("Chưa chuyển giao hồ sơ đất đai", "Land dossiers not yet"), LAND_NOT_YET),
}
POSTS = tuple(f"Bưu điện {district.name[0].lower()}{district.name[1:]}" for district in DISTRICTS)
"""The post offices that collect and deliver, one a district."""


def state_of(district: str) -> str:
    """How far the desk of a district is: a key of `STATES`."""
    return next(name for name, (_, districts) in STATES.items() if district in districts)
