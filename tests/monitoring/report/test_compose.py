from __future__ import annotations

from typing import Any

import pytest
from tallies import MAY, a_proof, a_report, an_about, some_figures

from lgsp.monitoring.report.compose import Standing
from lgsp.monitoring.report.document import Document, Section
from lgsp.monitoring.report.figures import Source, figures


def texts(document: Document, name: str) -> str:
    return "\n".join(str(block) for section in document.sections if section.name == name for block in section.blocks)


def test_the_headline_is_the_provinces() -> None:
    said = a_report("vi").lead
    assert said[1] == (
        "Từ ngày 23/05/2023 đến ngày 24/05/2023, 4 dịch vụ trên LGSP phát sinh 1.712 giao dịch, tỷ lệ thành công 97,5%: "
        "1.670 giao dịch thành công, 42 giao dịch không thành công."
    )
    assert said[2] == (
        "Bình quân 856 giao dịch mỗi ngày. Ngày cao nhất là 23/05/2023 với 1.685 giao dịch; "
        "giờ cao nhất bắt đầu lúc 00:00 23/05/2023 với 900 giao dịch."
    )
    assert said[3] == "So với 2 ngày liền trước (21/05/2023 đến 22/05/2023, 856 giao dịch): tăng 100,0%."
    assert "50.0% fewer" in a_report("en", some_figures(before=3424)).lead[3]
    assert "nothing on record" in a_report("en", some_figures(before=None)).lead[3]


def test_every_table_of_transactions_adds_up_to_the_headline() -> None:
    document = a_report()
    adding = [table for table in document.tables if "official_success" in {column.key for column in table.columns}]
    assert [table.name for table in adding] == ["services", "owners", "tiers", "routes", "consumers", "months"]
    for table in adding:
        assert table.total is not None
        for number, column in enumerate(table.columns):
            if column.sort == "count":
                assert sum(int(row[number] or 0) for row in table.rows) == table.total[number], (table.name, column.key)
        assert table.total[[column.key for column in table.columns].index("total")] == document.facts["total"] == 1712
    by_name = {table.name: table for table in document.tables}
    for name in ("causes", "faults"):
        total = by_name[name].total
        assert total is not None
        assert sum(int(row[1] or 0) for row in by_name[name].rows) == total[1] == 42


def test_what_is_synthetic_is_said_at_once_and_in_every_line() -> None:
    assert a_report().banner == [
        "PARTLY SYNTHETIC: 712 of 1,712 transactions are simulated; the column “synthetic” says where."
    ]
    whole = figures(MAY, [Source("past", synthetic=True, tally=some_figures().synthetic)])
    assert (
        "all 712 transactions are simulated, moved by 21 days from 2023"
        in a_report("en", whole, a_proof(past=an_about(moved_days=21))).banner[0]
    )
    live = figures(MAY, [Source("gw1", synthetic=False, tally=some_figures().whole)])
    assert a_report("en", live).banner == []
    services = next(table for table in a_report().tables if table.name == "services")
    assert {row[0]: row[-1] for row in services.rows} == {
        "e-office": 700, "population": 0, "gone-service": 7, "tthc-dossiers": 5,
    }  # fmt: skip


def test_the_worst_hours_with_what_happened_then() -> None:
    worst = next(table for table in a_report().tables if table.name == "worst_hours")
    assert worst.rows == [
        ["2023-05-23T09:00", 25, pytest.approx(25 / 785, abs=1e-6), "e-office", None],
        ["2023-05-24T23:00", 10, 0.5, "population", "Trouble"],
        ["2023-05-24T10:00", 7, 1.0, "gone-service", "Trouble"],
    ]


def test_objectives_durations_and_last_successes() -> None:
    tables = {table.name: table for table in a_report().tables}
    keys = [column.key for column in tables["services"].columns]
    met = {row[0]: (row[keys.index("objective")], row[keys.index("objective_met")]) for row in tables["services"].rows}
    assert met == {
        "e-office": (0.99, False), "population": (0.97, True), "gone-service": (None, None), "tthc-dossiers": (0.99, False),
    }  # fmt: skip
    durations = {row[0]: row[1:] for row in tables["durations"].rows}
    assert durations["population"] == [100.0, 100.0, 100.0, 100.0, 100.0, 200, 400, "2023-05-24T23:00"]
    assert durations["tthc-dossiers"][-3:] == [None, None, None]


def test_it_says_what_is_missing() -> None:
    proof = a_proof(unread=[("gw2", "is damaged")])
    document = a_report("en", some_figures(left_out=9), proof, standing=Standing(still_open=3, is_over=False))
    said = texts(document, "missing")
    for sentence in (
        "The ledger of gateway gw2 could not be read: is damaged",
        "The period is not over: its figures still change.",
        "44 of the period's 48 hours have no transaction on record.",
        "Without any transaction: business-registration, ",
        "With transactions, but no longer in the catalogue: gone-service.",
        "9 synthetic transactions fall into a time that a live ledger has: they are left out.",
        "3 transactions were under way",
    ):
        assert sentence in said, sentence
    assert document.facts["missing"] == said.split("\n")


def test_streams_and_places_come_with_their_sums() -> None:
    tables = {table.name: table for table in a_report("vi").tables}
    assert [[*list(row)[:2], row[4]] for row in tables["streams"].rows] == [
        ["Hồ sơ", "Cấp tỉnh", 30], ["Hồ sơ", "district", 70], ["Hồ sơ", "Tổng số", 100],
    ]  # fmt: skip
    assert tables["places"].rows == [["complete", 2, "Nông Sơn, Hiệp Đức"]]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "lgsp report --check 12"),
        ({"problems": ["row 7 was changed"]}, "NO EVIDENCE"),
        ({"unread": [("gw2", "gone")]}, "NO EVIDENCE"),
        ({"is_checked": False}, "NOT CHECKED"),
    ],
)
def test_the_line_that_can_be_checked_stands_where_everything_is_as_it_was_written(
    fields: dict[str, Any], says: str
) -> None:
    document = a_report("en", proof=a_proof(**fields))
    said = texts(document, "evidence")
    assert says in said
    assert ("sha256:1212" in said) is (fields == {})
    evidence = document.facts["evidence"]
    assert isinstance(evidence, dict)
    assert evidence["holds"] is (fields == {})
    assert all(str(problem) in said for problem in fields.get("problems", ()))


def test_a_period_without_transactions_is_a_report_too() -> None:
    document = a_report("vi", figures(MAY, []))
    assert document.lead[1] == "Không có giao dịch nào từ ngày 23/05/2023 đến ngày 24/05/2023."
    assert (document.facts["total"], document.facts["official_success"]) == (0, None)
    assert [section.name for section in document.sections] == ["missing", "evidence"]


def test_others_sections_stand_after_the_streams() -> None:
    document = a_report(annexes=(Section("more", "More", ["something"]),))
    names = [section.name for section in document.sections]
    assert names == ["services", "groups", "failures", "streams", "more", "missing", "evidence"]
