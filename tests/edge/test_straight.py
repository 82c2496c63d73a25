from __future__ import annotations

from email.utils import parsedate_to_datetime
from http.client import HTTPMessage, parse_headers
from io import BytesIO

import pytest
from aiohttp import HttpVersion, HttpVersion10, HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.test_utils import make_mocked_request

from lgsp.edge.answers import answer_of
from lgsp.edge.straight import AT_MOST, Straight, straight
from lgsp.model import Outcome, Reply, Request, Transaction

ID = "01876cbc-5b2e-7a52-8e6a-4ea7ff3a64d3"
JSON = {"content-type": "application/json; charset=utf-8"}


class Writer(AbstractStreamWriter):
    """Notes what is written, and when somebody waits for the socket."""

    def __init__(self) -> None:
        self.said: list[bytes | str] = []

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self.said.append(bytes(chunk))

    async def write_eof(self, chunk: bytes = b"") -> None:
        raise AssertionError(chunk)

    async def drain(self) -> None:
        self.said.append("waited")

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        raise AssertionError(encoding, strategy)

    def enable_chunking(self) -> None:
        raise AssertionError

    async def write_headers(self, status_line: str, headers: object) -> None:
        raise AssertionError(status_line, headers)


def called(
    method: str = "POST",
    version: HttpVersion = HttpVersion11,
    *,
    closing: bool = False,
    writer: Writer | None = None,
) -> web.BaseRequest:
    return make_mocked_request(method, "/x", version=version, closing=closing, writer=writer or Writer())


def ended(
    status: int = 200, headers: dict[str, str] = JSON, body: bytes = b"{}", outcome: Outcome = Outcome.OK
) -> Transaction:
    reply = Reply(ID, outcome, status, body=body, headers=headers)
    return Transaction(Request(ID, "s", "GET /x", "/x"), reply, outcome, "", 1_684_886_400.25, 0.5)


async def sent(answer: Straight) -> tuple[str, HTTPMessage, bytes]:
    """Status line, headers and body as they went out, in one write that is waited for."""
    writer = Writer()
    await answer.prepare(called(writer=writer))
    await answer.write_eof()
    [data, waited] = writer.said
    assert isinstance(data, bytes)
    assert waited == "waited"
    line, _, rest = data.partition(b"\r\n")
    stream = BytesIO(rest)
    return line.decode(), parse_headers(stream), stream.read()


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.BUSINESS_FAULT])
@pytest.mark.parametrize("body", [b"", b"{}", b"x" * AT_MOST])
async def test_it_is_what_aiohttp_would_send(status: int, outcome: Outcome, body: bytes) -> None:
    transaction = ended(status, body=body, outcome=outcome)
    answer = straight(called(), transaction)
    assert answer is not None
    line, headers, content = await sent(answer)
    usual = answer_of(transaction, "")
    assert line == f"HTTP/1.1 {usual.status} {usual.reason}"
    assert answer.status == usual.status
    assert content == usual.body == body
    assert headers.get_all("Content-Length") == [str(len(body))]
    assert parsedate_to_datetime(headers["Date"]).timestamp() == 1_684_886_400
    told = {name.lower(): value for name, value in headers.items()}
    assert {name: told[name.lower()] for name in usual.headers} == dict(usual.headers)
    assert set(told) - {name.lower() for name in usual.headers} == {"content-length", "date"}
    assert answer.keep_alive


@pytest.mark.parametrize(
    ("http", "transaction"),
    [
        (called("HEAD"), ended()),
        (called(version=HttpVersion10), ended()),
        (called(closing=True), ended()),
        (called(), ended(204, body=b"")),
        (called(), ended(205, body=b"")),
        (called(), ended(299)),
        (called(), ended(404, outcome=Outcome.BUSINESS_FAULT)),
        (called(), ended(100)),
        (called(), ended(headers={})),
        (called(), ended(headers=JSON | {"date": "yesterday"})),
        (called(), ended(headers={"content-type": "text/plain\r\nX-Lgsp-Outcome: ok"})),
        (called(), ended(body=b"x" * (AT_MOST + 1))),
        (called(), Transaction(Request(ID, "s", "GET /x", "/x"), None, Outcome.TIMEOUT, "budget_spent", 0.0, 1.0)),
    ],
)
def test_whatever_is_out_of_the_ordinary_goes_the_long_way(http: web.BaseRequest, transaction: Transaction) -> None:
    assert straight(http, transaction) is None
