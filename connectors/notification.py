"""Tin nhắn SMS, Zalo, thư điện tử: Notifications.

Facts: none public. Assumptions: everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.province.identifiers import is_phone
from connectors.province.proposal import refused
from connectors.province.seed import digits, pick
from lgsp import MalformedRequest, Outcome, Reply, Request

CHANNELS = ("sms", "zalo", "email")
STATES = ("queued", "sent", "delivered", "failed")
_MESSAGE = re.compile(r"MSG[0-9]{10}")


async def answer(request: Request) -> Reply:
    """The receipt of a message, its state, or of a carrier's report."""
    return OPERATIONS[request.operation](request)


def _send(request: Request) -> Reply:
    fields = _fields(request)
    to, channel = str(fields.get("to", "")), fields.get("channel")
    if channel not in CHANNELS or not fields.get("template"):
        return refused(request, "SCHEMA_REJECT", "Cần channel (sms, zalo, email) và template", Outcome.REJECTED, 400)
    if channel != "email" and not is_phone(to):
        return refused(request, "INVALID_PHONE", "Số điện thoại không hợp lệ", Outcome.REJECTED, 400)
    if to.endswith("98"):
        return refused(request, "OPTED_OUT", "Người nhận đã từ chối nhận tin", Outcome.BUSINESS_FAULT, 409)
    if to.endswith("99"):
        return refused(request, "QUOTA_EXCEEDED", "Đã hết hạn mức gửi tin", Outcome.BUSINESS_FAULT, 429)
    return Reply.of_json(request, {"id": f"MSG{digits(f'{to}/{channel}', 'message', 10)}", "state": "queued"})


def _state(request: Request) -> Reply:
    message = request.path_values["id"]
    if not _MESSAGE.fullmatch(message):
        return refused(request, "NOT_FOUND", "Không tìm thấy tin nhắn", Outcome.BUSINESS_FAULT, 404)
    return Reply.of_json(
        request, {"id": message, "state": pick(message, "state", ("sent", "delivered", "delivered", "failed"))}
    )


def _report(request: Request) -> Reply:
    fields = _fields(request)
    if not _MESSAGE.fullmatch(str(fields.get("id", ""))) or fields.get("state") not in STATES:
        return refused(request, "SCHEMA_REJECT", "Cần id và state", Outcome.REJECTED, 400)
    return Reply.of_json(request, {"id": fields["id"], "accepted": True})


OPERATIONS: dict[str, Callable[[Request], Reply]] = {
    "POST /messages": _send,
    "GET /messages/{id}": _state,
    "POST /delivery-report": _report,
}


def _fields(request: Request) -> dict[str, Any]:
    try:
        return request.json_object
    except MalformedRequest:
        return {}
