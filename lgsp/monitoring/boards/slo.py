"""Error budgets, and the agencies behind them: which are going, and whom to call."""

from __future__ import annotations

from lgsp.monitoring.boards.panel import BURNING, IDLE, LEFT_OF_BUDGET, Board, Column, Kind, Panel, Query
from lgsp.monitoring.boards.queries import (
    OF_ROW,
    OF_SERIES,
    PERIODS,
    SERVICE,
    counted,
    marks,
    of_owner,
    service_variables,
)
from lgsp.monitoring.profile import Profile
from lgsp.monitoring.recordings import BAD, BURN_1H, COUNTED, INFO, LEFT, OWNER_RATE, OWNER_RATIO
from lgsp.monitoring.words import Text

MONTH = 'period="month"'


def slo(profile: Profile) -> Board:
    """The board."""
    return Board(
        uid="lgsp-slo",
        title=Text("LGSP error budgets and owners", "Ngân sách lỗi và đơn vị"),
        question=Text(
            "Which budgets are going, how long will they last, and whose services are they?",
            "Ngân sách lỗi nào đang cạn, còn được bao lâu, và là dịch vụ của ai?",
        ),
        variables=service_variables(profile),
        marks=marks(profile),
        since="now-6h",
        panels=(_budgets(profile), *_pace(profile), *_owners(profile)),
    )


def _budgets(profile: Profile) -> Panel:
    left, burn = profile.recorded(LEFT, SERVICE), profile.recorded(BURN_1H, SERVICE)
    budget = Text("budget left", "ngân sách còn")
    bad = f"sum by (service) ({profile.select(PERIODS, SERVICE, BAD, MONTH)})"
    every = f"sum by (service) ({profile.select(PERIODS, SERVICE, COUNTED, MONTH)})"
    objective = f"max by (service) ({profile.select('lgsp_slo_objective_ratio', SERVICE)})"
    return Panel(
        title=Text("Budgets of this month, worst first (exact)", "Ngân sách lỗi tháng này, xấu nhất trước (chính xác)"),
        says=Text(
            "Which services have spent what they may fail? SLI and budget by the ledger, from the first of the month; days at the pace of the "
            "last hour. In the first days of a month it moves fast.",
            "Dịch vụ nào đã dùng hết phần được phép lỗi? SLI và ngân sách theo sổ giao dịch, từ ngày 1; số ngày theo nhịp của giờ qua. "
            "Những ngày đầu tháng con số thay đổi nhanh.",
        ),
        kind=Kind.TABLE,
        unit="short",
        queries=(
            Query(f"max by (service, owner, tier) ({profile.recorded(INFO, SERVICE)})"),
            Query(objective, column=Column(Text("objective", "mục tiêu"), "percentunit", decimals=1)),
            Query(
                f"1 - {bad} / ({every} > 0)",
                column=Column(Text("SLI this month", "SLI tháng này"), "percentunit", decimals=2),
            ),
            Query(left, column=Column(budget, "percentunit", LEFT_OF_BUDGET, 1)),
            Query(burn, column=Column(Text("burn rate, 1 h", "tốc độ cạn, 1 giờ"), "short", BURNING, 1)),
            Query(
                f"({left} > 0) * 30 / on (service) ({burn} > 0)",
                column=Column(Text("days it lasts", "số ngày còn đủ"), "d", decimals=1),
            ),
        ),
        sort=budget,
        width=24,
        height=16,
        links=OF_ROW,
    )


def _pace(profile: Profile) -> tuple[Panel, ...]:
    return (
        Panel(
            title=Text("Fastest burning", "Cạn nhanh nhất"),
            says=Text(
                "Which five burn fastest, and since when? Over 1 h; at 1 the budget lasts exactly the month.",
                "Năm dịch vụ nào cạn nhanh nhất, từ bao giờ? Tính trên 1 giờ; ở mức 1 ngân sách vừa đủ tháng.",
            ),
            kind=Kind.LINES,
            unit="short",
            queries=(Query(f"topk(5, {profile.recorded(BURN_1H, SERVICE)})", "{{service}}"),),
            steps=BURNING,
            nothing=IDLE,
            width=12,
            height=10,
            links=OF_SERIES,
        ),
        Panel(
            title=Text("Budget left over time", "Ngân sách còn theo thời gian"),
            says=Text(
                "Was it one bad hour, or does it trickle away? The five with least.",
                "Do một giờ xấu, hay rỉ dần? Năm dịch vụ còn ít nhất.",
            ),
            kind=Kind.LINES,
            unit="percentunit",
            queries=(Query(f"bottomk(5, {profile.recorded(LEFT, SERVICE)})", "{{service}}"),),
            steps=LEFT_OF_BUDGET,
            nothing=IDLE,
            width=12,
            height=10,
            links=OF_SERIES,
        ),
    )


def _owners(profile: Profile) -> tuple[Panel, ...]:
    owner = 'owner=~"$owner"'
    year = f"sum by (owner, tier) ({counted(profile, 'year', by=['service'])} {of_owner(profile)})"
    return (
        Panel(
            title=Text("Owners: rate", "Đơn vị: lưu lượng"),
            says=Text(
                "Whose services are in use? `rejected` is left out.",
                "Dịch vụ của ai đang được dùng? Không tính `rejected`.",
            ),
            kind=Kind.LINES,
            unit="reqps",
            queries=(Query(profile.recorded(OWNER_RATE, owner), "{{owner}} {{tier}}"),),
        ),
        Panel(
            title=Text("Owners: SLI", "Đơn vị: SLI"),
            says=Text(
                "Whom do I call? Over 5 min; a gap: nobody called.",
                "Gọi cho ai? Tính trên 5 phút; khoảng trống: không có lượt gọi.",
            ),
            kind=Kind.LINES,
            unit="percentunit",
            queries=(Query(f"1 - {profile.recorded(OWNER_RATIO, owner)}", "{{owner}} {{tier}}"),),
            most=1,
            nothing=IDLE,
        ),
        Panel(
            title=Text("Owners since 1 January (exact)", "Đơn vị từ 1 tháng 1 (chính xác)"),
            says=Text("Whose services carry the load of the year?", "Dịch vụ của ai gánh lượng giao dịch cả năm?"),
            kind=Kind.TABLE,
            unit="locale",
            queries=(Query(year, column=Column(Text("this year", "năm nay"), "locale", decimals=0)),),
        ),
    )
