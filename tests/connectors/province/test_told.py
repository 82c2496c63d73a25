from __future__ import annotations

from datetime import date, datetime

import connectors
from connectors.province.intake import day_of
from connectors.province.told import told

DAY = date(2023, 4, 18)
NOON, LATER = datetime(2023, 4, 18, 12), datetime(2026, 1, 1)  # noqa: DTZ001 - local time


def test_every_table_adds_up_to_the_days_intake() -> None:
    tables = {table.name: table for table in told(DAY, DAY, LATER)}
    assert list(tables) == ["dossiers", "dossier_states", "desks", "index_766"]
    whole = day_of(DAY).total
    for name, column in (("dossiers", 1), ("dossier_states", 1), ("desks", 2)):
        total = tables[name].total
        assert total is not None
        assert sum(int(row[column]) for row in tables[name].rows) == total[column] == whole  # type: ignore[arg-type]
    assert [sum(int(n) for n in row[2:]) for row in tables["dossiers"].rows] == [
        row[1] for row in tables["dossiers"].rows
    ]  # type: ignore[arg-type]
    remarks = {row[0]: row[6] for row in tables["index_766"].rows}
    assert remarks["4.3"] == ("không có công thức công bố", "no formula is public")
    assert remarks["2.1"] is None


def test_what_has_not_come_yet_is_not_told() -> None:
    until_noon = told(DAY, DAY, NOON)[0].total
    assert until_noon is not None
    assert 0 < int(until_noon[1]) < day_of(DAY).total  # type: ignore[arg-type]
    assert told(date(2022, 5, 1), date(2022, 5, 2), LATER) == []
    assert told(date(2030, 5, 1), date(2030, 5, 2), NOON) == []


def test_a_report_gets_it_for_a_moment_since_the_epoch() -> None:
    assert connectors.tell(DAY, DAY, 1_681_794_000.0)[0].total == told(DAY, DAY, NOON)[0].total
