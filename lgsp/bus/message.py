"""One message is one transaction: requests and replies as AMQP properties, headers and body (`docs/bus.md`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from lgsp.errors import MalformedRequest
from lgsp.model import Outcome, Reply, Request, Stamps

VERSION = "1"
SHORT = 255
_HTTP = "http-"
_FIRST = ".1"  # of the message ids of a transaction: what a reply answers unless it says otherwise
_MS = 1_000
_NS = 1_000_000_000
_OUTCOMES: dict[str | int, Outcome] = {str(outcome): outcome for outcome in Outcome}


@dataclass(slots=True)
class Message:
    """An AMQP message without its library: properties that we use, the header table, and the bytes."""

    body: bytes = b""
    headers: dict[str, str | int] = field(default_factory=dict)
    correlation_id: str = ""
    message_id: str = ""
    type: str = ""
    app_id: str = ""
    reply_to: str = ""
    expiration: str = ""
    content_type: str = ""
    persistent: bool = False
    user: str = ""
    """Of what arrived: the broker user who sent it, if it says so; then the broker has checked it."""


def encode_request(request: Request, *, publish: int, reply_to: str, budget: float, now: float) -> Message:
    """The message of a request; `publish` counts the publishes of this request, `budget` is what is left in seconds.

    A header whose value is its default is left out: the broker looks at each, and so does everybody after it.
    Raises `MalformedRequest` when a name is longer than AMQP's short strings hold.
    """
    message_id = f"{request.id}.{publish}"
    if len(message_id) + len(request.operation) + len(request.consumer) > SHORT // 4:
        # Only now can one of them be too long: a letter has up to four octets.
        for what, text in (("id", message_id), ("operation", request.operation), ("consumer", request.consumer)):
            if len(text.encode()) > SHORT:
                raise MalformedRequest(f"the request's {what} is longer than {SHORT} octets")
    headers: dict[str, str | int] = {"lgsp-sent-ns": int(now * _NS)}
    if request.path != _template(request.operation):
        headers["lgsp-path"] = request.path
    if request.attempt != 1:
        headers["lgsp-attempt"] = request.attempt
    if request.key != request.id:
        headers["lgsp-key"] = request.key
    if request.query:
        headers["lgsp-query"] = request.query
    if request.calm:
        headers["lgsp-behaviour"] = "calm"
    if request.force:
        headers["lgsp-force"] = request.force
    content_type = _carry(request.headers, headers)
    return Message(
        body=request.body,
        headers=headers,
        correlation_id=request.id,
        message_id=message_id,
        type=request.operation,
        app_id=request.consumer,
        reply_to=reply_to,
        expiration=str(max(1, int(budget * _MS))),
        content_type=content_type,
    )


def decode_request(message: Message, service: str, *, now: float, redelivered: bool, default_budget: float) -> Request:
    """The request in a message from the queue of `service`, with the budget that is left at `now`.

    A message without expiration has `default_budget`. Raises `MalformedRequest`.
    """
    headers, request_id = message.headers, message.correlation_id
    if not request_id:
        raise MalformedRequest("the request has no correlation_id")
    template = _template(message.type)
    if not template:
        raise MalformedRequest("the request's type is no operation: write it as `GET /path`")
    budget = _milliseconds(message.expiration, default_budget)
    sent = _integer(headers, "lgsp-sent-ns", 0)
    waited = min(max(now - sent / _NS, 0.0), budget) if sent else 0.0
    # Most have few headers: asking for one that is not there costs as much as reading it.
    return Request(
        id=request_id,
        service=service,
        operation=message.type,
        path=_text(headers, "lgsp-path", template) if "lgsp-path" in headers else template,
        query=_text(headers, "lgsp-query", "") if "lgsp-query" in headers else "",
        consumer=message.app_id,
        key=(_text(headers, "lgsp-key", "") or request_id) if "lgsp-key" in headers else request_id,
        attempt=_integer(headers, "lgsp-attempt", 1) if "lgsp-attempt" in headers else 1,
        body=message.body,
        headers=_carried(message),
        calm=headers.get("lgsp-behaviour") == "calm",
        force=_text(headers, "lgsp-force", "") if "lgsp-force" in headers else "",
        budget=budget - waited,
        waited=waited,
        redelivered=redelivered,
    )


def speaks_our_version(message: Message) -> bool:
    """Whether the message says nothing of a version, or ours."""
    return message.headers.get("lgsp-version", VERSION) == VERSION


def encode_reply(reply: Reply, *, operation: str, service: str, answers: str) -> Message:
    """The message of a reply to the message `answers` of `service`; defaults are left out, as in a request."""
    headers: dict[str, str | int] = {}
    if reply.outcome is not Outcome.OK:
        headers["lgsp-outcome"] = str(reply.outcome)
    if reply.status != 200:
        headers["lgsp-status"] = reply.status
    if reply.reason:
        headers["lgsp-reason"] = reply.reason
    if answers and answers != f"{reply.to}{_FIRST}":
        headers["lgsp-answers"] = answers
    if reply.stamps:
        stamps = reply.stamps
        headers |= {
            "lgsp-t3-ns": stamps.t3,
            "lgsp-t4-ns": stamps.t4,
            "lgsp-t5-ns": stamps.t5,
            "lgsp-t6-ns": stamps.t6,
        }
    content_type = _carry(reply.headers, headers)
    return Message(
        body=reply.body,
        headers=headers,
        correlation_id=reply.to,
        type=operation,
        app_id=service,
        content_type=content_type,
    )


def decode_reply(message: Message) -> Reply:
    """The reply in a message. Raises `MalformedRequest` when it names no request, no outcome or no HTTP status."""
    headers = message.headers
    if not message.correlation_id:
        raise MalformedRequest("the reply has no correlation_id")
    outcome = _OUTCOMES.get(headers.get("lgsp-outcome", "ok"))
    if outcome is None:
        raise MalformedRequest("the reply's lgsp-outcome is none of the seven outcomes")
    status = _integer(headers, "lgsp-status", 200)
    if not 100 <= status <= 599:
        raise MalformedRequest("the reply's lgsp-status is no HTTP status")
    return Reply(
        to=message.correlation_id,
        outcome=outcome,
        status=status,
        reason=_text(headers, "lgsp-reason", ""),
        body=message.body,
        headers=_carried(message),
        stamps=_stamps(headers) if "lgsp-t3-ns" in headers else None,
        service=message.app_id,
    )


def number_answered(message: Message) -> int:
    """Which publish of its request a reply answers; 0 where what it says is none."""
    number = str(message.headers.get("lgsp-answers", _FIRST)).rpartition(".")[2]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0


def _stamps(headers: Mapping[str, str | int]) -> Stamps:
    return Stamps(
        _integer(headers, "lgsp-t3-ns", 0),
        _integer(headers, "lgsp-t4-ns", 0),
        _integer(headers, "lgsp-t5-ns", 0),
        _integer(headers, "lgsp-t6-ns", 0),
    )


@lru_cache(4096)
def _template(operation: str) -> str:
    """The `/template` of an operation, and nothing for what is none."""
    method, _, template = operation.partition(" ")
    return template if method.isalpha() and template.startswith("/") else ""


def _carry(names: Mapping[str, str], headers: dict[str, str | int]) -> str:
    """Put HTTP headers into the table; the content type, which has a property of its own, is given back."""
    content_type = ""
    for name, value in names.items():
        if name == "content-type":
            content_type = value
        elif name == "traceparent":
            headers[name] = value
        else:
            headers[_HTTP + name] = value
    return content_type if len(content_type) <= SHORT // 4 else content_type.encode()[:SHORT].decode(errors="ignore")


def _carried(message: Message) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in message.headers.items():
        carried = _http_name(name)
        if carried and isinstance(value, str):
            found[carried] = value
    if message.content_type:
        found["content-type"] = message.content_type
    return found


@lru_cache(1024)
def _http_name(name: str) -> str:
    """The HTTP header that a bus header carries through, and nothing for any other."""
    return name if name == "traceparent" else name.removeprefix(_HTTP) if name.startswith(_HTTP) else ""


def _text(headers: Mapping[str, str | int], name: str, default: str) -> str:
    value = headers.get(name, default)
    if not isinstance(value, str):
        raise MalformedRequest(f"the header {name} is no text")
    return value


def _integer(headers: Mapping[str, str | int], name: str, default: int) -> int:
    value = headers.get(name, default)
    if not isinstance(value, int):
        raise MalformedRequest(f"the header {name} is no whole number")
    return value


def _milliseconds(text: str, default: float) -> float:
    if not text:
        return default
    if not (len(text) <= 12 and text.isascii() and text.isdigit()):
        raise MalformedRequest("the request's expiration is no number of milliseconds")
    return int(text) / _MS
