"""Transactions to HTTP answers: what the provider said, as it said it, or a fault where it said nothing."""

from __future__ import annotations

import re

from aiohttp import web
from multidict import CIMultiDict

from lgsp.edge.faults import Fault, body_of, fault_of, wants_xml
from lgsp.model import Outcome, Reply, Transaction

SERVER = "lgsp"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ANSWERED = frozenset({Outcome.OK, Outcome.BUSINESS_FAULT})
_OWN = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def answer_of(transaction: Transaction, accept: str) -> web.Response:
    """The answer to the caller, with the transaction's id and outcome beside it."""
    reply = transaction.reply
    if reply is None or not _speaks(reply):
        response = _fault(transaction, fault_of(transaction.outcome, transaction.reason), accept)
    elif not 200 <= reply.status <= 599:
        response = _fault(transaction, fault_of(Outcome.PROVIDER_ERROR, "bad_reply"), accept)
    else:
        response = web.Response(status=reply.status, body=reply.body, headers=_passed(reply))
    response.headers["X-Transaction-Id"] = transaction.request.id
    response.headers["X-Lgsp-Outcome"] = str(transaction.outcome)
    response.headers["Server"] = SERVER
    return response


def _speaks(reply: Reply) -> bool:
    """Whether a reply is the provider's own; a failure without a body is none, but the bus's or the host's word of it."""
    return bool(reply.body) or reply.status < 400 or reply.outcome in _ANSWERED


def _passed(reply: Reply) -> CIMultiDict[str]:
    """The provider's headers but those that belong to this connection, or would break it."""
    return CIMultiDict(
        (name, value)
        for name, value in reply.headers.items()
        if name.lower() not in _OWN and _NAME.fullmatch(name) and value.isprintable()
    )


def _fault(transaction: Transaction, fault: Fault, accept: str) -> web.Response:
    body, content_type = body_of(
        fault, transaction=transaction.request.id, reason=transaction.reason, xml=wants_xml(accept)
    )
    return web.Response(status=fault.status, body=body, headers={"Content-Type": content_type, **headers_of(fault)})


def headers_of(fault: Fault) -> dict[str, str]:
    """What a fault says in headers: when to try again, which credentials to bring."""
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return headers if fault.challenge is None else headers | {"WWW-Authenticate": fault.challenge}
