"""Errors of the gateway in the form of the province's real one: WSO2's codes, JSON unless the caller asks for XML."""

from __future__ import annotations

import json
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lgsp.edge.depth import DEEPEST
from lgsp.model import Outcome

JSON = "application/json; charset=utf-8"
XML = "application/xml; charset=utf-8"
_NAMESPACE = "http://wso2.org/apimanager"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of error: HTTP status, WSO2 code, a sentence, and whether trying again can help (after so many seconds)."""

    status: int
    code: int
    description: str
    retry_after: int | None = None
    maybe_executed: bool = False

    @property
    def challenge(self) -> str | None:
        """The value of `WWW-Authenticate`, where credentials are what is missing."""
        if self.status != 401:
            return None
        return 'Bearer realm="lgsp"' if self.code == 900902 else 'Bearer realm="lgsp", error="invalid_token"'

    @property
    def retryable(self) -> bool:
        """Whether the same call may end otherwise."""
        return self.retry_after is not None


NO_CONTEXT = Fault(
    404, 404, "Không có dịch vụ ở đường dẫn này / No service has this path: see GET /lgsp on the admin port"
)
NO_RESOURCE = Fault(403, 900906, "Dịch vụ không có tài nguyên này / No matching resource found in this service")
NO_TRANSACTION = Fault(404, 404, "Không có giao dịch này / No transaction of yours has this id here")
NO_METHOD = Fault(405, 405, "Phương thức không được hỗ trợ / The resource has other methods, see the header Allow")
INVALID_TOKEN = Fault(401, 900901, "Token không hợp lệ / Invalid Credentials: get a token at POST /token")
NO_TOKEN = Fault(401, 900902, "Thiếu token / Missing Credentials: send the header Authorization: Bearer")
NOT_JUDGED = Fault(500, 900900, "Không xác thực được / Unclassified Authentication Failure: it stands in the log", 5)
BAD_KEY = Fault(400, 400, "X-Lgsp-Key is at most 200 printable ASCII characters")
NO_FORCE = Fault(
    403, 403, "Không được chọn kết quả / This consumer may not choose outcomes: its entry needs may_force: true"
)
NO_CERTIFICATE = Fault(
    401, 900901, "Thiếu chứng thư / Invalid Credentials: this token counts only beside its consumer's own certificate"
)
STRANGE_CERTIFICATE = Fault(
    401, 900901, "Chứng thư không của ai / Invalid Credentials: no consumer has this certificate"
)
OTHER_NETWORK = Fault(403, 900805, "Sai địa chỉ / Message blocked: this consumer does not call from here")
ENCODED = Fault(415, 415, "Content-Encoding is not accepted: send the body as it is")
TOO_LARGE = Fault(413, 413, "The body is larger than this gateway takes")
TOO_DEEP = Fault(400, 400, f"The body is JSON that nests deeper than {DEEPEST} levels, or whose brackets do not match")
NOT_TEXT = Fault(400, 400, "A header that goes on to the provider is UTF-8")
INCOMPLETE = Fault(400, 102511, "Incomplete payload: the body broke off")
TOO_SLOW = Fault(400, 102511, "Incomplete payload: the body did not arrive in time")
NO_LEDGER = Fault(
    503, 101500, "Sổ giao dịch không ghi được / ledger_unavailable: the ledger takes nothing at the moment", 5
)
NO_ROOM = Fault(503, 101500, "Quá tải / The gateway holds as many bodies as it can", 2)
OTHER_HTTP = Fault(400, 400, "This gateway speaks HTTP/1.1 and HTTP/1.0")
NOT_OUR_NAME = Fault(
    421, 421, "This gateway listens on loopback and answers to loopback names only: use 127.0.0.1 or localhost"
)

_BY_REASON: dict[str, Fault] = {
    # The caller's own doing.
    "token_expired": Fault(401, 900901, "Token đã hết hạn / Invalid Credentials: the token is over, get a new one"),
    "token_revoked": Fault(401, 900901, "Token đã bị thu hồi / Invalid Credentials: the token was revoked"),
    "subscription_blocked": Fault(401, 900907, "Đăng ký bị khoá / The subscription to this service is blocked"),
    "subscription_inactive": Fault(401, 900909, "Đăng ký chưa duyệt / The subscription is not approved yet"),
    "conflict": Fault(
        409, 409, "Idempotency-Key đã dùng cho yêu cầu khác / This Idempotency-Key stands for another request of yours"
    ),
    "not_subscribed": Fault(403, 900908, "Chưa đăng ký dịch vụ / Resource forbidden: not subscribed to this service"),
    "operation_not_subscribed": Fault(403, 900910, "Ngoài phạm vi đăng ký / Not subscribed to this operation"),
    "throttled_operation": Fault(
        429, 900802, "Quá hạn mức thao tác / Message throttled out: limit on the operation", 1
    ),
    "throttled": Fault(429, 900803, "Quá hạn mức / Message throttled out: limit of the consumer", 1),
    "throttled_service": Fault(429, 900804, "Quá hạn mức đăng ký / Message throttled out: limit on the service", 1),
    "throttled_tier": Fault(429, 900800, "Quá hạn mức dịch vụ / Message throttled out: limit of the service", 1),
    "hard_limit": Fault(503, 900801, "Quá giới hạn cứng / Hard limit exceeded: what the provider can take at all", 1),
    "throttled_policy": Fault(429, 900806, "Quá hạn mức theo chính sách / Message throttled out: custom policy", 1),
    "throttled_in_flight": Fault(
        429, 900803, "Quá nhiều lời gọi đang chờ / Message throttled out: too many calls of the consumer at once", 1
    ),
    "blocked": Fault(429, 900805, "Bị chặn / Message blocked: ask the operator of the gateway"),
    "throttled_burst": Fault(429, 900807, "Gọi dồn dập / Message throttled out: burst limit on the service", 1),
    "service_blocked": Fault(503, 700700, "Dịch vụ đang bị khoá / API blocked"),
    # The provider's, or of the way to it.
    "budget_spent": Fault(
        504, 101504, "Hết thời gian chờ / The service did not answer in time", 5, maybe_executed=True
    ),
    "cancelled": Fault(504, 101507, "Kết nối bị huỷ / The connection was cancelled", 5, maybe_executed=True),
    "provider_down": Fault(503, 101503, "Không kết nối được hệ thống cung cấp / The provider cannot be reached", 30),
    "connection_closed": Fault(503, 101505, "Kết nối bị đóng / The provider closed the connection", 30),
    "connect_timeout": Fault(503, 101508, "Quá lâu không kết nối được / The provider took no connection in time", 30),
    "send_abort": Fault(503, 101509, "Gửi bị ngắt / Sending to the provider was cut off", 30),
    "suspended": Fault(503, 303001, "Dịch vụ đang tạm dừng / The service is suspended", 30),
    "receive_failed": Fault(502, 101501, "Nhận bị ngắt / The provider's answer broke off", maybe_executed=True),
    "protocol_violation": Fault(502, 101506, "Sai giao thức / The provider does not speak HTTP", maybe_executed=True),
    "connector_lost": Fault(502, 101510, "The connector was lost with the request", maybe_executed=True),
    "connector_exception": Fault(502, 101510, "Bộ kết nối gặp lỗi / The connector failed", maybe_executed=True),
    "bad_reply": Fault(502, 101510, "The connector's reply cannot be read", maybe_executed=True),
    # Ours.
    "bus_unavailable": Fault(503, 101500, "Trục tích hợp không sẵn sàng / The bus is not available", 5),
    "bus_blocked": Fault(503, 101500, "Trục tích hợp bị chặn / The broker takes nothing at the moment", 5),
    "unconfirmed": Fault(
        504, 101508, "Không được xác nhận / The broker did not confirm the request", 5, maybe_executed=True
    ),
    "unroutable": Fault(503, 101503, "Không có bộ kết nối / Nobody serves this service at the moment", 5),
    "overloaded": Fault(503, 101500, "Quá tải / The gateway or the service's queue is full", 2),
    "service_busy": Fault(
        503, 900801, "Dịch vụ đang quá tải / Hard limit exceeded: too many calls of this service at once", 2
    ),
    "shutting_down": Fault(503, 101500, "Cổng đang dừng / The gateway is going down", 5),
    "unsupported_version": Fault(502, 101506, "The connector does not understand this gateway's version"),
}
_BY_OUTCOME: dict[Outcome, Fault] = {
    Outcome.REJECTED: Fault(400, 400, "Yêu cầu bị từ chối / The request was refused"),
    Outcome.PROVIDER_ERROR: Fault(502, 101510, "Hệ thống cung cấp gặp lỗi / The provider failed", 5),
    Outcome.TIMEOUT: _BY_REASON["budget_spent"],
    Outcome.UNREACHABLE: _BY_REASON["provider_down"],
    Outcome.BUS_ERROR: Fault(503, 101500, "Lỗi trục tích hợp / The bus failed", 5),
}


def fault_of(outcome: Outcome, reason: str) -> Fault:
    """The fault of a transaction that ended without an answer of the provider."""
    return _BY_REASON.get(reason) or _BY_OUTCOME.get(outcome) or _BY_OUTCOME[Outcome.BUS_ERROR]


def every_fault() -> list[Fault]:
    """Every answer that the gateway gives in its own name, each once."""
    named = [value for value in globals().values() if isinstance(value, Fault)]
    return list(dict.fromkeys([*named, *_BY_REASON.values(), *_BY_OUTCOME.values()]))


def wants_xml(accept: str) -> bool:
    """Whether a caller's `Accept` prefers XML to JSON."""
    accept = accept.lower()
    if "json" in accept or "*/*" in accept:
        return False
    return "xml" in accept


def body_of(fault: Fault, *, transaction: str = "", reason: str = "", xml: bool = False) -> tuple[bytes, str]:
    """The body of a fault and its content type; transaction, reason and retry stand beside WSO2's own fields."""
    fields: dict[str, object] = {
        "code": fault.code,
        "type": "Status report",
        "message": "Runtime Error",
        "description": fault.description,
    }
    if transaction:
        fields |= {"transaction": transaction, "reason": reason, "retryable": fault.retryable}
        if fault.maybe_executed:
            fields["maybe_executed"] = True
    if not xml:
        return json.dumps({"fault": fields}, ensure_ascii=False).encode(), JSON
    inside = "".join(f"<am:{name}>{escape(_word(value))}</am:{name}>" for name, value in fields.items())
    return f'<am:fault xmlns:am="{_NAMESPACE}">{inside}</am:fault>'.encode(), XML


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
