"""What the console says, in Vietnamese and English."""

from __future__ import annotations

from lgsp.ledger.words import LANGUAGES, Language

__all__ = ["LANGUAGES", "Language", "phrases", "speaks"]

_PHRASES: dict[str, tuple[str, str]] = {
    "lang": ("vi", "en"),
    "title": ("LGSP · Bàn điều hành", "LGSP · Console"),
    "noscript": (
        "Trang này cần JavaScript; không có thì xem",
        "This page needs JavaScript; without it there are",
    ),
    "gateway": ("Cổng", "Gateway"),
    "only-this": ("chỉ số liệu của cổng này", "this gateway's own figures only"),
    "connecting": ("đang kết nối", "connecting"),
    "live": ("trực tiếp", "live"),
    "frozen": ("tạm dừng", "frozen"),
    "stale": ("số liệu cũ", "stale"),
    "stale-since": ("mất kết nối {0}, đang thử lại", "no word for {0}, trying again"),
    "back": ("đã kết nối lại; {0} giao dịch trong lúc gián đoạn", "connected again; {0} transactions meanwhile"),
    "age": ("tuổi số liệu", "data age"),
    "per-second": ("giao dịch/giây", "transactions/s"),
    "last-minutes": ("2 phút gần nhất", "last 2 minutes"),
    "today": ("Hôm nay", "Today"),
    "since-january": ("Từ 1 tháng 1", "Since 1 January"),
    "official": ("thành công chính thức", "official success"),
    "of": ("trên", "of"),
    "sli": ("SLI 5 phút", "SLI, 5 min"),
    "sli-short": ("SLI", "SLI"),
    "p95": ("p95, 1 phút", "p95, 1 min"),
    "median": ("trung vị {0}", "median {0}"),
    "open": ("Đang xử lý", "In hand"),
    "open-more": ("đã nhận, chưa có kết quả", "accepted, no outcome yet"),
    "burning-head": ("Dịch vụ báo động", "Services burning"),
    "below-head": ("{0} dưới mục tiêu", "{0} below objective"),
    "bus": ("Trục", "Bus"),
    "bus-memory": ("trục nhúng", "embedded"),
    "bus-rabbitmq": ("RabbitMQ", "RabbitMQ"),
    "works": ("hoạt động", "working"),
    "trouble": ("có trục trặc", "in trouble"),
    "ledger": ("Sổ giao dịch", "Ledger"),
    "row": ("dòng {0}", "row {0}"),
    "verified": ("kiểm tra {0} trước", "verified {0} ago"),
    "never-verified": ("chưa kiểm tra", "not verified yet"),
    "verify-failed": ("KIỂM TRA THẤY SAI", "VERIFICATION FAILED"),
    "simulated-past": (
        "+ {0} lượt mô phỏng ({1} – {2}), không tính vào số liệu trên",
        "+ {0} synthetic ({1} – {2}), not part of these figures",
    ),
    "moved-past": (
        "+ {0} lượt mô phỏng ({1} – {2}), chuyển từ năm {3}, không tính vào số liệu trên",
        "+ {0} synthetic ({1} – {2}), moved from {3}, not part of these figures",
    ),
    "days": ("28 ngày", "28 days"),
    "days-more": (
        "Lượt gọi theo ngày: gạch chéo là mô phỏng, đặc là thật, vạch đứng là ranh giới",
        "Calls a day: hatched is synthetic, solid is real, the upright line is the seam",
    ),
    "day-told": ("{0}: {1} thật, {2} mô phỏng", "{0}: {1} real, {2} synthetic"),
    "map": ("Dòng giao dịch", "Flow"),
    "map-more": (
        "Độ dày là lưu lượng; hình và màu là trạng thái; con số là thời gian chờ trong hàng đợi (p95)",
        "Width is rate; shape and colour are state; the number is the wait in the queue (p95)",
    ),
    "consumers": ("Khai thác", "Consumers"),
    "others": ("các hệ thống khác", "others"),
    "central": ("Trung ương", "Central"),
    "provincial": ("Địa phương", "Provincial"),
    "queues": ("Hàng đợi", "Queues"),
    "providers": ("Cung cấp", "Providers"),
    "services": ("Dịch vụ", "Services"),
    "services-more": ("xấu nhất ở trên", "worst first"),
    "service": ("Dịch vụ", "Service"),
    "state": ("Trạng thái", "State"),
    "rate": ("lượt/s", "calls/s"),
    "peak": ("cao nhất", "max today"),
    "objective": ("mục tiêu", "objective"),
    "left": ("ngân sách lỗi còn", "budget left"),
    "lasts": ("còn dùng được", "lasts"),
    "p50-col": ("p50", "p50"),
    "p95-col": ("p95", "p95"),
    "wait": ("chờ hàng", "queue wait"),
    "open-col": ("đang xử lý", "in hand"),
    "last": ("lần tốt cuối", "last success"),
    "last-more": (
        "Lần thành công chính thức gần nhất, kể từ khi cổng khởi động",
        "The last official success since the gateway started",
    ),
    "year": ("năm nay", "this year"),
    "left-more": (
        "Phần còn lại của ngân sách lỗi tháng này, theo sổ giao dịch",
        "What is left of this month's error budget, by the ledger",
    ),
    "lasts-more": ("Với tốc độ lỗi của giờ qua", "At the pace of the last hour"),
    "down": ("ngừng", "down"),
    "burning": ("báo động", "burning"),
    "below": ("dưới mục tiêu", "below"),
    "few": ("ít lượt gọi", "too few"),
    "well": ("tốt", "well"),
    "quiet": ("không có gọi", "no calls"),
    "off": ("tắt", "off"),
    "no-data": ("không có số liệu", "no data"),
    "failures": ("Giao dịch lỗi", "Failures"),
    "failures-more": ("50 gần nhất", "the last 50"),
    "no-failures": ("Chưa có lỗi nào kể từ khi cổng khởi động.", "No failure since the gateway started."),
    "pause": ("Tạm dừng", "Pause"),
    "resume": ("Chạy tiếp", "Resume"),
    "time": ("Lúc", "Time"),
    "outcome": ("Kết quả", "Outcome"),
    "at-fault": ("Lỗi thuộc về", "At fault"),
    "took": ("Thời gian", "Took"),
    "reason": ("Lý do", "Reason"),
    "consumer": ("Khai thác", "Consumer"),
    "transaction": ("Giao dịch", "Transaction"),
    "ok": ("thành công", "answered"),
    "business_fault": ("không theo nghiệp vụ", "business no"),
    "rejected": ("bị từ chối", "rejected"),
    "provider_error": ("bên cung cấp lỗi", "provider error"),
    "timeout": ("quá hạn", "timeout"),
    "unreachable": ("không kết nối được", "unreachable"),
    "bus_error": ("lỗi trục", "bus error"),
    "segment-": ("không ai", "nobody"),
    "segment-caller": ("bên gọi", "caller"),
    "segment-gateway": ("cổng", "gateway"),
    "segment-bus": ("hàng đợi", "bus"),
    "segment-connector": ("bộ kết nối", "connector"),
    "segment-provider": ("bên cung cấp", "provider"),
    "part-0": ("cổng", "gateway"),
    "part-1": ("hàng đợi", "queue"),
    "part-2": ("bộ kết nối", "connector"),
    "part-3": ("bên cung cấp", "provider"),
    "part-4": ("đường về", "way back"),
    "untold": ("không rõ từng chặng", "no connector told where it went"),
    "faults": ("Sự cố chủ động", "Faults"),
    "faults-more": ("{0} đang diễn ra", "{0} under way"),
    "no-faults": ("Không có sự cố chủ động nào.", "No fault is under way."),
    "kind": ("Loại", "Kind"),
    "value": ("Giá trị", "Value"),
    "for": ("Trong (giây)", "For (s)"),
    "inject": ("Gây sự cố", "Inject"),
    "stop": ("Dừng", "Stop"),
    "stop-all": ("Dừng tất cả", "Stop all"),
    "ends-in": ("còn {0}", "{0} left"),
    "never-ends": ("không hạn", "no end"),
    "need-link": (
        "Chỉ xem. Muốn gây sự cố: mở liên kết mà lgsp up in ra khi khởi động.",
        "Reading only. To inject, open the link that lgsp up prints at its start.",
    ),
    "refused": ("không được: {0}", "refused: {0}"),
    "find": ("Tìm giao dịch", "Find a transaction"),
    "find-hint": ("mã giao dịch hoặc mã yêu cầu của bên gọi", "its id, or the caller's own request id"),
    "find-none": (
        "Không có giao dịch nào mang mã này ở cổng này.",
        "No transaction has that id here, and no caller knows one by it.",
    ),
    "search": ("Tìm kiếm", "Search"),
    "exchanges": ("Trao đổi", "Exchanges"),
    "exchanges-hint": (
        "Nguyên văn yêu cầu và trả lời, mới nhất ở trên; chỉ có trên trục yên tĩnh (lgsp up --calm).",
        "Requests and replies as they were, the newest first; on a calm bus only (lgsp up --calm).",
    ),
    "exchanges-found": ("{0} trao đổi", "exchanges: {0}"),
    "exchanges-none": ("Chưa có trao đổi nào.", "Nothing was exchanged yet."),
    "exchange-closed": (
        "Dịch vụ này hỏi hệ thống thật, nội dung có thể là dữ liệu cá nhân: mở bằng liên kết quản trị mà lgsp up in ra.",
        "This service asks a real system, so this may be about real people: come with the admin link that lgsp up prints.",
    ),
    "wrong-field": ("sai ở trường", "wrong field"),
    "request": ("Yêu cầu", "Request"),
    "reply": ("Trả lời", "Reply"),
    "no-reply": ("Không có trả lời.", "There was no reply."),
    "search-title": ("Tìm giao dịch", "Transactions"),
    "from": ("Từ", "From"),
    "to": ("Đến", "To"),
    "time-hint": ("30m, 2h, 7d hoặc 2026-05-24T08:00 (UTC)", "30m, 2h, 7d or 2026-05-24T08:00 (UTC)"),
    "any": ("tất cả", "any"),
    "limit": ("Tối đa", "At most"),
    "found": ("{0} giao dịch", "found: {0}"),
    "found-most": ("{0} giao dịch mới nhất; thu hẹp để thấy phần còn lại", "the newest {0}; narrow it to see the rest"),
    "none-found": ("Không có giao dịch nào phù hợp.", "No transaction fits."),
    "accepted": ("Tiếp nhận (UTC)", "Accepted (UTC)"),
    "operation": ("Thao tác", "Operation"),
    "is-open": ("đang xử lý", "under way"),
    "close": ("Đóng", "Close"),
    "hour": ("Một giờ qua", "The last hour"),
    "hour-calls": ("lượt gọi mỗi giây", "calls a second"),
    "hour-failed": ("lỗi mỗi giây", "failures a second"),
    "hour-p95": ("p95, giây", "p95, seconds"),
    "spread": ("Phân bố thời gian, 1 phút", "Durations, last minute"),
    "slowest": ("Chậm nhất trong giờ qua", "Slowest of the last hour"),
    "nothing-yet": ("Chưa có lượt gọi nào.", "No calls yet."),
    "all-of": ("Mọi giao dịch của dịch vụ này", "All transactions of this service"),
    "owner": ("Cơ quan cung cấp", "Provider"),
    "route": ("Đường kết nối", "Route"),
    "mode": ("Chế độ", "Mode"),
    "timeout-set": ("Thời hạn", "Time allowed"),
    "mark-fault": ("sự cố chủ động", "fault"),
    "never": ("chưa", "never"),
    "ago": ("{0} trước", "{0} ago"),
    "now": ("vừa xong", "now"),
    "keys": (
        "/ tìm · ↑↓ chọn · Enter mở · Esc đóng · P dừng hình · L English · T sáng/tối",
        "/ find · ↑↓ select · Enter open · Esc close · P freeze · L Tiếng Việt · T light/dark",
    ),
    "other-language": ("English", "Tiếng Việt"),
    "theme": ("Sáng/tối", "Light/dark"),
    "console": ("Bàn điều hành", "Console"),
    "whole": ("hết hạn mức", "spent"),
    "unit-d": ("ngày", "d"),
    "unit-h": ("giờ", "h"),
    "unit-min": ("phút", "min"),
    "unit-s": ("giây", "s"),
    "for-ever": ("không hao", "no burn"),
    "became": ("{0}: {1} → {2}", "{0}: {1} → {2}"),
}


def phrases(language: Language) -> dict[str, str]:
    """Every phrase in one language."""
    place = LANGUAGES.index(language)
    return {name: both[place] for name, both in _PHRASES.items()}


def speaks(wanted: str, accept: str) -> Language:
    """The language that is wanted, else the first of ours that an `Accept-Language` prefers; Vietnamese where it says nothing."""
    for language in LANGUAGES:
        if wanted == language:
            return language
    best: tuple[float, Language] = (0.0, LANGUAGES[0])
    for each in accept.split(","):
        tag, _, quality = each.partition(";")
        for language in LANGUAGES:
            if tag.strip().lower().partition("-")[0] == language and _quality(quality) > best[0]:
                best = (_quality(quality), language)
    return best[1]


def _quality(text: str) -> float:
    """The weight of `;q=0.8`: 1 where none is given, 0 where it is none."""
    if not text.strip():
        return 1.0
    try:
        return float(text.strip().removeprefix("q="))
    except ValueError:
        return 0.0
