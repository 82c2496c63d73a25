"""What happened to a transaction, in words: one text for the command line and for HTTP, in Vietnamese and English."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, get_args

from lgsp.ledger.row import Row

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Words = dict[Language, str]

_OUTCOMES: dict[str, Words] = {
    "open": {"vi": "đang xử lý, chưa có kết quả", "en": "under way, without an outcome yet"},
    "ok": {"vi": "thành công", "en": "answered"},
    "business_fault": {
        "vi": 'trả lời hợp lệ nhưng là "không" theo nghiệp vụ (ví dụ: không tìm thấy)',
        "en": 'a well-formed "no" (no such record, for instance)',
    },
    "rejected": {"vi": "bị từ chối vì yêu cầu của hệ thống khai thác", "en": "refused, for something of the caller's"},
    "provider_error": {"vi": "hệ thống cung cấp hoặc bộ kết nối gặp lỗi", "en": "the provider or its connector failed"},
    "timeout": {"vi": "không có trả lời trong thời hạn", "en": "no answer within the time allowed"},
    "unreachable": {"vi": "không kết nối được hệ thống cung cấp", "en": "the provider could not be reached"},
    "blocked": {"vi": "hệ thống khai thác bị chặn", "en": "the consumer was blocked"},
    "bus_error": {"vi": "lỗi của trục tích hợp", "en": "the bus or the gateway failed"},
}
_REASONS: dict[str, Words] = {
    "bad_reply": {"vi": "trả lời của bộ kết nối không đọc được", "en": "the connector's reply cannot be read"},
    "budget_spent": {"vi": "hết thời gian chờ của dịch vụ", "en": "the service's time was up"},
    "bus_blocked": {"vi": "máy chủ hàng đợi tạm không nhận", "en": "the broker took nothing at the moment"},
    "bus_unavailable": {"vi": "không kết nối được máy chủ hàng đợi", "en": "the broker could not be reached"},
    "conflict": {
        "vi": "Idempotency-Key đã dùng cho một yêu cầu khác",
        "en": "the Idempotency-Key stands for another request",
    },
    "connector_exception": {"vi": "bộ kết nối phát sinh lỗi", "en": "the connector raised an error"},
    "connector_lost": {"vi": "bộ kết nối bị mất khi đang xử lý", "en": "the connector was lost with the request"},
    "gave_up": {
        "vi": "đã thử lại đủ số lần; nội dung được giữ lại để gửi lại",
        "en": "tried as often as allowed; its body is parked and can be requeued",
    },
    "gateway_crash": {
        "vi": "cổng bị dừng đột ngột khi giao dịch đang xử lý; yêu cầu có thể đã được thực hiện",
        "en": "the gateway died while it was under way; it may have been carried out",
    },
    "max_age": {
        "vi": "quá thời hạn lưu tối đa; nội dung được giữ lại để gửi lại",
        "en": "no end within its maximum age; its body is parked and can be requeued",
    },
    "not_recorded": {"vi": "bản ghi không có lời gọi này", "en": "the capture that answers has no such call"},
    "overloaded": {"vi": "cổng hoặc hàng đợi quá tải", "en": "the gateway or the service's queue was full"},
    "poison": {
        "vi": "bộ kết nối hỏng mỗi lần nhận yêu cầu này",
        "en": "connectors broke down over it again and again",
    },
    "provider_down": {"vi": "hệ thống cung cấp không hoạt động", "en": "the provider was down"},
    "provider_overloaded": {
        "vi": "hệ thống cung cấp quá tải",
        "en": "the provider's workers were busy and its line full",
    },
    "provider_throttled": {"vi": "vượt hạn mức của hệ thống cung cấp", "en": "more calls than the provider allows"},
    "provider_fault": {"vi": "hệ thống cung cấp báo lỗi", "en": "the provider reported an error"},
    "service_busy": {
        "vi": "quá nhiều lời gọi dịch vụ này đang chờ",
        "en": "too many calls of the service were under way",
    },
    "service_blocked": {"vi": "dịch vụ đang bị khoá", "en": "the service was disabled"},
    "shutting_down": {"vi": "cổng đang dừng", "en": "the gateway was going down"},
    "subscription_blocked": {"vi": "đăng ký bị khoá", "en": "the subscription was blocked"},
    "subscription_inactive": {"vi": "đăng ký chưa duyệt", "en": "the subscription was not approved yet"},
    "suspended": {"vi": "dịch vụ đang tạm dừng", "en": "the service was suspended"},
    "throttled": {"vi": "vượt hạn mức gọi", "en": "more calls than allowed"},
    "throttled_in_flight": {
        "vi": "quá nhiều lời gọi của hệ thống khai thác đang chờ",
        "en": "too many calls of the consumer were under way",
    },
    "unconfirmed": {
        "vi": "máy chủ hàng đợi không xác nhận; yêu cầu có thể đã được thực hiện",
        "en": "the broker never confirmed it; it may have been carried out",
    },
    "unroutable": {"vi": "không có bộ kết nối nào phục vụ", "en": "nobody served the service"},
}
_SEGMENTS: dict[str, Words] = {
    "": {"vi": "không ai", "en": "nobody's"},
    "caller": {"vi": "hệ thống khai thác", "en": "the caller's"},
    "gateway": {"vi": "cổng tích hợp", "en": "the gateway's"},
    "bus": {"vi": "trục (hàng đợi)", "en": "the bus's"},
    "connector": {"vi": "bộ kết nối", "en": "the connector's"},
    "provider": {"vi": "hệ thống cung cấp", "en": "the provider's"},
}
_LABELS: dict[str, Words] = {
    "transaction": {"vi": "Giao dịch", "en": "Transaction"},
    "replay": {"vi": "phát lại", "en": "replayed"},
    "forced": {"vi": "kết quả do người kiểm thử chọn", "en": "outcome chosen by a tester"},
    "service": {"vi": "Dịch vụ", "en": "Service"},
    "consumer": {"vi": "Hệ thống khai thác", "en": "Consumer"},
    "accepted": {"vi": "Tiếp nhận", "en": "Accepted"},
    "outcome": {"vi": "Kết quả", "en": "Outcome"},
    "reason": {"vi": "Lý do", "en": "Reason"},
    "fault": {"vi": "Lỗi thuộc về", "en": "Fault"},
    "took": {"vi": "Thời gian", "en": "Time"},
    "gateway": {"vi": "cổng", "en": "gateway"},
    "queue": {"vi": "chờ hàng đợi", "en": "queue"},
    "connector": {"vi": "bộ kết nối", "en": "connector"},
    "provider": {"vi": "hệ thống cung cấp", "en": "provider"},
    "back": {"vi": "đường về", "en": "way back"},
    "untold": {"vi": "không bộ kết nối nào báo lại", "en": "no connector told where it went"},
    "attempts": {"vi": "Số lần gửi", "en": "Attempts"},
    "request": {"vi": "yêu cầu", "en": "request"},
    "reply": {"vi": "trả lời", "en": "reply"},
}  # fmt: skip


def tell(row: Row, language: Language) -> str:
    """Everything the ledger knows of a transaction, in lines that a person reads."""
    say = {name: words[language] for name, words in _LABELS.items()}
    outcome = str(row.outcome or "open")
    marks = [say["replay"]] * (row.origin == "replay") + [say["forced"]] * row.is_forced
    lines = [
        _title(say["transaction"], row.id, marks),
        f"{say['service']}: {row.kind[0]} · {row.kind[1]}",
        f"{say['consumer']}: {row.kind[2] or '-'}",
        f"{say['accepted']}: {moment(row.accepted_us)}",
        f"{say['outcome']}: {_OUTCOMES[outcome][language]} ({outcome})",
    ]
    if row.reason:
        told = _REASONS.get(row.reason)
        lines.append(f"{say['reason']}: {f'{told[language]} ({row.reason})' if told else row.reason}")
    if row.is_ended:
        lines.append(f"{say['fault']}: {_SEGMENTS[row.fault][language]}")
        lines.append(f"{say['took']}: {_ms(row.took_us)} = {_parts(row, say)}")
        status = f" · HTTP {row.status}" if row.status else ""
        sizes = f"{say['request']} {row.request_bytes} B · {say['reply']} {row.reply_bytes} B"
        lines.append(f"{say['attempts']}: {row.attempts} · {sizes}{status}")
    return "\n".join(lines)


def describe(row: Row) -> dict[str, object]:
    """The same for programs, the text in both languages with it."""
    times = row.times
    return {
        "id": row.id,
        "sequence": row.sequence or None,
        "service": row.kind[0],
        "operation": row.kind[1],
        "consumer": row.kind[2],
        "accepted_at": moment(row.accepted_us),
        "outcome": str(row.outcome or "open"),
        "reason": row.reason,
        "fault": row.fault,
        "took_ms": row.took_us / 1000 if row.is_ended else None,
        "times_ms": times
        and {
            "gateway": times.gateway / 1000,
            "queue": times.queue / 1000,
            "connector": times.connector / 1000,
            "provider": times.provider / 1000,
            "back": times.back / 1000,
        },
        "status": row.status or None,
        "attempts": row.attempts,
        "request_bytes": row.request_bytes,
        "reply_bytes": row.reply_bytes,
        "origin": row.origin,
        "forced": row.is_forced,
        "text": {language: tell(row, language) for language in LANGUAGES},
    }


def moment(us: int) -> str:
    """A moment in UTC, to the millisecond."""
    return f"{datetime.fromtimestamp(us // 1_000_000, UTC):%Y-%m-%dT%H:%M:%S}.{us // 1000 % 1000:03d}Z"


def _title(word: str, transaction: str, marks: list[str]) -> str:
    return f"{word} {transaction} ({', '.join(marks)})" if marks else f"{word} {transaction}"


def _parts(row: Row, say: dict[str, str]) -> str:
    times = row.times
    if times is None:
        return say["untold"]
    parts = ("gateway", "queue", "connector", "provider", "back")
    return " + ".join(f"{say[part]} {_ms(getattr(times, part))}" for part in parts)


def _ms(us: int) -> str:
    return f"{us / 1000:.1f} ms" if us < 1_000_000 else f"{us / 1_000_000:.2f} s"
