from __future__ import annotations

from pathlib import Path

from connectors.province.desks import POSTS, STATES, state_of
from connectors.province.places import DISTRICTS
from lgsp.traffic.scenario import read_scenario

YARDSTICK = read_scenario(Path(__file__).parents[3] / "config" / "scenarios" / "quang-nam-2023.yaml")


def test_the_desks_stand_as_the_scenario_says() -> None:
    assert YARDSTICK.period
    assert YARDSTICK.period.desks
    said = {name: state for state, names in YARDSTICK.period.desks.states.items() for name in names}
    ours = {
        district.name.split(" ", 1)[1].removeprefix("phố ").removeprefix("xã "): state_of(district.code)
        for district in DISTRICTS
    }
    assert ours == said
    assert len(ours) == len(POSTS) == 18
    assert sum(len(districts) for _, districts in STATES.values()) == 18
