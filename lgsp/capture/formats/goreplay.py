"""GoReplay's files: `1 id time latency`, the request as it came, a line of three monkeys; `2` is its response."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from http import HTTPStatus
from typing import BinaryIO

from lgsp.capture.formats.report import Report
from lgsp.capture.record import LARGEST, Answered, Asked, Body, Headers, Record

MONKEYS = "\n🐵🙈🙉\n".encode()
MAX_WAITING = 10_000
"""So many requests wait for their responses; a longer wait leaves the oldest without."""
MAX_ITEM = 64 * 1024 * 1024
_HEAD = re.compile(rb"([123]) ([0-9a-zA-Z]{1,64}) (-?\d{1,19})(?: (-?\d{1,19}))?[ \r]*\n")
_REQUEST = re.compile(rb"(\S+) (\S+) (HTTP/\d(?:\.\d)?)")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: .*)?")
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class _Item:
    kind: int
    id: str
    at: int
    latency: int
    payload: bytes
    number: int


def load(stream: BinaryIO, name: str, report: Report) -> Iterator[Record]:  # noqa: ARG001 - a broken item has its number
    """A record a request, with its response where one came, before or after."""
    pairs = _Pairs(report)
    for item in _items(stream, report):
        report.read += 1
        if max(abs(item.at), abs(item.latency)) > LARGEST:
            report.skip(f"item {item.number}", "its time is on no clock")
            continue
        try:
            seen = _asked(item.payload) if item.kind == 1 else _answered(item.payload)
        except ValueError as error:
            report.skip(f"item {item.number}", str(error))
            continue
        yield from pairs.asked(item, seen) if isinstance(seen, Asked) else pairs.answered(item, seen)
    yield from pairs.rest()


@dataclass(slots=True)
class _Place:
    """A request's place in the file; `done` when its response came, or will not be waited for."""

    record: Record
    done: bool = False


class _Pairs:
    """Requests and responses that wait for each other, by their id. Records come in the order of their requests."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._line: deque[_Place] = deque()
        self._waiting: dict[str, _Place] = {}
        self._early: dict[str, tuple[Answered, int]] = {}

    def asked(self, item: _Item, asked: Asked) -> Iterator[Record]:
        """What is complete with this request, or has waited too long."""
        place = _Place(Record(t=item.at, tx=item.id, request=asked))
        self._line.append(place)
        if item.id in self._early:
            reply, _ = self._early.pop(item.id)
            self._report.read -= 1  # the two are one record
            place.record, place.done = replace(place.record, reply=reply), True
        else:
            if item.id in self._waiting:  # an id that comes again: the first one's response never came
                self._waiting[item.id].done = True
            self._waiting[item.id] = place
        if len(self._line) > MAX_WAITING:
            self._give_up(self._line[0])
        yield from self._complete()

    def answered(self, item: _Item, answered: Answered) -> Iterator[Record]:
        """What is complete with this response."""
        if item.id in self._waiting:
            place = self._waiting.pop(item.id)
            self._report.read -= 1
            times = {"total": item.latency or max(0, item.at - place.record.t)}
            place.record, place.done = replace(place.record, reply=answered, times=times), True
            yield from self._complete()
        elif item.kind == 3:
            self._report.skip(f"item {item.number}", "a replayed response of a request that has one, or none")
        elif len(self._early) >= MAX_WAITING or item.id in self._early:
            self._report.skip(f"item {item.number}", "a response without its request")
        else:
            self._early[item.id] = answered, item.number

    def rest(self) -> Iterator[Record]:
        """What stays without its response."""
        for place in self._line:
            yield place.record
        for _, number in self._early.values():
            self._report.skip(f"item {number}", "a response without its request")

    def _complete(self) -> Iterator[Record]:
        while self._line and self._line[0].done:
            yield self._line.popleft().record

    def _give_up(self, place: _Place) -> None:
        place.done = True
        if self._waiting.get(place.record.tx) is place:
            del self._waiting[place.record.tx]


def save(records: Iterable[Record], stream: BinaryIO, report: Report) -> None:
    """Requests and responses of the records that hold HTTP."""
    for record in records:
        report.read += 1
        if record.request is None:
            report.skip(f"record {record.seq}", f"{record.tap} holds no HTTP request: GoReplay has no place for it")
            continue
        if not (record.request.body.whole and (record.reply is None or record.reply.body.whole)):
            report.skip(f"record {record.seq}", "its body was cut or not kept: GoReplay has no way to say so")
            continue
        asked, id_, total = record.request, _id(record), record.times.get("total", 0)
        line = f"{_word(asked.method)} {_word(asked.url)} HTTP/1.1"
        stream.write(f"1 {id_} {record.t} 0\n".encode() + _raw(line, asked.headers, asked.body) + MONKEYS)
        if record.reply is not None and 100 <= record.reply.status <= 999:
            reply = record.reply
            head = f"2 {id_} {record.t + total} {total}\n".encode()
            stream.write(head + _raw(_status(reply.status), reply.headers, reply.body, _bare(reply)) + MONKEYS)


def _items(stream: BinaryIO, report: Report) -> Iterator[_Item]:
    number = 0
    held: tuple[re.Match[bytes], bytes] | None = None
    for piece in _pieces(stream):
        found = _HEAD.match(piece)
        if held is not None:
            wants = _missing(held[1])
            # The monkeys stood inside a body; but whose reply has none at all, that was asked for by HEAD.
            inside = found is None or (wants > 0 and not _is_bare(held))
            if inside and len(held[1]) < MAX_ITEM:
                held = (held[0], held[1] + MONKEYS + piece)
                continue
            yield _item(held, number)
            held = None
        number += 1
        if found is None:
            if piece.strip():
                report.read += 1
                report.skip(f"item {number}", "it begins with no `1 id time` line")
            continue
        held = (found, piece[found.end() :])
    if held is not None:
        if _missing(held[1]) > 0 and not _is_bare(held):
            report.read += 1
            report.skip(f"item {number}", f"cut off: {_missing(held[1])} bytes of its body are missing")
            return
        yield _item(held, number)


def _is_bare(held: tuple[re.Match[bytes], bytes]) -> bool:
    """Whether it is a response of which there are only headers."""
    return held[0][1] != b"1" and held[1].endswith(b"\r\n\r\n") and held[1].count(b"\r\n\r\n") == 1


def _item(held: tuple[re.Match[bytes], bytes], number: int) -> _Item:
    kind, id_, at, latency = held[0].groups()
    return _Item(int(kind), id_.decode(), int(at), int(latency or 0), held[1], number)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(MONKEYS)
        yield from whole
    if rest.strip():
        yield rest.removesuffix(MONKEYS[:-1])


def _missing(payload: bytes) -> int:
    """How many bytes of the body are not there, as its Content-Length has it; 0 where it says nothing."""
    head, _, body = payload.partition(b"\r\n\r\n")
    found = re.search(rb"(?im)^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", head)
    return int(found[1]) - len(body) if found else 0


def _asked(payload: bytes) -> Asked:
    first, headers, body = _parts(payload)
    found = _REQUEST.fullmatch(first)
    if not found:
        raise ValueError("no request line such as `GET /path HTTP/1.1`")
    return Asked(_decoded(found[1]), _decoded(found[2]), headers, Body.of(body))


def _answered(payload: bytes) -> Answered:
    first, headers, body = _parts(payload)
    found = _STATUS.fullmatch(first)
    if not found:
        raise ValueError("no status line such as `HTTP/1.1 200 OK`")
    return Answered(int(found[1]), headers, Body.of(body))


def _parts(payload: bytes) -> tuple[bytes, Headers, bytes]:
    head, blank, body = payload.partition(b"\r\n\r\n")
    if not blank:
        raise ValueError("its headers do not end")
    first, *lines = head.split(b"\r\n")
    pairs = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name.strip():
            raise ValueError("a line among its headers is none")
        pairs.append((_decoded(name.strip()), _decoded(value.strip())))
    if any(name.lower() == "transfer-encoding" and value.lower() == "chunked" for name, value in pairs):
        body = _joined(body)
        pairs = [pair for pair in pairs if pair[0].lower() != "transfer-encoding"]
    return first, tuple(pairs), body


def _joined(body: bytes) -> bytes:
    """The bytes of a chunked body."""
    whole, rest = bytearray(), body
    while True:
        size, line_end, rest = rest.partition(b"\r\n")
        try:
            count = int(size.split(b";")[0], 16)
        except ValueError:
            raise ValueError("its chunks do not add up") from None
        if not line_end or count < 0 or len(rest) < count:
            raise ValueError("its chunks do not add up")
        if count == 0:
            return bytes(whole)
        whole += rest[:count]
        rest = rest[count:].removeprefix(b"\r\n")


def _bare(reply: Answered) -> str:
    """The length that a reply without a body speaks of."""
    said = [value.strip() for name, value in reply.headers if name.strip().lower() == "content-length"]
    return said[0] if said and re.fullmatch(r"[0-9]{1,12}", said[0]) else "0"


def _raw(first: str, headers: Headers, body: Body, bare: str = "0") -> bytes:
    data = body.data or b""
    lines = [first]
    lines += [f"{_token(name)}: {_line(value)}" for name, value in headers if not _frames(name)]
    if data or any(name.lower() == "content-length" for name, _ in headers):
        lines.append(f"Content-Length: {len(data) if data else bare}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + data


def _frames(name: str) -> bool:
    return name.strip().lower() in {"content-length", "transfer-encoding", ""} or name.startswith(":")


def _id(record: Record) -> str:
    plain = record.tx.replace("-", "")
    if re.fullmatch(r"[0-9a-zA-Z]{1,64}", plain):
        return plain
    return sha256(f"{record.tx}\x1f{record.seq}\x1f{record.t}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _status(status: int) -> str:
    try:
        return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP/1.1 {status} "


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _safe(text: str) -> str:
    # What no UTF-8 can say and came from no bytes either.
    return text.encode("utf-8", "surrogateescape" if _from_bytes(text) else "replace").decode(
        "utf-8", "surrogateescape"
    )


def _from_bytes(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _word(text: str) -> str:
    return re.sub(r"\s", lambda sign: f"%{ord(sign[0]):02X}" if ord(sign[0]) < 256 else "_", _safe(text)) or "-"


def _token(text: str) -> str:
    return re.sub(r"[\s:]", "-", _safe(text))


def _line(text: str) -> str:
    return re.sub(r"[\r\n]+", " ", _safe(text)).strip()
