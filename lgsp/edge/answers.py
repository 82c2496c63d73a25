"""Transactions to HTTP answers: what the provider said, as it said it, or a fault where it said nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from aiohttp import hdrs, web
from multidict import istr

from lgsp.edge.faults import Fault, body_of, fault_of, wants_xml
from lgsp.model import Outcome, Reply, Transaction

SERVER = "lgsp"
_ID, _OUTCOME = istr("X-Transaction-Id"), istr("X-Lgsp-Outcome")  # names that need no folding when they are written
STATUS = "/lgsp/v1/transactions/"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ANSWERED = frozenset({Outcome.OK, Outcome.BUSINESS_FAULT})
_OWN = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-lgsp-outcome",
        "x-transaction-id",
    }
)


class Refused(Exception):
    """The request is no transaction: the answer, and how it counts."""

    def __init__(self, fault: Fault, route: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(fault.description)
        self.fault = fault
        self.route = route
        self.headers = {**headers_of(fault), **(headers or {})}


def answer_of(transaction: Transaction, accept: str) -> web.Response:
    """The answer to the caller, with the transaction's id and outcome beside it."""
    reply = transaction.reply
    if reply is None or not _speaks(reply):
        return _fault(transaction, fault_of(transaction.outcome, transaction.reason), accept)
    if not 200 <= reply.status <= 599:
        return _fault(transaction, fault_of(Outcome.PROVIDER_ERROR, "bad_reply"), accept)
    return web.Response(status=reply.status, body=reply.body, headers=_passed(reply) | _ours(transaction))


def status_path(transaction: str) -> str:
    """Where its sender looks up what became of it."""
    return f"{STATUS}{transaction}"


def accepted(transaction: str) -> web.Response:
    """It is stored for good and will have its outcome; nothing is known of that yet."""
    told = {"transaction": transaction, "state": "stored", "status": status_path(transaction)}
    headers = {_ID: transaction, _OUTCOME: "open", hdrs.SERVER: SERVER}
    return web.json_response(told, status=202, headers=headers)


def _speaks(reply: Reply) -> bool:
    """Whether a reply is the provider's own; a failure without a body is none, but the bus's or the host's word of it."""
    return bool(reply.body) or reply.status < 400 or reply.outcome in _ANSWERED


def _passed(reply: Reply) -> dict[str, str]:
    """The provider's headers but those that are ours, belong to this connection, or would break it."""
    return {name: value for name, value in reply.headers.items() if _passes(name) and value.isprintable()}


@lru_cache(maxsize=1_024)
def _passes(name: str) -> bool:
    return name.lower() not in _OWN and _NAME.fullmatch(name) is not None


def _ours(transaction: Transaction) -> dict[str, str]:
    return {_ID: transaction.request.id, _OUTCOME: str(transaction.outcome), hdrs.SERVER: SERVER}


def _fault(transaction: Transaction, fault: Fault, accept: str) -> web.Response:
    body, content_type = body_of(
        fault, transaction=transaction.request.id, reason=transaction.reason, xml=wants_xml(accept)
    )
    headers = {"Content-Type": content_type, **headers_of(fault), **_ours(transaction)}
    return web.Response(status=fault.status, body=body, headers=headers)


def headers_of(fault: Fault) -> dict[str, str]:
    """What a fault says in headers: when to try again, which credentials to bring."""
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return headers if fault.challenge is None else headers | {"WWW-Authenticate": fault.challenge}
