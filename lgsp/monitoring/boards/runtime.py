"""Our own processes and what watches them, which asks whether our code is the cause and what to trust."""

from __future__ import annotations

from lgsp.monitoring.boards.panel import (
    GREEN,
    GREY,
    LOWEST,
    NO_BROKER,
    RED,
    SOME_IS_GOOD,
    Board,
    Kind,
    Panel,
    Query,
    Steps,
    Variable,
)
from lgsp.monitoring.boards.queries import INTERVAL, marks, rate, watchdog
from lgsp.monitoring.profile import Profile
from lgsp.monitoring.words import Text

INSTANCE = 'instance=~"$instance"'
BY_PROCESS = "{{job}} {{instance}}"
FRESH: Steps = ((LOWEST, GREEN), (120, RED))


def runtime(profile: Profile) -> Board:
    """The board."""
    every = profile.select("up")
    return Board(
        uid="lgsp-runtime",
        title=Text("LGSP processes and monitoring", "Tiến trình và giám sát LGSP"),
        question=Text(
            "Is our code the cause, and can I trust what the monitoring says?",
            "Có phải do phần mềm của ta, và có tin được số liệu giám sát không?",
        ),
        variables=(Variable("instance", Text("Process", "Tiến trình"), "instance", every),),
        marks=marks(profile),
        panels=(*_trust(profile), *_load(profile), *_links(profile), *_scrapes(profile)),
    )


def _trust(profile: Profile) -> tuple[Panel, ...]:
    up = profile.select("up", INSTANCE)
    age = f"time() - timestamp({profile.recorded('bus:lgsp_services:count')})"
    applied = f"min by (instance, config) ({profile.select('lgsp_config_last_reload_successful', INSTANCE)})"
    return (
        Panel(
            title=Text("Processes that answer", "Tiến trình trả lời"),
            says=Text(
                "Is every process there? Up, of all that Prometheus is told to scrape.",
                "Mọi tiến trình có mặt không? Số đang chạy, trên số Prometheus phải lấy.",
            ),
            kind=Kind.STAT,
            unit="short",
            queries=(Query(f"sum({up})", "up / chạy"), Query(f"count({up})", "of / trên")),
            width=6,
            height=6,
        ),
        Panel(
            title=Text("Age of the rules' last result", "Tuổi của kết quả quy tắc gần nhất"),
            says=Text(
                "Are the rules evaluated, or do alerts sleep? Above 2 min nobody would be woken.",
                "Quy tắc có đang được tính, hay cảnh báo ngủ quên? Quá 2 phút thì không ai được báo.",
            ),
            kind=Kind.STAT,
            unit="s",
            queries=(Query(age),),
            steps=FRESH,
            decimals=0,
            nothing=Text("no rules", "chưa có quy tắc"),
            width=6,
            height=6,
        ),
        Panel(
            title=Text("Watchdog", "Chuông kiểm tra"),
            says=Text(
                "Does an alert that always fires reach Prometheus? 1 is well.",
                "Cảnh báo luôn phát có tới Prometheus không? 1 là tốt.",
            ),
            kind=Kind.STAT,
            unit="short",
            queries=(Query(f"count({watchdog(profile)})"),),
            steps=SOME_IS_GOOD,
            nothing=Text("no rules", "chưa có quy tắc"),
            width=6,
            height=6,
        ),
        Panel(
            title=Text("Configuration in force", "Cấu hình đang dùng"),
            says=Text(
                "Is what stands in the files in force? 0: a change was refused, `/readyz?verbose` says why.",
                "Nội dung tệp đã có hiệu lực chưa? 0: thay đổi bị từ chối, xem `/readyz?verbose`.",
            ),
            kind=Kind.STAT,
            unit="short",
            queries=(Query(applied, "{{config}} {{instance}}"),),
            steps=SOME_IS_GOOD,
            width=6,
            height=6,
        ),
    )


def _load(profile: Profile) -> tuple[Panel, ...]:
    lag = rate(profile, "lgsp_event_loop_lag_seconds_bucket", INSTANCE, by=["job", "instance", "le"])
    files = f"{profile.select('process_open_fds', INSTANCE)} / {profile.select('process_max_fds', INSTANCE)}"
    return (
        Panel(
            title=Text("Event-loop lag p99", "Trễ vòng lặp sự kiện p99"),
            says=Text(
                "Is a process too busy? Above 0.1 s it is the bottleneck, and its own measurements suffer.",
                "Có tiến trình nào quá tải không? Trên 0.1 giây nó là nút thắt, và số đo của nó cũng lệch.",
            ),
            kind=Kind.LINES,
            unit="s",
            queries=(Query(f"histogram_quantile(0.99, {lag}) >= 0", BY_PROCESS),),
            steps=((LOWEST, GREY), (0.1, RED)),
            width=12,
        ),
        Panel(
            title=Text("Processor", "Bộ xử lý"),
            says=Text(
                "How many cores does each process use? One is all that it can.",
                "Mỗi tiến trình dùng bao nhiêu lõi? Nhiều nhất là một.",
            ),
            kind=Kind.LINES,
            unit="short",
            queries=(Query(f"rate({profile.select('process_cpu_seconds_total', INSTANCE)}[{INTERVAL}])", BY_PROCESS),),
            width=12,
        ),
        Panel(
            title=Text("Memory", "Bộ nhớ"),
            says=Text("Does a process grow for ever?", "Có tiến trình nào phình mãi không?"),
            kind=Kind.LINES,
            unit="bytes",
            queries=(Query(profile.select("process_resident_memory_bytes", INSTANCE), BY_PROCESS),),
        ),
        Panel(
            title=Text("Open files", "Tệp đang mở"),
            says=Text("How near is the limit of open files and sockets?", "Còn xa giới hạn tệp và kết nối không?"),
            kind=Kind.LINES,
            unit="percentunit",
            queries=(Query(files, BY_PROCESS),),
        ),
        Panel(
            title=Text("Calls refused for our own capacity", "Lượt gọi bị từ chối vì ta quá tải"),
            says=Text(
                "Do we turn callers away? Each is a bus_error too.",
                "Ta có phải từ chối bên gọi không? Mỗi lượt cũng là bus_error.",
            ),
            kind=Kind.LINES,
            unit="reqps",
            queries=(Query(rate(profile, "lgsp_shed_total", INSTANCE, by=["reason"]), "{{reason}}"),),
        ),
    )


def _links(profile: Profile) -> tuple[Panel, ...]:
    odd = {"late_replies": "late / trễ", "duplicate_replies": "twice / lặp", "unroutable": "unroutable / không có đích"}
    standing = f"min by (component, instance) ({profile.select('lgsp_amqp_connection_up', INSTANCE)})"
    back = rate(profile, "lgsp_amqp_reconnects_total", INSTANCE, by=["component", "instance"])
    return (
        Panel(
            title=Text("Connections to the broker", "Kết nối tới trạm"),
            says=Text(
                "Does every connection stand? On the embedded bus there is none.",
                "Mọi kết nối có đang hoạt động không? Trục trong bộ nhớ không có kết nối.",
            ),
            kind=Kind.STAT,
            unit="short",
            queries=(Query(standing, "{{component}} {{instance}}"),),
            steps=SOME_IS_GOOD,
            nothing=NO_BROKER,
        ),
        Panel(
            title=Text("Reconnects", "Kết nối lại"),
            says=Text("Do connections break again and again?", "Kết nối có đứt đi nối lại không?"),
            kind=Kind.LINES,
            unit="reqps",
            queries=(Query(back, "{{component}} {{instance}}"),),
            nothing=NO_BROKER,
        ),
        Panel(
            title=Text("Odd replies", "Trả lời bất thường"),
            says=Text(
                "Do replies come late, twice, or have requests nowhere to go?",
                "Trả lời có đến trễ, đến hai lần, hay yêu cầu không có nơi nhận?",
            ),
            kind=Kind.LINES,
            unit="reqps",
            queries=tuple(Query(rate(profile, f"lgsp_{name}_total", INSTANCE), says) for name, says in odd.items()),
        ),
    )


def _scrapes(profile: Profile) -> tuple[Panel, ...]:
    return (
        Panel(
            title=Text("Time of a scrape", "Thời gian mỗi lần lấy số liệu"),
            says=Text("Does a process answer Prometheus slowly?", "Có tiến trình nào trả lời Prometheus chậm không?"),
            kind=Kind.LINES,
            unit="s",
            queries=(Query(profile.select("scrape_duration_seconds", INSTANCE), BY_PROCESS),),
            width=12,
        ),
        Panel(
            title=Text("Samples of a scrape", "Số mẫu mỗi lần lấy"),
            says=Text(
                "Does the number of series grow? It follows the number of services.",
                "Số chuỗi số liệu có tăng mãi không? Nó theo số dịch vụ.",
            ),
            kind=Kind.LINES,
            unit="short",
            queries=(Query(f"sum by (job) ({profile.select('scrape_samples_scraped', INSTANCE)})", "{{job}}"),),
            width=12,
        ),
    )
