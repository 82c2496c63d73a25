"""A load test: what was asked for against what was achieved."""

from __future__ import annotations

from lgsp.monitoring.boards.panel import IDLE, RED, Board, Kind, Panel, Query
from lgsp.monitoring.boards.queries import (
    DURATION,
    OF_SERIES,
    SERVICE,
    TRANSACTIONS,
    marks,
    quantile,
    rate,
    service_variables,
)
from lgsp.monitoring.profile import Profile
from lgsp.monitoring.words import Text

NO_LOAD = Text("no load test", "không có thử tải")


def load(profile: Profile) -> Board:
    """The board."""
    return Board(
        uid="lgsp-load",
        title=Text("LGSP load test", "Thử tải LGSP"),
        question=Text(
            "Does the bus keep up with what the load test asks for, and does the test itself?",
            "Trục có theo kịp lưu lượng của thử tải, và chính bộ thử tải có theo kịp không?",
        ),
        variables=service_variables(profile),
        marks=marks(profile),
        since="now-30m",
        panels=(*_rates(profile), *_times(profile)),
    )


def _rates(profile: Profile) -> tuple[Panel, ...]:
    return (
        Panel(
            title=Text("Asked for and achieved", "Yêu cầu và đạt được"),
            says=Text(
                "Does the bus answer as many as are asked? All services of the test.",
                "Trục có trả lời đủ số yêu cầu không? Mọi dịch vụ của thử tải.",
            ),
            kind=Kind.LINES,
            unit="reqps",
            queries=(
                Query(f"sum({profile.select('lgsp_load_target_rate')})", "asked for / yêu cầu"),
                Query(rate(profile, "lgsp_load_requests_total"), "achieved / đạt được"),
            ),
            nothing=NO_LOAD,
        ),
        Panel(
            title=Text("Schedule lag", "Trễ lịch"),
            says=Text(
                "Does the generator itself fall behind? Then its figures say nothing about the bus.",
                "Chính bộ thử tải có bị chậm không? Khi đó số liệu của nó không nói gì về trục.",
            ),
            kind=Kind.LINES,
            unit="s",
            queries=(Query(f"max({profile.select('lgsp_load_schedule_lag_seconds')})", "lag / trễ"),),
            nothing=NO_LOAD,
        ),
        Panel(
            title=Text("Users", "Người dùng"),
            says=Text("How many callers are at work?", "Bao nhiêu bên gọi đang chạy?"),
            kind=Kind.LINES,
            unit="short",
            queries=(Query(f"sum({profile.select('lgsp_load_users')})", "users / người dùng"),),
            nothing=NO_LOAD,
        ),
    )


def _times(profile: Profile) -> tuple[Panel, ...]:
    faults = f"max by (service, fault) ({profile.select('lgsp_fault_active', SERVICE)}) > 0"
    return (
        Panel(
            title=Text("What the test saw", "Bộ thử tải thấy gì"),
            says=Text("What became of the test's calls?", "Lượt gọi thử tải kết thúc thế nào?"),
            kind=Kind.AREAS,
            unit="reqps",
            queries=(Query(rate(profile, "lgsp_load_requests_total", SERVICE, by=["outcome"]), "{{outcome}}"),),
            nothing=NO_LOAD,
        ),
        Panel(
            title=Text("What the gateway saw", "Cổng thấy gì"),
            says=Text(
                "Does the gateway's count agree? What it has more is other callers'.",
                "Số của cổng có khớp không? Phần hơn là của bên gọi khác.",
            ),
            kind=Kind.AREAS,
            unit="reqps",
            queries=(Query(rate(profile, TRANSACTIONS, SERVICE, by=["outcome"]), "{{outcome}}"),),
        ),
        Panel(
            title=Text("p95 at the client and at the gateway", "p95 ở bên gọi và ở cổng"),
            says=Text(
                "Is time lost before the gateway? The client counts from the intended start, so waiting for a free user shows here.",
                "Có mất thời gian trước cổng không? Bên gọi tính từ lúc định gửi, nên chờ người dùng rảnh cũng thấy ở đây.",
            ),
            kind=Kind.LINES,
            unit="s",
            queries=(
                Query(quantile(0.95, profile, "lgsp_load_request_duration_seconds", SERVICE), "client / bên gọi"),
                Query(quantile(0.95, profile, DURATION, SERVICE), "gateway / cổng"),
            ),
            nothing=IDLE,
        ),
        Panel(
            title=Text("Faults injected", "Sự cố gây ra"),
            says=Text(
                "Which troubles did somebody inject, and when? Empty: none.",
                "Ai đó đã gây sự cố nào, khi nào? Trống: không có.",
            ),
            kind=Kind.TIMELINE,
            unit="short",
            queries=(Query(faults, "{{service}} {{fault}}"),),
            steps=((1, RED),),
            nothing=Text("no faults", "không có sự cố"),
            width=24,
            links=OF_SERIES,
        ),
    )
