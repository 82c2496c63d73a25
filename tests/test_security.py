from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_threat_has_a_line_and_every_line_a_test_that_there_is() -> None:
    rows = re.findall(r"(?m)^\| (\d+) \|[^|]+\|[^|]+\| `([\w/.]+)::(\w+)` \|", PAGE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 21))
    for _, file, name in rows:
        assert re.search(rf"def {name}\(", (REPOSITORY / file).read_text(encoding="utf-8")), f"{file}::{name}"
