from __future__ import annotations

from contextlib import closing
from pathlib import Path

from lgsp.ledger import schema


def test_a_table_or_index_that_this_version_does_not_make_is_strange(tmp_path: Path) -> None:
    with closing(schema.connect(tmp_path / "ledger.sqlite", readonly=False)) as db:
        schema.prepare(db)
        schema.add_month(db, "2026_11")
        assert schema.strange(db) == []
        db.execute("CREATE TABLE intruder (a)")
        db.execute("DROP INDEX outbox_state")
        assert schema.strange(db) == ["intruder", "outbox_state"]
