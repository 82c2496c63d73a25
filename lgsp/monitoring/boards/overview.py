"""The wallboard, which asks whether the bus is all right."""

from __future__ import annotations

from lgsp.monitoring.boards.panel import (
    GREEN,
    IDLE,
    LEFT_OF_BUDGET,
    LOWEST,
    NONE_IS_GOOD,
    ORANGE,
    PROMISE,
    RED,
    Board,
    Column,
    Kind,
    Panel,
    Query,
    Steps,
)
from lgsp.monitoring.boards.queries import (
    DURATION,
    OF_ROW,
    OF_SERIES,
    OFFICIAL,
    SERVICE,
    TRANSACTIONS,
    alerts,
    counted,
    marks,
    mean,
    or_none,
    quantile,
    rate,
    service_variables,
    since,
    watchdog,
)
from lgsp.monitoring.profile import GATEWAY, Profile, job
from lgsp.monitoring.recordings import BAD, BUDGET, COUNTED, LEFT, OWNER_RATE, lost_of, rate_of, ratio_of
from lgsp.monitoring.words import Text

TO_OBJECTIVE: Steps = ((LOWEST, RED), (-0.02, ORANGE), (0, GREEN))


def overview(profile: Profile) -> Board:
    """The board."""
    return Board(
        uid="lgsp-overview",
        title=Text("LGSP overview", "Tổng quan LGSP"),
        question=Text(
            "Is the bus all right, and if not, which service, and is it us?",
            "Trục LGSP có ổn không, nếu không thì dịch vụ nào, và lỗi có phải do trục?",
        ),
        variables=service_variables(profile),
        marks=marks(profile),
        panels=(
            *_now(profile),
            *_promise(profile),
            *_trouble(profile),
            _status(profile),
            *_flow(profile),
            _long(profile),
            _worst_first(profile),
        ),
    )


def _now(profile: Profile) -> tuple[Panel, ...]:
    recent = profile.span(300)
    bad = rate(profile, TRANSACTIONS, SERVICE, BAD, window=recent)
    every = rate(profile, TRANSACTIONS, SERVICE, COUNTED, window=recent)
    return (
        Panel(
            title=Text("Transactions per second", "Giao dịch mỗi giây"),
            says=Text(
                "How busy is the bus? Every transaction that ended, whatever its outcome.",
                "Trục bận đến đâu? Mọi giao dịch đã kết thúc, kể cả không thành công.",
            ),
            kind=Kind.STAT,
            unit="reqps",
            queries=(Query(rate(profile, TRANSACTIONS, SERVICE)),),
            width=3,
            height=4,
        ),
        Panel(
            title=Text("SLI, last 5 min", "SLI, 5 phút qua"),
            says=Text(
                "How many calls were answered, of those that were the caller's right? The last 5 min; `rejected` is left out. "
                "Nobody calling is idle, not 100 %.",
                "Bao nhiêu lượt gọi hợp lệ được trả lời trong 5 phút qua? Không tính `rejected`. Không có lượt gọi thì không phải 100 %.",
            ),
            kind=Kind.STAT,
            unit="percentunit",
            queries=(Query(f"1 - {bad} / ({every} > 0)"),),
            steps=PROMISE,
            decimals=2,
            nothing=IDLE,
            width=3,
            height=4,
        ),
    )


def _promise(profile: Profile) -> tuple[Panel, ...]:
    left = profile.recorded(LEFT, SERVICE)
    return (
        Panel(
            title=Text("Since 1 January (exact)", "Từ 1 tháng 1 (chính xác)"),
            says=Text(
                "How many transactions since 1 January? The ledger's own count, to the last one.",
                "Bao nhiêu giao dịch từ 1 tháng 1? Số của sổ giao dịch, chính xác đến từng giao dịch.",
            ),
            kind=Kind.STAT,
            unit="locale",
            queries=(Query(counted(profile, "year")),),
            decimals=0,
            width=4,
            height=4,
        ),
        Panel(
            title=Text("Official success since 1 January", "Tỷ lệ thành công chính thức từ 1 tháng 1"),
            says=Text(
                "Is the promise of 99 % kept? ok and business_fault of all that ended, `rejected` too. The ledger's count.",
                "Có giữ được cam kết 99 % không? ok và business_fault trên mọi giao dịch, kể cả `rejected`. Theo sổ giao dịch.",
            ),
            kind=Kind.STAT,
            unit="percentunit",
            queries=(Query(f"{counted(profile, 'year', OFFICIAL)} / ({counted(profile, 'year')} > 0)"),),
            steps=PROMISE,
            decimals=3,
            nothing=IDLE,
            width=4,
            height=4,
        ),
        Panel(
            title=Text("Services inside their budget", "Dịch vụ còn ngân sách lỗi"),
            says=Text(
                "How many services have error budget left this month, of how many with traffic?",
                "Bao nhiêu dịch vụ còn ngân sách lỗi của tháng, trên bao nhiêu dịch vụ có lượt gọi?",
            ),
            kind=Kind.STAT,
            unit="short",
            queries=(
                Query(or_none(f"count({left} >= 0)", left), "inside / còn"),
                Query(f"count({left})", "of / trên"),
            ),
            nothing=IDLE,
            width=4,
            height=4,
        ),
    )


def _trouble(profile: Profile) -> tuple[Panel, ...]:
    page = alerts(profile, 'alertstate="firing"', f'severity="{profile.severities["page"]}"')
    return (
        Panel(
            title=Text("Pages firing", "Báo động đang phát"),
            says=Text(
                "Must somebody get up? Grey while no rule is evaluated: then nobody knows.",
                "Có ai phải xử lý ngay không? Màu xám khi quy tắc không được tính: khi đó không ai biết.",
            ),
            kind=Kind.STAT,
            unit="short",
            queries=(Query(or_none(f"count({page})", watchdog(profile))),),
            steps=NONE_IS_GOOD,
            nothing=Text("no rules", "chưa có quy tắc"),
            width=3,
            height=4,
        ),
        Panel(
            title=Text("Latency p95", "Độ trễ p95"),
            says=Text(
                "How long do callers wait? 95 % of the calls are answered within this time.",
                "Bên gọi phải chờ bao lâu? 95 % lượt gọi được trả lời trong thời gian này.",
            ),
            kind=Kind.STAT,
            unit="s",
            queries=(Query(quantile(0.95, profile, DURATION, SERVICE)),),
            nothing=IDLE,
            width=3,
            height=4,
        ),
    )


def _status(profile: Profile) -> Panel:
    distance = f"{profile.recorded(BUDGET, SERVICE)} - on (service) {profile.recorded(ratio_of('5m'), SERVICE)}"
    return Panel(
        title=Text("Every service: SLI above or below its objective", "Từng dịch vụ: SLI trên hay dưới mục tiêu"),
        says=Text(
            "Which service is failing, and since when? Its SLI less its own objective: 0 % is just kept. Grey: nobody called.",
            "Dịch vụ nào đang lỗi, từ bao giờ? SLI trừ mục tiêu của chính nó: 0 % là vừa đạt. Màu xám: không có lượt gọi.",
        ),
        kind=Kind.STATUS,
        unit="percentunit",
        queries=(Query(distance, "{{service}}"),),
        steps=TO_OBJECTIVE,
        decimals=1,
        width=24,
        height=14,
        nothing=IDLE,
        links=OF_SERIES,
    )


def _flow(profile: Profile) -> tuple[Panel, ...]:
    return (
        Panel(
            title=Text("Throughput by outcome", "Lưu lượng theo kết quả"),
            says=Text("What becomes of the calls?", "Các lượt gọi kết thúc thế nào?"),
            kind=Kind.AREAS,
            unit="reqps",
            queries=(Query(rate(profile, TRANSACTIONS, SERVICE, by=["outcome"]), "{{outcome}}"),),
            width=12,
        ),
        Panel(
            title=Text("Throughput by tier", "Lưu lượng theo cấp"),
            says=Text(
                "Is it the national or the provincial side? All services; `rejected` is left out.",
                "Phía trung ương hay phía tỉnh? Mọi dịch vụ; không tính `rejected`.",
            ),
            kind=Kind.LINES,
            unit="reqps",
            queries=(Query(f"sum by (tier) ({profile.recorded(OWNER_RATE)})", "{{tier}}"),),
            width=12,
        ),
        Panel(
            title=Text("Where the time goes", "Thời gian tiêu ở đâu"),
            says=Text(
                "Is it the queue or the provider that is slow? Means; what is left of the whole is the gateway.",
                "Chậm ở hàng đợi hay ở hệ thống cung cấp? Trung bình; phần còn lại là cổng.",
            ),
            kind=Kind.LINES,
            unit="s",
            queries=(
                Query(mean(profile, DURATION, SERVICE), "whole / toàn bộ"),
                Query(mean(profile, "lgsp_queue_wait_seconds", SERVICE), "queue / hàng đợi"),
                Query(mean(profile, "lgsp_connector_duration_seconds", SERVICE), "provider / hệ thống cung cấp"),
            ),
            width=12,
            nothing=IDLE,
        ),
        Panel(
            title=Text("Whose fault", "Lỗi của ai"),
            says=Text(
                "Do the failures come from the bus or from providers? Of all services; the caller's own mistakes are in neither.",
                "Lỗi do trục hay do hệ thống cung cấp? Của mọi dịch vụ; lỗi của bên gọi không tính ở đây.",
            ),
            kind=Kind.LINES,
            unit="percentunit",
            queries=(
                Query(profile.recorded("bus:lgsp_transaction_errors:ratio_rate5m"), "all / tất cả"),
                Query(profile.recorded(lost_of("5m")), "bus / trục"),
            ),
            width=12,
            nothing=IDLE,
        ),
    )


def _long(profile: Profile) -> Panel:
    """Since no scrape job was there when a past was simulated, `up` tells what took place from what did not."""
    calls = f"sum(last_over_time({profile.recorded(rate_of('5m'), SERVICE)}[1h]))"
    gateway = profile.select("up", job=job(GATEWAY))
    return Panel(
        title=Text("The last five months", "Năm tháng qua"),
        says=Text(
            "What is usual, and where does the simulated past end? Calls a second without `rejected`, the last value of 1 h each; "
            "always five months, whatever time is chosen above. Simulated is what no gateway was watched for.",
            "Bình thường là bao nhiêu, và phần mô phỏng dừng ở đâu? Lượt gọi mỗi giây, không tính `rejected`, lấy giá trị cuối của mỗi 1 h; "
            "luôn là năm tháng, dù chọn thời gian nào ở trên. Mô phỏng là khi chưa có cổng nào được giám sát.",
        ),
        kind=Kind.LINES,
        unit="reqps",
        queries=(
            Query(f"{calls} unless on () count(last_over_time({gateway}[1h]))", "simulated / mô phỏng"),
            Query(f"{calls} and on () count({gateway} == 1)", "real / thật"),
        ),
        width=24,
        since="22w",
        nothing=IDLE,
    )


def _worst_first(profile: Profile) -> Panel:
    budget = Text("budget left", "ngân sách còn")
    by = ["service"]
    last = "lgsp_service_last_success_timestamp_seconds"
    info = f"max by (service, owner, tier) ({profile.recorded('service:lgsp_service:info', SERVICE)})"
    return Panel(
        title=Text("Services, worst first", "Dịch vụ, xấu nhất trước"),
        says=Text(
            "Which service needs somebody, and whom do I call? The smallest budget first; SLI and p95 of the last 5 min. "
            "Empty cells: nobody called.",
            "Dịch vụ nào cần xử lý, và gọi cho ai? Ngân sách ít nhất trước; SLI và p95 của 5 phút qua. Ô trống: không có lượt gọi.",
        ),
        kind=Kind.TABLE,
        unit="short",
        queries=(
            Query(info),
            Query(profile.recorded(rate_of("5m"), SERVICE), column=Column(Text("rate", "lưu lượng"), "reqps")),
            Query(
                f"1 - {profile.recorded(ratio_of('5m'), SERVICE)}",
                column=Column(Text("SLI", "SLI"), "percentunit", decimals=2),
            ),
            Query(
                quantile(0.95, profile, DURATION, SERVICE, by=by, window=profile.span(300)),
                column=Column(Text("p95", "p95"), "s"),
            ),
            Query(profile.recorded(LEFT, SERVICE), column=Column(budget, "percentunit", LEFT_OF_BUDGET, 1)),
            Query(counted(profile, "year", by=by), column=Column(Text("this year", "năm nay"), "locale", decimals=0)),
            Query(
                since(profile, last, SERVICE, by=by),
                column=Column(Text("since last success", "từ lần thành công cuối"), "s", decimals=0),
            ),
        ),
        sort=budget,
        width=24,
        height=16,
        links=OF_ROW,
    )
