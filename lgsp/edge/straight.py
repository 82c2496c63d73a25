"""The answer that most calls get, as the bytes that go out: head and body in one write, without a header table between."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from aiohttp import HttpVersion11, hdrs, web

from lgsp.edge.answers import SERVER
from lgsp.model import Transaction

AT_MOST = 16_384
"""A larger body is not copied behind its head: it goes aiohttp's way."""
_ONLY = {"content-type"}
_WITH_BODY = {
    status.value: status.phrase
    for status in HTTPStatus
    if 200 <= status < 300 and status not in {HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT}
}


class Straight(web.StreamResponse):
    """An answer to a connection that stays, ready to be written. Nothing can be added to it."""

    def __init__(self, status: int, data: bytes) -> None:
        super().__init__(status=status)
        self._data = data

    @property
    def keep_alive(self) -> bool:
        """The connection takes the next request."""
        return True

    async def prepare(self, request: web.BaseRequest) -> Any:  # noqa: ANN401 - aiohttp keeps the type of its writers to itself
        """Write all of it; a caller that does not read is waited for, as everywhere."""
        writer = request.writer
        await writer.write(self._data)
        await writer.drain()
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """It is written."""


def straight(http: web.BaseRequest, transaction: Transaction) -> Straight | None:
    """The provider's reply, as `answers.answer_of` would give it; `None` where anything about it is out of the ordinary."""
    reply = transaction.reply
    if reply is None or reply.headers.keys() != _ONLY or len(reply.body) > AT_MOST:
        return None
    if http.version != HttpVersion11 or not http.keep_alive or http.method == hdrs.METH_HEAD:
        return None
    begin = _begin(reply.status, reply.headers["content-type"])
    if not begin:
        return None
    head = (
        f"{begin}X-Transaction-Id: {transaction.request.id}\r\nX-Lgsp-Outcome: {transaction.outcome}\r\n"
        f"Content-Length: {len(reply.body)}\r\nDate: {_date(int(transaction.started_at + transaction.seconds))}\r\n\r\n"
    )
    return Straight(reply.status, head.encode() + reply.body)


@lru_cache(maxsize=1_024)
def _begin(status: int, content_type: str) -> str:
    """What all answers of one kind begin with; empty where it is none of the ordinary."""
    phrase = _WITH_BODY.get(status)
    if phrase is None or not content_type.isprintable():
        return ""
    return f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {content_type}\r\nServer: {SERVER}\r\n"


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
