from __future__ import annotations

import pytest
from tallies import a_report

from lgsp.monitoring.report.document import Cell, Language, Sort, in_words


@pytest.mark.parametrize(
    ("cell", "sort", "vi", "en"),
    [
        (None, "count", "–", "–"),
        (225_500_000, "count", "225.500.000", "225,500,000"),
        (0.99, "percent", "99,00%", "99.00%"),
        (1, "percent", "100,00%", "100.00%"),
        (9.94, "milliseconds", "9,9", "9.9"),
        (1234.5, "milliseconds", "1.234", "1,234"),
        (999, "bytes", "999 B", "999 B"),
        (1_500_000, "bytes", "1,5 MB", "1.5 MB"),
        ("2023-05-24T09:00", "hour", "09:00 24/05/2023", "2023-05-24 09:00"),
        ("2023-05-24", "day", "24/05/2023", "2023-05-24"),
        (True, "yes", "có", "yes"),
        (False, "yes", "không", "no"),
        ("e-office", "text", "e-office", "e-office"),
    ],
)
def test_a_cell_reads_as_its_reader_writes(cell: Cell, sort: Sort, vi: str, en: str) -> None:
    languages: tuple[tuple[Language, str], ...] = (("vi", vi), ("en", en))
    for language, said in languages:
        assert in_words(cell, sort, a_report(language)) == said
