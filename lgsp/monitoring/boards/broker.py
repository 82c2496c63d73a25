"""RabbitMQ, seen from us, which asks whether it is the cause."""

from __future__ import annotations

from lgsp.monitoring.boards.panel import IDLE, NO_BROKER, NONE_IS_GOOD, Board, Kind, Panel, Query
from lgsp.monitoring.boards.queries import (
    OF_SERIES,
    SERVICE,
    marks,
    or_none,
    quantile,
    rate,
    service_variables,
)
from lgsp.monitoring.profile import BROKER, QUEUES, Profile, job
from lgsp.monitoring.recordings import QUEUE_WAIT
from lgsp.monitoring.words import Text

WORK = 'queue=~"q[.](sync|async)[.]($service)"'
OURS = 'queue=~"q[.](sync|async)[.]($service)|q[.](reply|result|control)[.].+"'
_FLOW = {
    "received": "published / nhận vào",
    "confirmed": "confirmed / xác nhận",
    "delivered": "delivered / giao",
    "acknowledged": "acknowledged / đã nhận",
}
_LOST = {
    "unroutable_returned": "unroutable / không có đích",
    "dead_lettered_expired": "expired / quá hạn",
    "dead_lettered_rejected": "rejected / bị từ chối",
    "redelivered": "redelivered / giao lại",
}


def broker(profile: Profile) -> Board:
    """The board."""
    return Board(
        uid="lgsp-broker",
        title=Text("LGSP broker", "Trạm trung chuyển LGSP"),
        question=Text(
            "Is RabbitMQ the cause: does it hold us back, does work lie in a queue that nobody reads?",
            "Có phải do RabbitMQ: nó có đang chặn ta, có việc nằm trong hàng đợi không ai nhận?",
        ),
        variables=service_variables(profile),
        marks=marks(profile),
        panels=(*_head(profile), *_flow(profile), *_queues(profile)),
    )


def _queue(profile: Profile, what: str, which: str) -> str:
    return profile.select(f"rabbitmq_detailed_queue_{what}", f'vhost="{profile.vhost}"', which, job=job(QUEUES))


def _global(profile: Profile, what: str) -> str:
    return rate(profile, f"rabbitmq_global_messages_{what}_total", job=job(BROKER))


def _head(profile: Profile) -> tuple[Panel, ...]:
    def node(metric: str) -> str:
        return profile.select(metric, job=job(BROKER))

    ready, consumers = _queue(profile, "messages_ready", WORK), _queue(profile, "consumers", WORK)
    alone = f"sum by (queue) ({ready}) > 0 and on (queue) sum by (queue) ({consumers}) == 0"
    alarms = [
        f"max({node(f'rabbitmq_alarms_{name}')})" for name in ("memory_used_watermark", "free_disk_space_watermark")
    ]
    return (
        Panel(
            title=Text("Alarms", "Cảnh báo của trạm"),
            says=Text(
                "Does it hold back everybody who publishes? 1 above the memory watermark or below the free disk limit. Of the node: on a "
                "shared broker everybody's.",
                "Nó có đang chặn mọi bên gửi không? 1 khi vượt ngưỡng bộ nhớ hoặc sắp hết đĩa. Của cả nút: trạm dùng chung thì của mọi người.",
            ),
            kind=Kind.STAT,
            unit="short",
            queries=(Query(alarms[0], "memory / bộ nhớ"), Query(alarms[1], "disk / đĩa")),
            steps=NONE_IS_GOOD,
            nothing=NO_BROKER,
            height=6,
        ),
        Panel(
            title=Text("Queues with work and no connector", "Hàng đợi có việc mà không ai nhận"),
            says=Text(
                "Does work lie where nobody reads? Work queues of the chosen services.",
                "Có việc nằm ở nơi không ai nhận không? Hàng đợi công việc của các dịch vụ đã chọn.",
            ),
            kind=Kind.STAT,
            unit="short",
            queries=(Query(or_none(f"count({alone})", consumers)),),
            steps=NONE_IS_GOOD,
            nothing=NO_BROKER,
            height=6,
        ),
        Panel(
            title=Text("Memory until publishers are blocked", "Bộ nhớ còn lại trước khi bên gửi bị chặn"),
            says=Text(
                "How near is the next alarm? The limit less what the node uses.",
                "Còn bao xa thì có cảnh báo? Ngưỡng trừ phần nút đang dùng.",
            ),
            kind=Kind.LINES,
            unit="bytes",
            queries=(
                Query(
                    f"min({node('rabbitmq_resident_memory_limit_bytes')} - {node('rabbitmq_process_resident_memory_bytes')})",
                    "left / còn",
                ),
            ),
            nothing=NO_BROKER,
            height=6,
        ),
    )


def _flow(profile: Profile) -> tuple[Panel, ...]:
    confirm = quantile(0.95, profile, "lgsp_publish_confirm_seconds")
    return (
        Panel(
            title=Text("Messages per second", "Thông điệp mỗi giây"),
            says=Text(
                "Does what goes in come out? The four lines lie on each other when all is well.",
                "Vào bao nhiêu có ra bấy nhiêu không? Khi ổn, bốn đường trùng nhau.",
            ),
            kind=Kind.LINES,
            unit="reqps",
            queries=tuple(Query(_global(profile, what), says) for what, says in _FLOW.items()),
            nothing=NO_BROKER,
            width=12,
        ),
        Panel(
            title=Text("Unroutable, expired, rejected, redelivered", "Không có đích, quá hạn, bị từ chối, giao lại"),
            says=Text(
                "Does it lose or repeat anything? All at 0 when all is well.",
                "Nó có làm mất hay lặp gì không? Khi ổn, tất cả bằng 0.",
            ),
            kind=Kind.LINES,
            unit="reqps",
            queries=tuple(Query(_global(profile, what), says) for what, says in _LOST.items()),
            nothing=NO_BROKER,
            width=12,
        ),
        Panel(
            title=Text("Publish confirm p95", "Xác nhận gửi p95"),
            says=Text(
                "How fast does it take a message? Its back-pressure shows here first.",
                "Nó nhận thông điệp nhanh thế nào? Khi bị dồn, ở đây thấy đầu tiên.",
            ),
            kind=Kind.LINES,
            unit="s",
            queries=(Query(confirm, "p95"),),
            nothing=NO_BROKER,
            width=12,
        ),
        Panel(
            title=Text("Longest waits in a queue, p95", "Chờ lâu nhất trong hàng đợi, p95"),
            says=Text(
                "Which five services wait longest for a connector? Over 5 min.",
                "Năm dịch vụ nào chờ bộ kết nối lâu nhất? Tính trên 5 phút.",
            ),
            kind=Kind.LINES,
            unit="s",
            queries=(Query(f"topk(5, {profile.recorded(QUEUE_WAIT, SERVICE)} >= 0)", "{{service}}"),),
            nothing=IDLE,
            width=12,
            links=OF_SERIES,
        ),
    )


def _queues(profile: Profile) -> tuple[Panel, ...]:
    return (
        Panel(
            title=Text("Longest queues", "Hàng đợi dài nhất"),
            says=Text(
                "Where does it pile up? The ten longest, reply queues too.",
                "Dồn ở đâu? Mười hàng đợi dài nhất, kể cả hàng đợi trả lời.",
            ),
            kind=Kind.LINES,
            unit="short",
            queries=(Query(f"topk(10, sum by (queue) ({_queue(profile, 'messages_ready', OURS)}))", "{{queue}}"),),
            nothing=NO_BROKER,
            width=12,
        ),
        Panel(
            title=Text("Taken and not acknowledged", "Đã nhận mà chưa xác nhận"),
            says=Text(
                "Does a connector hold on to what it took? The ten most.",
                "Có bộ kết nối nào giữ mãi việc đã nhận không? Mười hàng đợi nhiều nhất.",
            ),
            kind=Kind.LINES,
            unit="short",
            queries=(Query(f"topk(10, sum by (queue) ({_queue(profile, 'messages_unacked', OURS)}))", "{{queue}}"),),
            nothing=NO_BROKER,
            width=12,
        ),
    )
