"""What an alert says, in English and Vietnamese: what, how bad, whose fault, how long the budget lasts, when, where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lgsp.monitoring.profile import Profile
from lgsp.monitoring.recordings import BAD, BURN_1H, COUNTED, LEFT, REJECTED

_MONTH = 30 * 86_400
_WHOSE = {
    "bus_error": ("the bus: {share} of the failures are its own (bus_error)", "bus LGSP: {share} số lỗi do chính bus (bus_error)"),
    "provider_error": (
        "the provider: {share} of the failures are errors it answered (provider_error)",
        "hệ thống cung cấp: {share} số lỗi là do nó trả về lỗi (provider_error)",
    ),
    "timeout": (
        "the provider: {share} of the failures are silence until the time was up (timeout)",
        "hệ thống cung cấp: {share} số lỗi là do nó không trả lời kịp thời hạn (timeout)",
    ),
    "unreachable": (
        "the provider: {share} of the failures are a provider that cannot be reached (unreachable)",
        "hệ thống cung cấp: {share} số lỗi là do không kết nối được tới nó (unreachable)",
    ),
}  # fmt: skip
_UNKNOWN = ("nobody's yet: no failure in this window", "chưa rõ: chưa có lỗi nào trong khoảng này")


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence or two, in both languages. `{share}` is the failing share; the rest is Prometheus's template."""

    en: str
    vi: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one alert says. Without `fault` the largest outcome tells whose it is; `window` is where it is looked for."""

    summary: Text
    advice: Text
    fault: Text | None = None
    window: int = 3_600
    budget: bool = False


def annotate(name: str, said: Said, board: str, profile: Profile, *, service: bool) -> dict[str, str]:
    """The annotations of an alert. `service`: it carries the label, and everything is looked up for that service."""
    share = _share(profile, said.window, service=service)
    written = {
        "summary": said.summary.en.replace("{share}", share),
        "summary_vi": said.summary.vi.replace("{share}", share),
        "description": said.advice.en,
        "description_vi": said.advice.vi,
    }
    if said.fault is None:
        written["fault"], written["fault_vi"] = _blame(profile, said.window, service=service)
        written["callers"], written["callers_vi"] = _callers(profile, said.window, service=service)
    else:
        written["fault"], written["fault_vi"] = said.fault.en, said.fault.vi
    if said.budget:
        written["budget"], written["budget_vi"] = _lasts(profile)
    where = "?var-service={{ $labels.service }}" if service else ""
    written["local_time"] = _now(profile)
    written["dashboard"] = f"{profile.boards}/d/{board}{where}"
    written["console"] = f"{profile.console}/" + ("transactions?service={{ $labels.service }}" if service else "")
    written["runbook_url"] = f"{profile.runbooks}/{name}.md"
    return written


def _queried(query: str, *, service: bool) -> str:
    """The pipeline that runs a query; `%[1]s` in it stands for the service."""
    return f"printf `{query}` $labels.service | query" if service else f"query `{query}`"


def _counted(profile: Profile, window: int, *labels: str, service: bool) -> str:
    only = ('service="%[1]s"',) if service else ()
    return f"rate({profile.select('lgsp_transactions_total', *labels, *only)}[{profile.span(window)}])"


def _share(profile: Profile, window: int, *, service: bool) -> str:
    bad = f"sum({_counted(profile, window, BAD, service=service)})"
    counted = _counted(profile, window, COUNTED, service=service)
    query = _queried(f"{bad} / (sum({counted}) > 0)", service=service)
    return f"{{{{ with {query} }}}}{{{{ . | first | value | humanizePercentage }}}}{{{{ else }}}}?{{{{ end }}}}"


def _blame(profile: Profile, window: int, *, service: bool) -> tuple[str, str]:
    bad = _counted(profile, window, BAD, service=service)
    query = _queried(
        f"topk(1, sum by (outcome) ({bad}) / ignoring (outcome) group_left sum({bad}) > 0)", service=service
    )
    return _cases(query, 0), _cases(query, 1)


def _cases(query: str, language: int) -> str:
    share = "{{ $most.Value | humanizePercentage }}"
    words = "{{ else if ".join(
        f'eq $most.Labels.outcome "{outcome}" }}}}{text[language].replace("{share}", share)}'
        for outcome, text in _WHOSE.items()
    )
    inner = f"{{{{ $most := . | first }}}}{{{{ if {words}{{{{ end }}}}"
    return f"{{{{ with {query} }}}}{inner}{{{{ else }}}}{_UNKNOWN[language]}{{{{ end }}}}"


def _callers(profile: Profile, window: int, *, service: bool) -> tuple[str, str]:
    rejected = f"sum({_counted(profile, window, REJECTED, service=service)})"
    query = _queried(f"{rejected} / (sum({_counted(profile, window, service=service)}) > 0)", service=service)
    share = f"{{{{ with {query} }}}}{{{{ . | first | value | humanizePercentage }}}}{{{{ else }}}}0%{{{{ end }}}}"
    return (
        f"{share} of all calls were refused for the caller's own doing (rejected); they are not part of this alert",
        f"{share} tổng số lượt gọi bị từ chối do lỗi của bên gọi (rejected); không tính vào cảnh báo này",
    )


def _lasts(profile: Profile) -> tuple[str, str]:
    left, burn = (profile.recorded(rule, 'service="%[1]s"') for rule in (LEFT, BURN_1H))
    query = _queried(f"round(clamp_min({left}, 0) * {_MONTH} / on (service) ({burn} > 0), 60)", service=True)

    def text(gone: str, lasts: str, unknown: str, units: Mapping[str, str]) -> str:
        replaced = "".join(f' | reReplaceAll "{short}" "{long}"' for short, long in units.items())
        how_long = f'{{{{ . | first | value | humanizeDuration | reReplaceAll " 0s$" ""{replaced} }}}}'
        cases = f"{{{{ if eq (. | first | value) 0.0 }}}}{gone}{{{{ else }}}}{lasts.format(how_long)}{{{{ end }}}}"
        return f"{{{{ with {query} }}}}{cases}{{{{ else }}}}{unknown}{{{{ end }}}}"

    return (
        text(
            "this month's error budget is used up",
            "at this pace this month's error budget lasts {}",
            "how long the error budget lasts is not known yet",
            {},
        ),
        text(
            "ngân sách lỗi của tháng này đã hết",
            "với nhịp độ này, ngân sách lỗi của tháng còn đủ cho {}",
            "chưa tính được ngân sách lỗi còn lại",
            {"d": " ngày", "h": " giờ", "m": " phút", "s": " giây"},
        ),
    )


def _now(profile: Profile) -> str:
    query = f"query `vector(time() + {profile.offset})`"
    return f"{{{{ with {query} }}}}{{{{ slice (. | first | value | humanizeTimestamp) 0 16 }}}}{{{{ end }}}} {profile.zone}"


_OURS = Text("the bus: ours to mend", "bus LGSP: do đơn vị vận hành bus xử lý")
_NOBODY = Text("nobody's", "không phải lỗi của ai")

SAID: Mapping[str, Said] = {
    "LGSPErrorBudgetBurnFast": Said(
        Text(
            "{{ $labels.service }}: {share} of its calls fail; the error budget burns {{ printf `%.1f` $value }} times too fast",
            "{{ $labels.service }}: {share} số lượt gọi bị lỗi; ngân sách lỗi cạn nhanh gấp {{ printf `%.1f` $value }} lần mức cho phép",
        ),
        Text(
            "Citizens and officials see errors from this service now. Owner: {{ $labels.owner }}. Look at its failures in the console, then call whom the fault line names.",
            "Người dân và cán bộ đang gặp lỗi ở dịch vụ này. Đơn vị chủ quản: {{ $labels.owner }}. Xem các giao dịch lỗi trên bảng điều khiển, rồi liên hệ bên nêu ở dòng nguyên nhân.",
        ),
        budget=True,
    ),
    "LGSPErrorBudgetBurnSlow": Said(
        Text(
            "{{ $labels.service }}: a little too much fails, for long; the error budget burns {{ printf `%.1f` $value }} times too fast",
            "{{ $labels.service }}: lỗi hơi cao kéo dài; ngân sách lỗi cạn nhanh gấp {{ printf `%.1f` $value }} lần mức cho phép",
        ),
        Text(
            "Nobody needs to get up for it. Talk to {{ $labels.owner }} on a working day, before the month's budget is gone.",
            "Không cần xử lý ngay trong đêm. Trao đổi với {{ $labels.owner }} trong giờ làm việc, trước khi hết ngân sách lỗi của tháng.",
        ),
        window=86_400,
        budget=True,
    ),
    "LGSPServiceDown": Said(
        Text(
            "{{ $labels.service }} is down: {{ printf `%.0f` $value }} calls failed and none succeeded",
            "{{ $labels.service }} ngừng hoạt động: {{ printf `%.0f` $value }} lượt gọi bị lỗi, không lượt nào thành công",
        ),
        Text(
            "Every call of the last minutes failed. Owner: {{ $labels.owner }}.",
            "Mọi lượt gọi trong những phút gần đây đều lỗi. Đơn vị chủ quản: {{ $labels.owner }}.",
        ),
        window=600,
        budget=True,
    ),
    "LGSPServiceSilent": Said(
        Text(
            "{{ $labels.service }}: nobody called in a time in which {{ printf `%.0f` $value }} calls are usual",
            "{{ $labels.service }}: không có lượt gọi nào trong khoảng thời gian thường có {{ printf `%.0f` $value }} lượt",
        ),
        Text(
            "A system that calls on a schedule seems to have stopped, or its way to the gateway is cut. Ask its agency.",
            "Có thể hệ thống khai thác gọi theo lịch đã dừng, hoặc đường kết nối tới gateway bị đứt. Hỏi cơ quan khai thác.",
        ),
        fault=Text("the caller, or the network between it and the gateway", "bên gọi, hoặc đường mạng giữa bên gọi và gateway"),
    ),
    "LGSPBusWideDegradation": Said(
        Text(
            "{{ printf `%.0f` $value }} services fail at once; {share} of all calls fail",
            "{{ printf `%.0f` $value }} dịch vụ cùng lỗi một lúc; {share} tổng số lượt gọi bị lỗi",
        ),
        Text(
            "The cause is common to them: the broker, the connectors, a network, a platform they share. Pages of single services are held back while this lasts.",
            "Nguyên nhân là chung: broker, connector, mạng, hoặc nền tảng dùng chung. Cảnh báo của từng dịch vụ được giữ lại trong thời gian này.",
        ),
        window=300,
    ),
    "LGSPBusCausedErrors": Said(
        Text(
            "The bus itself loses {{ $value | humanizePercentage }} of all calls",
            "Chính bus LGSP làm hỏng {{ $value | humanizePercentage }} tổng số lượt gọi",
        ),
        Text(
            "Calls end as bus_error: no connector on a queue, a queue that is full, a broker that is gone, or our own overload. `lgsp transaction ls --outcome bus_error` gives the reasons.",
            "Các lượt gọi kết thúc bằng bus_error: hàng đợi không có connector, hàng đợi đầy, mất broker, hoặc quá tải. Lệnh `lgsp transaction ls --outcome bus_error` cho biết lý do.",
        ),
        fault=_OURS,
    ),
    "LGSPQueueWithoutConsumer": Said(
        Text(
            "{{ printf `%.0f` $value }} requests wait in {{ $labels.queue }} and no connector takes them",
            "{{ printf `%.0f` $value }} yêu cầu đang chờ trong {{ $labels.queue }} mà không có connector nào xử lý",
        ),
        Text(
            "The connectors process of this service is gone, or it does not serve it: start it with `lgsp connectors`.",
            "Tiến trình connector của dịch vụ này đã dừng, hoặc không phục vụ nó: khởi động bằng `lgsp connectors`.",
        ),
        fault=_OURS,
    ),
    "LGSPQueueBacklog": Said(
        Text(
            "{{ $labels.service }}: requests wait {{ $value | humanizeDuration }} in the queue, half of the caller's patience or more",
            "{{ $labels.service }}: yêu cầu phải chờ {{ $value | humanizeDuration }} trong hàng đợi, từ một nửa thời hạn của bên gọi trở lên",
        ),
        Text(
            "More comes than the connectors can do: start more of them, or find out why its provider has become slow.",
            "Yêu cầu đến nhiều hơn khả năng xử lý: chạy thêm connector, hoặc tìm nguyên nhân hệ thống cung cấp chậm đi.",
        ),
        fault=Text(
            "the bus, or a provider that has become slow: compare queue wait with the provider's time on the board",
            "bus, hoặc hệ thống cung cấp chậm đi: so thời gian chờ hàng đợi với thời gian của hệ thống cung cấp trên biểu đồ",
        ),
    ),
    "LGSPMessagesParked": Said(
        Text(
            "{{ $labels.service }}: {{ printf `%.0f` $value }} stored messages were given up and wait for a person",
            "{{ $labels.service }}: {{ printf `%.0f` $value }} giao dịch lưu chuyển đã ngừng gửi lại và chờ người xử lý",
        ),
        Text(
            "`lgsp parked ls` shows them; requeue them when the provider is well, or drop them. They are kept for 30 days. Owner: {{ $labels.owner }}.",
            "Xem bằng `lgsp parked ls`; gửi lại khi hệ thống cung cấp ổn định, hoặc bỏ. Được giữ 30 ngày. Đơn vị chủ quản: {{ $labels.owner }}.",
        ),
        window=86_400,
    ),
    "LGSPBrokerAlarm": Said(
        Text(
            "RabbitMQ on {{ $labels.instance }} holds back publishers: {{ $labels.alarm }} alarm",
            "RabbitMQ trên {{ $labels.instance }} đang chặn việc gửi: cảnh báo {{ $labels.alarm }}",
        ),
        Text(
            "Nothing is taken any more until the alarm is over: calls fail as bus_error.",
            "Broker không nhận thêm gì cho đến khi hết cảnh báo: các lượt gọi lỗi bằng bus_error.",
        ),
        fault=_OURS,
    ),
    "LGSPLedgerChainBroken": Said(
        Text(
            "The ledger of {{ $labels.instance }} is not as it was written",
            "Sổ giao dịch của {{ $labels.instance }} không còn như khi được ghi",
        ),
        Text(
            "The last `lgsp ledger verify` found a row, an hour or a checkpoint that was changed, or rows that are missing. Keep the file as it is; run it again and read what it names.",
            "Lần chạy `lgsp ledger verify` gần nhất thấy dòng, giờ hoặc điểm kiểm bị sửa, hoặc bị mất dòng. Giữ nguyên tệp; chạy lại lệnh và đọc kết quả.",
        ),
        fault=_OURS,
    ),
    "LGSPLedgerLagging": Said(
        Text(
            "The ledger of {{ $labels.instance }} is {{ $value | humanizeDuration }} behind",
            "Sổ giao dịch của {{ $labels.instance }} ghi chậm {{ $value | humanizeDuration }}",
        ),
        Text(
            "The disk takes rows too slowly, or not at all. When the journal is full the gateway accepts nothing more.",
            "Đĩa ghi quá chậm, hoặc không ghi được. Khi nhật ký tạm đầy, gateway sẽ không nhận thêm giao dịch.",
        ),
        fault=_OURS,
    ),
    "LGSPConservation": Said(
        Text(
            "{{ $labels.instance }}: {{ printf `%.0f` $value }} transactions are unaccounted for (accepted less ended less open)",
            "{{ $labels.instance }}: {{ printf `%.0f` $value }} giao dịch không được hạch toán (đã nhận trừ đã xong trừ đang mở)",
        ),
        Text(
            "A transaction was lost or counted twice. This never happens in a gateway that is whole: report it, with the ledger's file.",
            "Có giao dịch bị mất hoặc bị đếm hai lần. Gateway bình thường không bao giờ như vậy: hãy báo lỗi, kèm tệp sổ.",
        ),
        fault=_OURS,
    ),
    "LGSPLedgerWitnessDrift": Said(
        Text(
            "{{ $labels.instance }}: ledger and HTTP edge differ by {{ $value | humanizePercentage }} over the last hour",
            "{{ $labels.instance }}: sổ giao dịch và cổng HTTP lệch nhau {{ $value | humanizePercentage }} trong một giờ qua",
        ),
        Text(
            "Two counts that know nothing of each other disagree: one of them leaves out calls.",
            "Hai bộ đếm độc lập không khớp: một trong hai bỏ sót lượt gọi.",
        ),
        fault=_OURS,
    ),
    "LGSPTargetDown": Said(
        Text(
            "{{ $labels.job }} {{ $labels.instance }} cannot be scraped",
            "Không lấy được số liệu từ {{ $labels.job }} {{ $labels.instance }}",
        ),
        Text(
            "The process is gone or cannot be reached; what it counts is missing from every board.",
            "Tiến trình đã dừng hoặc không kết nối được; số liệu của nó vắng mặt trên mọi biểu đồ.",
        ),
        fault=_OURS,
    ),
    "LGSPWatchdog": Said(
        Text("Alerts arrive: this one always fires", "Đường cảnh báo thông suốt: cảnh báo này luôn bật"),
        Text(
            "Its absence is the alarm: route it to something that cries when it stops.",
            "Khi không thấy nó nữa mới là sự cố: hãy gửi nó tới nơi sẽ báo động khi nó ngừng.",
        ),
        fault=_NOBODY,
    ),
}  # fmt: skip
"""Every alert by its name."""
