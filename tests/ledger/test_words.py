from __future__ import annotations

from pathlib import Path

from builders import a_transaction
from ledgers import START, a_ledger, asked, fail

from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader
from lgsp.ledger.row import SEGMENT_CODE, Row, ended_of, opened_of
from lgsp.ledger.words import LANGUAGES, describe, moment, tell
from lgsp.model import Outcome


async def test_a_failure_is_told_in_both_languages(tmp_path: Path) -> None:
    request = asked(consumer="so-tu-phap", body=b"12345")
    async with a_ledger(tmp_path) as ledger:
        await fail(ledger, request, Outcome.PROVIDER_ERROR, "bad_reply")
    (row,) = Reader(Files(tmp_path, "gw1")).find(request.id)
    assert tell(row, "en").splitlines() == [
        f"Transaction {request.id}",
        "Service: svc · GET /x",
        "Consumer: so-tu-phap",
        "Accepted: 2023-05-24T00:00:00.000Z",
        "Outcome: the provider or its connector failed (provider_error)",
        "Reason: the connector's reply cannot be read (bad_reply)",
        "Fault: the connector's",
        "Time: 100.0 ms = gateway 2.0 ms + queue 8.0 ms + connector 2.0 ms + provider 80.0 ms + way back 8.0 ms",
        "Attempts: 1 · request 5 B · reply 6 B · HTTP 502",
    ]
    assert tell(row, "vi").splitlines() == [
        f"Giao dịch {request.id}",
        "Dịch vụ: svc · GET /x",
        "Hệ thống khai thác: so-tu-phap",
        "Tiếp nhận: 2023-05-24T00:00:00.000Z",
        "Kết quả: hệ thống cung cấp hoặc bộ kết nối gặp lỗi (provider_error)",
        "Lý do: trả lời của bộ kết nối không đọc được (bad_reply)",
        "Lỗi thuộc về: bộ kết nối",
        "Thời gian: 100.0 ms = cổng 2.0 ms + chờ hàng đợi 8.0 ms + bộ kết nối 2.0 ms + hệ thống cung cấp 80.0 ms + đường về 8.0 ms",
        "Số lần gửi: 1 · yêu cầu 5 B · trả lời 6 B · HTTP 502",
    ]
    told = describe(row)
    assert told["times_ms"] == {"gateway": 2.0, "queue": 8.0, "connector": 2.0, "provider": 80.0, "back": 8.0}
    assert told["text"] == {language: tell(row, language) for language in LANGUAGES}


def test_every_outcome_and_an_open_one_can_be_told() -> None:
    for outcome in Outcome:
        request = asked(origin="replay", force="outcome=ok")
        row = Row(
            1,
            ("svc", "GET /x", ""),
            opened_of(request, 1, START, b"k") + ended_of(a_transaction(outcome, request=request, reply=None)),
        )
        for language in LANGUAGES:
            assert f"({outcome})" in tell(row, language)
        assert tell(row, "en").startswith(f"Transaction {request.id} (replayed, outcome chosen by a tester)")
        assert row.fault in SEGMENT_CODE
    row = Row(0, ("svc", "GET /x", ""), opened_of(asked(), 1, START, b"k"))
    assert tell(row, "en").splitlines()[-1] == "Outcome: under way, without an outcome yet (open)"


def test_a_word_nobody_knows_is_told_as_it_is() -> None:
    row = Row(
        1,
        ("svc", "GET /x", ""),
        opened_of(asked(), 1, START, b"k") + ended_of(a_transaction(Outcome.REJECTED, reason="quota")),
    )
    assert "Reason: quota" in tell(row, "en")


def test_a_moment_is_told_to_the_millisecond() -> None:
    assert moment(1_684_886_400_999_999) == "2023-05-24T00:00:00.999Z"
