"""What a report says, in Vietnamese and English."""

from __future__ import annotations

from lgsp.model import Outcome
from lgsp.monitoring.report.document import Language

_WORDS: dict[str, tuple[str, str]] = {
    "title": (
        "Báo cáo tình hình khai thác nền tảng tích hợp, chia sẻ dữ liệu (LGSP)",
        "Report on the use of the data-integration bus (LGSP)",
    ),
    "period": ("Từ ngày {first} đến hết ngày {last} ({days} ngày, múi giờ {zone})", "{first} to {last}, both included ({days} days, {zone})"),
    "headline": (
        "Từ ngày {first} đến ngày {last}, {services} dịch vụ trên LGSP phát sinh {total} giao dịch, tỷ lệ thành công {official}: {good} giao dịch thành công, {bad} giao dịch không thành công.",
        "From {first} to {last}, {services} services on the LGSP had {total} transactions with {official} official success: {good} successful, {bad} not.",
    ),
    "pace": (
        "Bình quân {daily} giao dịch mỗi ngày. Ngày cao nhất là {day} với {day_total} giao dịch; giờ cao nhất bắt đầu lúc {hour} với {hour_total} giao dịch.",
        "{daily} transactions a day on average. The busiest day was {day} with {day_total}; the busiest hour began at {hour} with {hour_total}.",
    ),
    "compared": (
        "So với {days} ngày liền trước ({first} đến {last}, {total} giao dịch): {change}.",
        "Against the {days} days before ({first} to {last}, {total} transactions): {change}.",
    ),
    "nothing-before": (
        "So với {days} ngày liền trước ({first} đến {last}): không có số liệu để so sánh.",
        "Against the {days} days before ({first} to {last}): there is nothing on record to compare with.",
    ),
    "nothing": ("Không có giao dịch nào từ ngày {first} đến ngày {last}.", "There were no transactions from {first} to {last}."),
    "all-synthetic": (
        "SỐ LIỆU MÔ PHỎNG: toàn bộ {n} giao dịch là số liệu mô phỏng{moved}, không phải giao dịch thật.",
        "SYNTHETIC: all {n} transactions are simulated{moved}; none of them took place.",
    ),
    "some-synthetic": (
        "CÓ SỐ LIỆU MÔ PHỎNG: {n} trong {total} giao dịch là số liệu mô phỏng{moved}; cột «mô phỏng» ghi rõ ở từng dòng.",
        "PARTLY SYNTHETIC: {n} of {total} transactions are simulated{moved}; the column “synthetic” says where.",
    ),
    "moved": (", dời {days} ngày từ năm {year}", ", moved by {days} days from {year}"),
    "synthetic": ("mô phỏng", "synthetic"),
    "total": ("Tổng số", "Total"),
    "failed": ("không thành công", "failed"),
    "official": ("Thành công", "Official success"),
    "sli": ("SLI", "SLI"),
    "objective": ("Mục tiêu", "Objective"),
    "met": ("Đạt", "Met"),
    "share": ("Tỷ trọng", "Share"),
    "service": ("Dịch vụ", "Service"),
    "owner": ("Cơ quan cung cấp", "Provider"),
    "tier": ("Cấp", "Tier"),
    "route": ("Đường kết nối", "Route"),
    "consumer": ("Hệ thống khai thác", "Consumer"),
    "month": ("Tháng", "Month"),
    "cause": ("Nguyên nhân", "Cause"),
    "whose": ("Lỗi thuộc về", "Whose fault"),
    "hour": ("Giờ bắt đầu", "Hour"),
    "most": ("Nhiều lỗi nhất", "Most of them"),
    "incident": ("Sự kiện", "Incident"),
    "mean": ("Trung bình, ms", "Mean, ms"),
    "max": ("Lâu nhất, ms", "Longest, ms"),
    "asked": ("Dung lượng hỏi", "Bytes asked"),
    "answered": ("Dung lượng trả lời", "Bytes answered"),
    "last": ("Lần thành công cuối (giờ)", "Last success (hour)"),
    "what": ("Nội dung", "What"),
    "part": ("Phân loại", "Part"),
    "from": ("Từ ngày", "From"),
    "to": ("Đến ngày", "To"),
    "count": ("Số lượng", "Count"),
    "state": ("Tình trạng", "State"),
    "names": ("Đơn vị", "Places"),
    "services": ("Theo dịch vụ", "By service"),
    "durations": ("Thời gian trả lời và dung lượng", "Durations and sizes"),
    "groups": ("Theo cơ quan, cấp, hệ thống khai thác, tháng", "By provider, tier, consumer and month"),
    "services-heading": ("Các dịch vụ", "The services"),
    "failures": ("Giao dịch không thành công", "Failures"),
    "owners": ("Theo cơ quan cung cấp", "By provider"),
    "tiers": ("Theo cấp", "By tier"),
    "routes": ("Theo đường kết nối", "By route"),
    "consumers": ("Theo hệ thống khai thác", "By consumer"),
    "months": ("Theo tháng", "By month"),
    "days": ("Giao dịch theo ngày", "Transactions by day"),
    "failed-days": ("Giao dịch không thành công theo ngày", "Failures by day"),
    "causes": ("Theo nguyên nhân", "By cause"),
    "faults": ("Lỗi thuộc về ai", "By whose fault"),
    "worst": ("Năm giờ nhiều lỗi nhất", "The five worst hours"),
    "streams": ("Hồ sơ, phản ánh", "Dossiers and reports of citizens"),
    "systems": ("Các hệ thống mô phỏng: hồ sơ, một cửa, chỉ số 766", "The simulated systems: dossiers, desks, index 766"),
    "missing": ("Thiếu, ước tính, mô phỏng", "What is missing, estimated or synthetic"),
    "evidence": ("Căn cứ", "Evidence"),
    "unknown": ("(không có trong danh mục)", "(not in the catalogue)"),
    "untold": ("(mô phỏng không phân theo hệ thống)", "(the simulation has no consumers)"),
    "nobody": ("(không ghi)", "(not told)"),
    "central": ("Trung ương", "Central"),
    "provincial": ("Tỉnh", "Provincial"),
    "caller": ("Hệ thống khai thác", "The caller"),
    "provider": ("Hệ thống cung cấp", "The provider"),
    "gateway": ("Trục, cổng LGSP", "The bus and its gateway"),
    "yes": ("có", "yes"),
    "no": ("không", "no"),
    "more": ("tăng {change}", "{change} more"),
    "less": ("giảm {change}", "{change} fewer"),
    "no-transactions": ("Không phát sinh giao dịch: {names}.", "Without any transaction: {names}."),
    "not-in-catalogue": ("Có giao dịch nhưng không còn trong danh mục: {names}.", "With transactions, but no longer in the catalogue: {names}."),
    "unreadable": ("Không đọc được sổ của cổng {name}: {problem}", "The ledger of gateway {name} could not be read: {problem}"),
    "empty-hours": ("{n} trong {total} giờ của kỳ không có giao dịch nào trong sổ.", "{n} of the period's {total} hours have no transaction on record."),
    "not-over": ("Kỳ báo cáo chưa kết thúc: số liệu còn thay đổi.", "The period is not over: its figures still change."),
    "left-out": (
        "{n} giao dịch mô phỏng rơi vào thời gian đã có sổ thật: không tính.",
        "{n} synthetic transactions fall into a time that a live ledger has: they are left out.",
    ),
    "still-open": (
        "{n} giao dịch đang xử lý lúc lập báo cáo; mỗi giao dịch được tính vào kỳ mà nó kết thúc, nên tiếp nhận = đã tính + đang xử lý.",
        "{n} transactions were under way when this was written; each counts in the period in which it ends, so accepted = counted + under way.",
    ),
    "percentiles": (
        "p50, p95, p99 đọc từ biểu đồ tần suất theo giờ: cao hơn giá trị thật nhiều nhất 6,3% (sổ thật), 25% (mô phỏng). Giao dịch mô phỏng không có dung lượng.",
        "p50, p95 and p99 are read from hourly histograms: at most 6.3% above the true value (live), 25% (synthetic). What was simulated has no sizes.",
    ),
    "minutes": (
        "Sổ giữ số đếm theo giờ: không ghi số phút ngừng của từng dịch vụ.",
        "The ledger keeps hourly counts: how many minutes a service was down is not on record.",
    ),
    "stream-days": (
        "{title}: chỉ có số liệu từ {first} đến {last}.",
        "{title}: on record from {first} to {last} only.",
    ),
    "synthetic-streams": ("Số liệu ở mục này lấy từ kịch bản {scenario}.", "The numbers of this section come from the scenario {scenario}."),
    "definition": (
        "Thành công = (ok + business_fault) / tất cả: câu trả lời «không tìm thấy» đúng mẫu là giao dịch thành công. SLI = 1 − (provider_error + timeout + unreachable + bus_error) / (tất cả − rejected).",
        "Official success = (ok + business_fault) / all: a well-formed “not found” is a successful transaction. SLI = 1 − (provider_error + timeout + unreachable + bus_error) / (all − rejected).",
    ),
    "account": (
        "Sổ {name}: {rows} dòng, điểm chốt {number} tại dòng {sequence}, mã chuỗi {root}.",
        "Ledger {name}: {rows} rows, checkpoint {number} at row {sequence}, chain {root}.",
    ),
    "no-checkpoint": ("Sổ {name}: {rows} dòng, chưa có điểm chốt.", "Ledger {name}: {rows} rows, no checkpoint yet."),
    "past": (
        "Mô phỏng: kịch bản {scenario} (sha256 {sha}), hạt giống {seed}, {first} đến {last}, mã giờ {hours}; làm lại được bằng `lgsp history`.",
        "Synthetic: scenario {scenario} (sha256 {sha}), seed {seed}, {first} to {last}, hours {hours}; `lgsp history` makes the same again.",
    ),
    "changes": ("Khác kịch bản: {changes}.", "Otherwise than the scenario: {changes}."),
    "proof": (
        "Số liệu sha256:{digest}, do lgsp {version} lập. Ai cũng kiểm tra lại được bằng lệnh:",
        "Figures sha256:{digest}, made by lgsp {version}. Anybody can check them again with:",
    ),
    "refused": (
        "KHÔNG CÓ CĂN CỨ: sổ hoặc số liệu mô phỏng đã bị thay đổi hoặc không đọc được, nên báo cáo không xác nhận số liệu nào. `lgsp ledger verify` cho biết chi tiết:",
        "NO EVIDENCE: the ledger or the simulated past was changed or cannot be read, so this report vouches for none of its figures. `lgsp ledger verify` says more:",
    ),
    "unchecked": (
        "CHƯA KIỂM TRA: báo cáo lập với --unchecked, chưa đối chiếu sổ, nên không có căn cứ.",
        "NOT CHECKED: made with --unchecked, the ledger was not verified, so there is no evidence.",
    ),
}  # fmt: skip
_OUTCOMES: dict[str, tuple[str, str]] = {
    Outcome.OK: ("thành công", "ok"),
    Outcome.BUSINESS_FAULT: ("trả lời «không»", "business fault"),
    Outcome.REJECTED: ("bị từ chối", "rejected"),
    Outcome.PROVIDER_ERROR: ("hệ thống cung cấp lỗi", "provider error"),
    Outcome.TIMEOUT: ("quá thời hạn", "timeout"),
    Outcome.UNREACHABLE: ("không kết nối được", "unreachable"),
    Outcome.BUS_ERROR: ("lỗi của trục", "bus error"),
}


def say(language: Language, key: str, **values: object) -> str:
    """A sentence or word, filled in."""
    text = _WORDS[key][0 if language == "vi" else 1]
    return text.format(**values) if values else text


def outcome_in(language: Language, outcome: str) -> str:
    """An outcome in words."""
    return _OUTCOMES[outcome][0 if language == "vi" else 1]
