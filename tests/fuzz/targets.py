"""What reads bytes of strangers: each takes anything, and may only say no in the way it promises.

A target raises for a mistake of ours, and for nothing else. The first bytes of its seeds are files and messages that are right.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pamqp.frame
from builders import a_request
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pamqp import body, commands, header

from connectors import population
from lgsp.bus.message import Message, decode_reply, decode_request
from lgsp.bus.parser import Parser
from lgsp.bus.wire import BadFrame
from lgsp.capture.files import End, Reader
from lgsp.capture.formats import accesslog, goreplay, har
from lgsp.capture.formats.report import Report
from lgsp.capture.record import CaptureError
from lgsp.catalogue.consumer import parse_consumers
from lgsp.catalogue.parse import parse_services, read_catalogue
from lgsp.catalogue.source import Source
from lgsp.edge.tokens import HEADER, Tokens, make_key
from lgsp.errors import CatalogueError, DeliveryError, MalformedRequest

REPOSITORY = Path(__file__).parents[2]
CHANNEL = 5


@dataclass(frozen=True, slots=True)
class Target:
    """`take` is given anything; `seeds` are what it likes, from which the rest is made."""

    take: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


# YAML


def take_yaml(data: bytes) -> None:
    """Services and consumers: right, or a list of mistakes, each with a line."""
    for parse in (
        lambda source: parse_services([source], has_module=lambda _: True),
        lambda source: parse_consumers([source]),
    ):
        try:
            parse(Source("fuzzed.yaml", data))
        except CatalogueError as error:
            assert all(re.match(r"fuzzed\.yaml:[1-9]", problem) for problem in error.problems)  # noqa: PT017 - what it says is the promise


def yaml_seeds() -> list[bytes]:
    """Every service of ours, and the consumers."""
    services = (REPOSITORY / "config/services.yaml").read_text("utf-8").split("\n\n")
    return [each.encode() for each in services if len(each) < 4_000] + [
        (REPOSITORY / "config/consumers.yaml").read_bytes()
    ]


# Frames


class Heard:
    """A hot channel that reads what is delivered, as a bus does."""

    def delivered(self, consumer: bytes, tag: int, message: Message, *, redelivered: bool) -> None:
        del consumer, tag
        read(message, redelivered=redelivered)

    def returned(self, message: Message) -> None:
        read(message, redelivered=False)

    def confirmed(self, tag: int, *, multiple: bool, taken: bool) -> None:
        del tag, multiple, taken

    def method(self, number: tuple[int, int]) -> None:
        del number


def read(message: Message, *, redelivered: bool) -> None:
    for decode in (
        lambda: decode_request(message, "svc", now=1e9, redelivered=redelivered, default_budget=60.0),
        lambda: decode_reply(message),
    ):
        try:
            decode()
        except MalformedRequest:
            continue


def take_frames(data: bytes) -> None:
    """A connection's bytes, cut where the first of them says; what is not ours comes back whole."""
    parser = Parser(lambda _number, _arguments: None, body_max=100_000)
    parser.heat(CHANNEL, Heard())
    cut = 1 + (data[0] if data else 0)
    try:
        for start in range(1, len(data), cut):
            parser.feed(data[start : start + cut])
    except BadFrame:
        pass


def frame_seeds() -> list[bytes]:
    """A delivery with all that a request has, and what else comes on a channel."""
    headers: dict[str, Any] = {"lgsp-version": 1, "lgsp-path": "/x", "lgsp-budget-ms": 500, "x-delivery-count": 3}
    properties = commands.Basic.Properties(
        content_type="application/json", headers=headers, correlation_id="t", message_id="t.1", message_type="GET /x",
        reply_to="gw1", app_id="svc", expiration="500", user_id="gw1", timestamp=None, delivery_mode=2,
    )  # fmt: skip
    deliver = commands.Basic.Deliver("c1", 1, redelivered=True, exchange="lgsp.request", routing_key="svc")
    parts = (deliver, header.ContentHeader(0, 4, properties), body.ContentBody(b"body"))
    whole = b"".join(pamqp.frame.marshal(part, CHANNEL) for part in parts)
    others = (commands.Basic.Ack(3, multiple=True), commands.Channel.Close(404, "gone", 0, 0), commands.Basic.Nack(1))
    return [b"\x00" + whole, b"\x06" + whole * 2, *(b"\xff" + pamqp.frame.marshal(each, CHANNEL) for each in others)]


# Captures


def take_captures(data: bytes) -> None:
    """A file of each format, by the first byte: read + skipped, or an error with its place."""
    formats = (har.load, goreplay.load, accesslog.load)
    kind, data = (data[0] if data else 0) % 4, data[1:]
    report = Report()
    try:
        if kind == len(formats):
            reader = Reader(io.BytesIO(data), "fuzzed")
            for record in reader:
                assert not isinstance(record, End)
            return
        for _ in formats[kind](io.BytesIO(data), "fuzzed", report):
            pass
    except CaptureError as error:
        assert str(error).startswith("fuzzed")  # noqa: PT017 - what it says is the promise
        return
    assert report.read >= report.skipped >= len(report.named)


def capture_seeds() -> list[bytes]:
    """One of each."""
    entry = {
        "startedDateTime": "2023-05-24T07:00:00.123+07:00", "time": 12.5,
        "request": {"method": "POST", "url": "http://a/x?y=1", "headers": [{"name": "A", "value": "b"}],
                    "postData": {"mimeType": "application/json", "text": "{}"}},
        "response": {"status": 200, "headers": [], "content": {"text": "aGk=", "encoding": "base64", "size": 2}},
    }  # fmt: skip
    log = json.dumps({"log": {"version": "1.2", "entries": [entry]}}).encode()
    asked = b"1 a1b2 1684886400000000000 0\nPOST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
    told = b"2 a1b2 1684886400000000001 5000\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    pause = "\n\U0001f435\U0001f648\U0001f649\n".encode()
    access = b'127.0.0.1 - - [24/May/2023:07:00:00 +0700] "GET /x?y=1 HTTP/1.1" 200 12 "-" "curl" 0.012\n'
    native = b'{"lgsp_capture":1}\n{"seq":1,"t":1,"tap":"gateway","tx":"t","req":{"method":"GET","url":"/x"}}\n'
    return [b"\x00" + log, b"\x01" + asked + pause + told + pause, b"\x02" + access, b"\x03" + native]


# Tokens

_KEY = make_key()
_TOKENS = Tokens(_KEY, lambda: "id")
_PRIVATE: Any = load_pem_private_key(_KEY, password=None)


def take_tokens(data: bytes) -> None:
    """A text that says it is a token is none; claims that are signed are a grant or nothing."""
    assert _TOKENS.read(data.decode("utf-8", "replace")) is None
    claims = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    signed = f"{HEADER}.{claims}"
    signature = base64.urlsafe_b64encode(_PRIVATE.sign(signed.encode())).rstrip(b"=").decode()
    _TOKENS.read(f"{signed}.{signature}")


def token_seeds() -> list[bytes]:
    """Claims of a token of ours, and the token with one letter more."""
    token = Tokens(_KEY, lambda: "id").issue("demo", 1_684_886_400.0)
    claims = token.split(".")[1]
    return [base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)), token.encode() + b"x"]


# XML


def take_xml(data: bytes) -> None:
    """A SOAP envelope, at every operation that takes one: an answer in the contract's words, or a refusal."""
    for module, operation in XML:
        asked = a_request(
            operation=operation, path=operation.split()[1], body=data, headers={"content-type": "text/xml"}
        )
        answering = module.answer(asked)
        try:
            answering.send(None)
        except StopIteration:
            continue
        except (MalformedRequest, DeliveryError):
            continue
        raise AssertionError(f"{operation} waits for something")


def xml_seeds() -> list[bytes]:
    """What the catalogue's examples ask."""
    service = read_catalogue(REPOSITORY / "config").find("population")
    examples = [example for operation in service.operations.values() for example in operation.examples]
    return sorted({example.request.body for example in examples})


XML: list[tuple[Any, str]] = [
    (population, "POST /traCuuThongTinCongDan"),
    (population, "POST /xacThucThongTinCongDan"),
    (population, "POST /xacMinhThongTinNhanThan"),
    (population, "POST /traCuu"),
]

TARGETS: Mapping[str, Target] = {
    "yaml": Target(take_yaml, yaml_seeds),
    "frames": Target(take_frames, frame_seeds),
    "captures": Target(take_captures, capture_seeds),
    "tokens": Target(take_tokens, token_seeds),
    "xml": Target(take_xml, xml_seeds),
}
