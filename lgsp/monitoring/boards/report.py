"""Exact figures for the authority, and whether the account behind them can be trusted."""

from __future__ import annotations

from lgsp.monitoring.boards.panel import (
    GREEN,
    IDLE,
    LOWEST,
    NEVER,
    NONE_IS_GOOD,
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
    OF_ROW,
    OFFICIAL,
    SERVICE,
    TRANSACTIONS,
    counted,
    marks,
    service_variables,
    since,
)
from lgsp.monitoring.profile import Profile
from lgsp.monitoring.recordings import INFO
from lgsp.monitoring.words import Text

ZERO: Steps = ((LOWEST, RED), (0, GREEN), (1, RED))
SAME: Steps = ((LOWEST, GREEN), (0.01, RED))
_FAILURES = ("rejected", "provider_error", "timeout", "unreachable", "bus_error")
_ACCEPTED = "lgsp_transactions_accepted_total"


def report(profile: Profile) -> Board:
    """The board."""
    return Board(
        uid="lgsp-report",
        title=Text("LGSP report", "Báo cáo LGSP"),
        question=Text(
            "What do we tell the authority, and can the account be trusted?",
            "Báo cáo cấp trên những con số nào, và sổ giao dịch có tin được không?",
        ),
        variables=service_variables(profile),
        marks=marks(profile),
        since="now-24h",
        panels=(*_whole(profile), _services(profile), *_account(profile), *_verified(profile), *_writing(profile)),
    )


def _whole(profile: Profile) -> tuple[Panel, ...]:
    periods = {"year": "year / năm", "month": "month / tháng", "day": "today / hôm nay"}
    return (
        Panel(
            title=Text("Transactions (exact)", "Giao dịch (chính xác)"),
            says=Text(
                "How many this year, this month, today? By the ledger, in its own calendar.",
                "Bao nhiêu trong năm, trong tháng, hôm nay? Theo sổ giao dịch, theo lịch của sổ.",
            ),
            kind=Kind.STAT,
            unit="locale",
            queries=tuple(Query(counted(profile, period), says) for period, says in periods.items()),
            decimals=0,
            width=12,
            height=6,
        ),
        Panel(
            title=Text("Official success (exact)", "Tỷ lệ thành công chính thức (chính xác)"),
            says=Text(
                "Is the promise of 99 % kept? ok and business_fault of all that ended, `rejected` too.",
                "Có giữ được cam kết 99 % không? ok và business_fault trên mọi giao dịch, kể cả `rejected`.",
            ),
            kind=Kind.STAT,
            unit="percentunit",
            queries=tuple(
                Query(f"{counted(profile, period, OFFICIAL)} / ({counted(profile, period)} > 0)", says)
                for period, says in periods.items()
            ),
            steps=PROMISE,
            decimals=3,
            nothing=IDLE,
            width=12,
            height=6,
        ),
    )


def _services(profile: Profile) -> Panel:
    by = ["service"]
    whole, good = counted(profile, "year", by=by), counted(profile, "year", OFFICIAL, by=by)
    total = Text("this year", "năm nay")
    share = Column(Text("official success", "thành công chính thức"), "percentunit", decimals=3)
    outcomes = tuple(
        Query(
            counted(profile, "year", f'outcome="{outcome}"', by=by),
            column=Column(Text(outcome, outcome), "locale", decimals=0),
        )
        for outcome in _FAILURES
    )
    return Panel(
        title=Text("Every service since 1 January (exact)", "Từng dịch vụ từ 1 tháng 1 (chính xác)"),
        says=Text(
            "What has each service done this year? Counts of the ledger, to the last one. Empty: not one call yet.",
            "Năm nay mỗi dịch vụ đã làm gì? Số của sổ giao dịch, chính xác đến từng giao dịch. Trống: chưa có lượt gọi nào.",
        ),
        kind=Kind.TABLE,
        unit="short",
        queries=(
            Query(f"max by (service, owner, tier) ({profile.recorded(INFO, SERVICE)})"),
            Query(whole, column=Column(total, "locale", decimals=0)),
            Query(good, column=Column(Text("official successes", "số thành công chính thức"), "locale", decimals=0)),
            Query(f"{good} / ({whole} > 0)", column=share),
            *outcomes,
        ),
        sort=share.title,
        width=24,
        height=18,
        links=OF_ROW,
    )


def _account(profile: Profile) -> tuple[Panel, ...]:
    def of_all(metric: str) -> str:
        return f"sum({profile.select(metric)})"

    hour = profile.span(3_600)
    at_the_edge = profile.select("lgsp_http_requests_total", 'route="service"')
    seen = f"sum by (instance) (increase({at_the_edge}[{hour}]))"
    noted = f"sum by (instance) (increase({profile.select(_ACCEPTED)}[{hour}]))"
    return (
        Panel(
            title=Text("Accepted less ended less open", "Đã nhận trừ đã kết thúc trừ đang mở"),
            says=Text(
                "Was a transaction lost or counted twice? 0, at every moment.",
                "Có giao dịch nào bị mất hay bị đếm hai lần không? Luôn phải là 0.",
            ),
            kind=Kind.STAT,
            unit="locale",
            queries=(Query(f"{of_all(_ACCEPTED)} - {of_all(TRANSACTIONS)} - {of_all('lgsp_open_transactions')}"),),
            steps=ZERO,
            decimals=0,
            width=6,
            height=6,
        ),
        Panel(
            title=Text("Ledger against the HTTP edge, 1 h", "Sổ giao dịch so với cổng HTTP, 1 giờ"),
            says=Text(
                "Does a witness outside the ledger agree? The difference over 1 h; above 1 % somebody should look.",
                "Nhân chứng ngoài sổ giao dịch có khớp không? Chênh lệch trong 1 giờ; trên 1 % cần xem.",
            ),
            kind=Kind.STAT,
            unit="percentunit",
            queries=(Query(f"max(abs({noted} - {seen}) / ({noted} > 0))"),),
            steps=SAME,
            decimals=2,
            nothing=IDLE,
            width=6,
            height=6,
        ),
    )


def _verified(profile: Profile) -> tuple[Panel, ...]:
    verified = "lgsp_ledger_last_verified_timestamp_seconds"
    failed = f"max({profile.select('lgsp_ledger_verify_failed')}) and on () max({profile.select(verified)}) > 0"
    return (
        Panel(
            title=Text("Since the last verification", "Từ lần kiểm tra gần nhất"),
            says=Text(
                "When did `lgsp ledger verify` last look at the account?",
                "`lgsp ledger verify` kiểm tra sổ lần cuối khi nào?",
            ),
            kind=Kind.STAT,
            unit="s",
            queries=(Query(f"max({since(profile, verified, by=['instance'])})"),),
            decimals=0,
            nothing=NEVER,
            width=6,
            height=6,
        ),
        Panel(
            title=Text("Verification failed", "Kiểm tra phát hiện sai"),
            says=Text(
                "Is the account as it was written? 1: a row, an hour or a checkpoint is not. Grey: never verified.",
                "Sổ có còn nguyên như lúc ghi không? 1: có dòng, giờ hoặc mốc bị khác. Màu xám: chưa kiểm tra lần nào.",
            ),
            kind=Kind.STAT,
            unit="short",
            queries=(Query(failed),),
            steps=NONE_IS_GOOD,
            nothing=NEVER,
            width=6,
            height=6,
        ),
    )


def _writing(profile: Profile) -> tuple[Panel, ...]:
    last, signed = (profile.select(f"lgsp_ledger_{name}_sequence") for name in ("last", "checkpoint"))
    errors = profile.select("lgsp_ledger_write_errors_total")
    return (
        Panel(
            title=Text("Rows, and rows signed", "Số dòng và số dòng đã ký"),
            says=Text(
                "How far is the account, and how far is it signed? The lines lie close when all is well.",
                "Sổ ghi đến đâu, đã ký đến đâu? Khi ổn, hai đường sát nhau.",
            ),
            kind=Kind.LINES,
            unit="locale",
            queries=(
                Query(f"sum by (instance) ({last})", "{{instance}} rows / dòng"),
                Query(f"sum by (instance) ({signed})", "{{instance}} signed / đã ký"),
            ),
        ),
        Panel(
            title=Text("Wait to be written", "Chờ được ghi"),
            says=Text(
                "Does the disk keep up? Above 30 s somebody should look.",
                "Đĩa có theo kịp không? Trên 30 giây cần xem.",
            ),
            kind=Kind.LINES,
            unit="s",
            queries=(Query(f"max by (instance) ({profile.select('lgsp_ledger_lag_seconds')})", "{{instance}}"),),
        ),
        Panel(
            title=Text("Failed writes", "Ghi bị lỗi"),
            says=Text("Can the account be written at all?", "Sổ có ghi được không?"),
            kind=Kind.LINES,
            unit="reqps",
            queries=(Query(f"sum by (instance) (rate({errors}[$__rate_interval]))", "{{instance}}"),),
        ),
    )
