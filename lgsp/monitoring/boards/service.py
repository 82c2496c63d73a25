"""The drill-down, which asks what is wrong with one service."""

from __future__ import annotations

from lgsp.monitoring.boards.panel import (
    BURNING,
    IDLE,
    LEFT_OF_BUDGET,
    NEVER,
    NO_BROKER,
    SOME_IS_GOOD,
    Board,
    Column,
    Kind,
    Panel,
    Query,
)
from lgsp.monitoring.boards.queries import (
    DURATION,
    INTERVAL,
    OF_CHOICE,
    SERVICE,
    TRANSACTIONS,
    alerts,
    counted,
    marks,
    quantile,
    rate,
    service_variables,
    since,
)
from lgsp.monitoring.profile import QUEUES, Profile, job
from lgsp.monitoring.recordings import BUDGET, LEFT, ratio_of
from lgsp.monitoring.words import Text


def service(profile: Profile) -> Board:
    """The board."""
    return Board(
        uid="lgsp-service",
        title=Text("LGSP service", "Dịch vụ LGSP"),
        question=Text(
            "What is wrong with this service, since when, and in which part of the way?",
            "Dịch vụ này bị gì, từ bao giờ, và ở chặng nào?",
        ),
        variables=service_variables(profile),
        marks=marks(profile),
        panels=(
            *_standing(profile),
            *_alive(profile),
            *_outcomes(profile),
            *_latency(profile),
            *_way(profile),
            *_budget(profile),
        ),
    )


def _standing(profile: Profile) -> tuple[Panel, ...]:
    left = profile.recorded(LEFT, SERVICE)
    return (
        Panel(
            title=Text("Budget left this month (exact)", "Ngân sách lỗi còn lại của tháng (chính xác)"),
            says=Text(
                "How much may still fail this month? The worst of the chosen services, by the ledger. Below 0 it is spent.",
                "Tháng này còn được phép lỗi bao nhiêu? Dịch vụ xấu nhất trong số đã chọn, theo sổ giao dịch. Dưới 0 là đã hết.",
            ),
            kind=Kind.GAUGE,
            unit="percentunit",
            queries=(Query(f"min({left})"),),
            steps=LEFT_OF_BUDGET,
            decimals=1,
            least=0,
            most=1,
            nothing=IDLE,
            width=5,
            height=6,
        ),
        Panel(
            title=Text("Year, month, today (exact)", "Năm, tháng, hôm nay (chính xác)"),
            says=Text(
                "How many transactions? The ledger's counts, in its own calendar.",
                "Bao nhiêu giao dịch? Số của sổ giao dịch, theo lịch của sổ.",
            ),
            kind=Kind.STAT,
            unit="locale",
            queries=(
                Query(counted(profile, "year"), "year / năm"),
                Query(counted(profile, "month"), "month / tháng"),
                Query(counted(profile, "day"), "today / hôm nay"),
            ),
            decimals=0,
            width=8,
            height=6,
            links=OF_CHOICE,
        ),
    )


def _alive(profile: Profile) -> tuple[Panel, ...]:
    return (
        Panel(
            title=Text("Since last success", "Từ lần thành công cuối"),
            says=Text(
                "When did it last work? Of the chosen services the one that waits longest; those that never did are left out.",
                "Lần cuối nó chạy được là khi nào? Dịch vụ chờ lâu nhất trong số đã chọn; bỏ qua dịch vụ chưa từng thành công.",
            ),
            kind=Kind.STAT,
            unit="s",
            queries=(
                Query(f"max({since(profile, 'lgsp_service_last_success_timestamp_seconds', SERVICE, by=['service'])})"),
            ),
            decimals=0,
            nothing=NEVER,
            width=5,
            height=6,
        ),
        Panel(
            title=Text("Connectors on its queues", "Bộ kết nối trên hàng đợi"),
            says=Text(
                "Does anybody answer? Consumers on q.sync and q.async of the chosen services.",
                "Có ai trả lời không? Số bộ kết nối đang nhận từ q.sync và q.async của các dịch vụ đã chọn.",
            ),
            kind=Kind.STAT,
            unit="short",
            queries=(Query(f"sum({_queues(profile, 'consumers')})"),),
            steps=SOME_IS_GOOD,
            nothing=NO_BROKER,
            width=6,
            height=6,
            links=OF_CHOICE,
        ),
    )


def _outcomes(profile: Profile) -> tuple[Panel, ...]:
    objective = f"min({profile.select('lgsp_slo_objective_ratio', SERVICE)})"
    every = rate(profile, TRANSACTIONS, SERVICE, 'outcome!="rejected"', window=profile.span(300))
    bad = rate(
        profile,
        TRANSACTIONS,
        SERVICE,
        'outcome=~"provider_error|timeout|unreachable|bus_error"',
        window=profile.span(300),
    )
    return (
        Panel(
            title=Text("Rate by outcome", "Lưu lượng theo kết quả"),
            says=Text("What becomes of its calls?", "Các lượt gọi kết thúc thế nào?"),
            kind=Kind.AREAS,
            unit="reqps",
            queries=(Query(rate(profile, TRANSACTIONS, SERVICE, by=["outcome"]), "{{outcome}}"),),
            width=12,
            links=OF_CHOICE,
        ),
        Panel(
            title=Text("SLI against objective", "SLI so với mục tiêu"),
            says=Text(
                "Does it keep its promise? Over 5 min; of several services the lowest objective. A gap: nobody called.",
                "Có giữ được cam kết không? Tính trên 5 phút; nhiều dịch vụ thì lấy mục tiêu thấp nhất. Khoảng trống: không có lượt gọi.",
            ),
            kind=Kind.LINES,
            unit="percentunit",
            queries=(Query(f"1 - {bad} / ({every} > 0)", "SLI"), Query(objective, "objective / mục tiêu")),
            most=1,
            nothing=IDLE,
            width=12,
        ),
    )


def _latency(profile: Profile) -> tuple[Panel, ...]:
    results = quantile(0.95, profile, DURATION, SERVICE, by=["result"])
    return (
        Panel(
            title=Text("Latency, every call", "Độ trễ, mọi lượt gọi"),
            says=Text(
                "Are there two kinds of calls, fast and slow? Calls by how long they took.",
                "Có hai nhóm lượt gọi nhanh và chậm không? Số lượt gọi theo thời gian.",
            ),
            kind=Kind.HEAT,
            unit="s",
            queries=(
                Query(f"sum by (le) (increase({profile.select(f'{DURATION}_bucket', SERVICE)}[{INTERVAL}]))", "{{le}}"),
            ),
        ),
        Panel(
            title=Text("Latency p50 p95 p99", "Độ trễ p50 p95 p99"),
            says=Text("How long do callers wait?", "Bên gọi phải chờ bao lâu?"),
            kind=Kind.LINES,
            unit="s",
            queries=tuple(Query(quantile(part / 100, profile, DURATION, SERVICE), f"p{part}") for part in (50, 95, 99)),
            nothing=IDLE,
        ),
        Panel(
            title=Text("p95 of failures and of the rest", "p95 của lượt lỗi và lượt thành công"),
            says=Text(
                "Do failures hide that the rest is slow? `error` is every outcome but ok and business_fault.",
                "Lượt lỗi nhanh có che lấp lượt thành công chậm không? `error` là mọi kết quả ngoài ok và business_fault.",
            ),
            kind=Kind.LINES,
            unit="s",
            queries=(Query(results, "{{result}}"),),
            nothing=IDLE,
        ),
    )


def _way(profile: Profile) -> tuple[Panel, ...]:
    def summed(metric: str) -> str:
        return f"sum({profile.select(metric, SERVICE)})"

    return (
        Panel(
            title=Text("Queue wait p95", "Chờ trong hàng đợi p95"),
            says=Text(
                "Do requests wait for a connector? Near 0 is well; seconds mean too few connectors.",
                "Yêu cầu có phải chờ bộ kết nối không? Gần 0 là tốt; tính bằng giây là thiếu bộ kết nối.",
            ),
            kind=Kind.LINES,
            unit="s",
            queries=(Query(quantile(0.95, profile, "lgsp_queue_wait_seconds", SERVICE), "p95"),),
            nothing=IDLE,
            width=6,
        ),
        Panel(
            title=Text("Provider p95", "Hệ thống cung cấp p95"),
            says=Text("Is the provider slow?", "Hệ thống cung cấp có chậm không?"),
            kind=Kind.LINES,
            unit="s",
            queries=(Query(quantile(0.95, profile, "lgsp_connector_duration_seconds", SERVICE), "p95"),),
            nothing=IDLE,
            width=6,
        ),
        Panel(
            title=Text("In flight, open, parked", "Đang chờ, đang mở, tạm giữ"),
            says=Text(
                "Does anything pile up? In flight: callers wait. Open: no outcome yet, stored ones too. Parked: given up, wait for a person.",
                "Có gì bị dồn lại không? Đang chờ: bên gọi đang đợi. Đang mở: chưa có kết quả, kể cả đã lưu. Tạm giữ: đã bỏ, chờ người xử lý.",
            ),
            kind=Kind.LINES,
            unit="short",
            queries=(
                Query(summed("lgsp_inflight_transactions"), "in flight / đang chờ"),
                Query(summed("lgsp_open_transactions"), "open / đang mở"),
                Query(summed("lgsp_parked_transactions"), "parked / tạm giữ"),
            ),
            width=6,
        ),
        Panel(
            title=Text("Queue depth", "Độ dài hàng đợi"),
            says=Text(
                "How many requests wait, how many are being answered? On RabbitMQ only.",
                "Bao nhiêu yêu cầu đang chờ, bao nhiêu đang được trả lời? Chỉ có với RabbitMQ.",
            ),
            kind=Kind.LINES,
            unit="short",
            queries=(
                Query(f"sum by (queue) ({_queues(profile, 'messages_ready')})", "{{queue}} ready / chờ"),
                Query(f"sum by (queue) ({_queues(profile, 'messages_unacked')})", "{{queue}} taken / đã nhận"),
            ),
            nothing=NO_BROKER,
            width=6,
        ),
    )


def _queues(profile: Profile, what: str) -> str:
    work = 'queue=~"q[.](sync|async)[.]($service)"'
    return profile.select(f"rabbitmq_detailed_queue_{what}", f'vhost="{profile.vhost}"', work, job=job(QUEUES))


def _budget(profile: Profile) -> tuple[Panel, ...]:
    budget = profile.recorded(BUDGET, SERVICE)
    firing = f"count by (alertname, alertstate, severity, service) ({alerts(profile, SERVICE)})"
    return (
        Panel(
            title=Text("Burn rate", "Tốc độ cạn ngân sách"),
            says=Text(
                "How fast does the budget go? At 1 it lasts exactly the month; pages come at 14.4 over 1 h or 6 over 6 h. The worst of the chosen.",
                "Ngân sách cạn nhanh đến đâu? Ở mức 1 vừa đủ tháng; báo động ở 14.4 trên 1 giờ hoặc 6 trên 6 giờ. Lấy dịch vụ xấu nhất đã chọn.",
            ),
            kind=Kind.LINES,
            unit="short",
            queries=tuple(
                Query(f"max({profile.recorded(ratio_of(window), SERVICE)} / on (service) {budget})", window)
                for window in ("1h", "6h", "1d", "3d")
            ),
            steps=BURNING,
            nothing=IDLE,
            width=12,
        ),
        Panel(
            title=Text("Alerts", "Cảnh báo"),
            says=Text(
                "Which alerts of these services fire or are about to?",
                "Cảnh báo nào của các dịch vụ này đang phát hoặc sắp phát?",
            ),
            kind=Kind.TABLE,
            unit="short",
            queries=(Query(firing, column=Column()),),
            nothing=Text("none", "không có"),
            width=12,
            links=OF_CHOICE,
        ),
    )
