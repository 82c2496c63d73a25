from __future__ import annotations

import pytest

from lgsp.bus.answerers import Answerers
from lgsp.bus.message import Message

NAMED = {"maps": ["gis", "land"], "rest": []}


@pytest.mark.parametrize(
    ("named", "app_id", "user", "may"),
    [
        ({}, "gis", "", True),
        ({}, "", "anybody", True),
        ({}, "land", "", False),
        (NAMED, "gis", "maps", True),
        (NAMED, "", "maps", True),
        (NAMED, "gis", "rest", True),
        (NAMED, "land", "maps", False),
        (NAMED, "gis", "", False),
        (NAMED, "gis", "gw1", False),
        ({"maps": ["land"]}, "gis", "maps", False),
    ],
)
def test_who_may_answer_for_gis(named: dict[str, list[str]], app_id: str, user: str, may: bool) -> None:  # noqa: FBT001 - a table
    assert Answerers(named).may("gis", Message(app_id=app_id, user=user)) is may
