"""Tin nhắn SMS, Zalo, thư điện tử: Notifications.

Facts: none public. Assumptions: everything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from connectors.province.body import object_of
from connectors.province.identifiers import is_phone
from connectors.province.proposal import refused
from connectors.province.seed import digits, pick
from lgsp import Kept, Outcome, Reply, Request, State

CHANNELS = ("sms", "zalo", "email")
STATES = ("queued", "sent", "delivered", "failed")
FINAL = ("delivered", "failed")
STATE = {"message": Kept(seconds=7 * 86_400)}
"""The state of a message that was sent or reported on, by id."""
_MESSAGE = re.compile(r"MSG[0-9]{10}")


def answer_with(request: Request, state: State) -> Reply:
    """The receipt of a message, its state, or of a carrier's report."""
    return OPERATIONS[request.operation](request, state)


def refuse(request: Request, outcome: Outcome) -> Reply:
    """The service's own error form."""
    if outcome is Outcome.REJECTED:
        return refused(request, "SCHEMA_REJECT", "Dữ liệu không hợp lệ", outcome, 400)
    return refused(request, "SYSTEM_ERROR", "Hệ thống nhắn tin gặp lỗi", outcome, 500)


def _send(request: Request, state: State) -> Reply:
    fields = object_of(request)
    to, channel = str(fields.get("to", "")), fields.get("channel")
    if channel not in CHANNELS or not fields.get("template"):
        return refused(request, "SCHEMA_REJECT", "Cần channel (sms, zalo, email) và template", Outcome.REJECTED, 400)
    if channel != "email" and not is_phone(to):
        return refused(request, "INVALID_PHONE", "Số điện thoại không hợp lệ", Outcome.REJECTED, 400)
    if to.endswith("98"):
        return refused(request, "OPTED_OUT", "Người nhận đã từ chối nhận tin", Outcome.BUSINESS_FAULT, 409)
    if to.endswith("99"):
        return refused(request, "QUOTA_EXCEEDED", "Đã hết hạn mức gửi tin", Outcome.BUSINESS_FAULT, 429)
    # The same message is one message, so that a retry does not send two.
    message = f"MSG{digits(json.dumps(fields, sort_keys=True), 'message', 10)}"
    if state.get("message", message) is None:
        state.put("message", message, STATES[0])
    return Reply.of_json(request, {"id": message, "state": STATES[0]})


def _state(request: Request, state: State) -> Reply:
    message = request.path_values["id"]
    if not _MESSAGE.fullmatch(message):
        return refused(request, "NOT_FOUND", "Không tìm thấy tin nhắn", Outcome.BUSINESS_FAULT, 404)
    return Reply.of_json(request, {"id": message, "state": _stands(message, state)})


def _report(request: Request, state: State) -> Reply:
    """Note the carrier's word; one that comes after the end, or goes back, changes nothing."""
    fields = object_of(request)
    message, says = str(fields.get("id", "")), fields.get("state")
    if not _MESSAGE.fullmatch(message) or says not in STATES:
        return refused(request, "SCHEMA_REJECT", "Cần id và state", Outcome.REJECTED, 400)
    before = state.get("message", message)
    if before is None or (before not in FINAL and STATES.index(says) > STATES.index(before)):
        state.put("message", message, says)
    return Reply.of_json(request, {"id": message, "accepted": True})


def _stands(message: str, state: State) -> str:
    return state.get("message", message) or pick(message, "state", ("sent", "delivered", "delivered", "failed"))


OPERATIONS: dict[str, Callable[[Request, State], Reply]] = {
    "POST /messages": _send,
    "GET /messages/{id}": _state,
    "POST /delivery-report": _report,
}
