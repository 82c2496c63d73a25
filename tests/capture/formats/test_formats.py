import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import HTTP

from lgsp.capture.formats import FORMATS, Report, accesslog, format_of, goreplay, har, load
from lgsp.capture.record import Answered, Asked, Body, CaptureError, Record, encode

Loaded = tuple[list[Record], Report]


def loaded(module: Any, data: bytes) -> Loaded:
    report = Report()
    return list(module.load(io.BytesIO(data), "x", report)), report


def saved(module: Any, records: list[Record], report: Report | None = None) -> bytes:
    stream = io.BytesIO()
    module.save(records, stream, report or Report())
    return stream.getvalue()


@pytest.mark.parametrize("module", [har, goreplay])
@given(records=st.lists(HTTP, max_size=4))
@settings(max_examples=40)
def test_a_round_trip_is_a_fixed_point(module: Any, records: list[Record]) -> None:
    once = saved(module, records)
    first, report = loaded(module, once)
    assert report.skipped == 0
    again = saved(module, first, report)
    second, report = loaded(module, again)
    assert second == first
    assert saved(module, second, report) == again
    for record in first:
        assert encode(record)


@pytest.mark.parametrize("module", [har, goreplay, accesslog])
@given(data=st.binary(max_size=120), at=st.integers(0, 400))
@settings(max_examples=40)
def test_whatever_bytes_come_there_is_a_place_and_no_traceback(module: Any, data: bytes, at: int) -> None:
    good = {har: HAR, goreplay: GOR, accesslog: LOG}[module]
    try:
        records, report = loaded(module, good[:at] + data + good[at + len(data) :])
    except CaptureError as error:
        assert str(error).startswith("x:")  # noqa: PT017 - many bytes raise, some need not
    else:
        assert len(records) <= report.read
        assert all(position and reason for position, reason in report.named)


def entry(**changed: Any) -> dict[str, Any]:
    return {
        "startedDateTime": "2026-03-01T09:00:00.123+07:00",
        "time": 12.5,
        "request": {"method": "GET", "url": "https://a.example/x?y=1", "headers": [], "bodySize": -1},
        "response": {"status": 200, "headers": [], "content": {"size": 2, "mimeType": "text/plain", "text": "hi"}},
    } | changed


def document(*entries: Any, **log: Any) -> bytes:
    return json.dumps({"log": {"entries": list(entries)} | log}).encode()


HAR = document(entry())
POST = {"method": "POST", "url": "/x", "headers": []}
EMPTY = {"size": 0}


@pytest.mark.parametrize(
    ("changed", "see", "value"),
    [
        ({}, lambda r: r.t, 1772330400123000000),
        ({"startedDateTime": "2026-03-01T02:00:00.123456Z"}, lambda r: r.t, 1772330400123456000),
        ({"startedDateTime": None}, lambda r: r.t, 0),
        ({}, lambda r: r.times, {"total": 12_500_000}),
        ({"time": -1, "timings": {"wait": 5, "ssl": 2, "dns": -1}}, lambda r: r.times, {"total": 5_000_000}),
        ({"response": None}, lambda r: r.reply, None),
        ({"response": {"status": 0, "content": EMPTY}}, lambda r: r.reply.status, 0),
        ({"response": {"status": 200, "content": {"size": 9}}}, lambda r: r.reply.body, Body(None, 9)),
        ({"response": {"status": 200, "content": {"size": 9, "text": "hi"}}}, lambda r: r.reply.body, Body(b"hi", 2)),
        (
            {"response": {"status": 200, "content": {"text": "/w==", "encoding": "base64"}}},
            lambda r: r.reply.body.data,
            b"\xff",
        ),
        (
            {"request": POST | {"postData": {"params": [{"name": "a", "value": "b c"}]}}},
            lambda r: r.request.body.data,
            b"a=b+c",
        ),
        (
            {"request": POST | {"headers": [{"name": ":path", "value": "/x"}, {"name": "A", "value": "1"}]}},
            lambda r: r.request.headers,
            (("A", "1"),),
        ),
        (
            {"response": {"status": 200, "headers": [{"name": "B", "value": "1"}, {"name": "B", "value": "2"}]}},
            lambda r: r.reply.headers,
            (("B", "1"), ("B", "2")),
        ),
    ],
)
def test_what_hars_in_the_wild_hold_is_read(changed: dict[str, Any], see: Callable[[Any], Any], value: Any) -> None:
    (record,), report = loaded(har, b"\xef\xbb\xbf" + document(entry(**changed)))
    assert see(record) == value
    assert (report.read, report.converted) == (1, 1)


def test_fields_of_vendors_survive_the_way_through_a_capture() -> None:
    kept = entry(_initiator={"type": "script"}, _webSocketMessages=[{"data": "x"}], pageref="page_1")
    kept["request"]["_x"], kept["response"]["_transferSize"], kept["request"]["httpVersion"] = 1, 7, "h2"
    records, report = loaded(har, document(kept, _vendor="v", pages=[{"id": "page_1"}]))
    log = json.loads(saved(har, records, report))["log"]
    (back,) = log["entries"]
    assert (log["_vendor"], log["pages"][0]["id"]) == ("v", "page_1")
    assert [back[name] for name in ("_initiator", "_webSocketMessages", "pageref")] == [
        kept[name] for name in ("_initiator", "_webSocketMessages", "pageref")
    ]
    assert (back["request"]["_x"], back["response"]["_transferSize"], back["request"]["httpVersion"]) == (1, 7, "h2")


def test_a_cut_body_is_marked_in_a_har() -> None:
    (record,), _ = loaded(har, HAR)
    assert record.reply is not None
    from dataclasses import replace

    cut = replace(record, reply=replace(record.reply, body=Body(b"hi", 50)))
    content = json.loads(saved(har, [cut]))["log"]["entries"][0]["response"]["content"]
    assert (content["size"], content["_truncated"], content["text"]) == (50, True, "hi")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "x:1: no HAR: Expecting value at column 1"),
        (b'{"log":\n{"entries":[}', "x:2: no HAR: Expecting value at column 13"),
        (b"[]", 'x: no HAR: {"log":{"entries":[...]}} is missing'),
        (b"\xff\xfe", "x: no HAR: no UTF-8 at byte 1"),
    ],
)
def test_what_is_no_har_says_where(data: bytes, problem: str) -> None:
    with pytest.raises(CaptureError) as raised:
        loaded(har, data)
    assert str(raised.value) == problem


def test_an_entry_that_cannot_be_read_is_skipped_with_its_place() -> None:
    _, report = loaded(har, document(entry(), 5, {"request": {"method": "GET"}}, {}))
    assert (report.read, report.converted, report.skipped) == (4, 1, 3)
    assert [position for position, _ in report.named] == ["entries[1]", "entries[2]", "entries[3]"]


M = goreplay.MONKEYS
GOR = b"1 a1 1000 0\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n" + M + b"2 a1 1500 500\nHTTP/1.1 200 OK\r\n\r\nhi" + M


def gor(kind: int, id_: str, first: str, body: bytes = b"", fields: str = "1000 0", head: str = "") -> bytes:
    return f"{kind} {id_} {fields}\n{first}\r\n{head}\r\n".encode() + body + M


GET, OK = "GET /x HTTP/1.1", "HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    ("data", "replies", "skipped"),
    [
        (GOR, [200], 0),
        (gor(2, "a", OK) + gor(1, "a", GET), [200], 0),
        (gor(1, "a", GET), [None], 0),
        (gor(2, "a", OK), [], 1),
        (gor(1, "a", GET, fields="1000") + gor(2, "a", OK, fields="1000"), [200], 0),
        (gor(1, "a", GET) + gor(3, "a", "HTTP/1.1 404 Not Found"), [404], 0),
        (gor(1, "a", GET) + gor(2, "a", OK) + gor(3, "a", OK), [200], 1),
        (gor(1, "a", GET) + gor(1, "a", GET), [None, None], 0),
        (gor(1, "a", GET, b"x" + M + b"y", head="Content-Length: 15\r\n"), [None], 0),
        (gor(1, "a", GET, b"x" + M + b"y"), [None], 0),
        (gor(1, "a", "POST /x HTTP/1.1", b"abc", head="Content-Length: 9\r\n"), [], 1),
        (b"hello" + M + gor(1, "a", GET), [None], 1),
        (gor(1, "a", "nonsense"), [], 1),
    ],
)
def test_goreplay_files_are_read_whatever_their_order(data: bytes, replies: list[int | None], skipped: int) -> None:
    records, report = loaded(goreplay, data)
    assert [record.reply.status if record.reply else None for record in records] == replies
    assert report.skipped == skipped, report.named


def test_monkeys_inside_a_body_stay_there_and_chunks_are_joined() -> None:
    monkeys = b"x" + M + b"1 b 1 0\ny"
    length = f"Content-Length: {len(monkeys)}\r\n"
    (record,), _ = loaded(goreplay, gor(1, "a", "POST /x HTTP/1.1", monkeys, head=length))
    assert record.request is not None
    assert record.request.body.data == monkeys
    chunks = gor(1, "a", "POST /x HTTP/1.1", b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", head="Transfer-Encoding: chunked\r\n")
    (record,), _ = loaded(goreplay, chunks)
    assert record.request is not None
    assert (record.request.body.data, record.request.headers) == (b"abcd", ())


def test_a_reply_to_head_has_the_length_of_what_it_does_not_hold() -> None:
    head = gor(1, "a", "HEAD /x HTTP/1.1") + gor(2, "a", OK, head="Content-Length: 100\r\n")
    for data in (head, head + gor(1, "b", GET) + gor(2, "b", OK, b"hi", head="Content-Length: 2\r\n")):
        records, report = loaded(goreplay, data)
        assert [record.reply.body.data if record.reply else None for record in records] == [b"", b"hi"][: len(records)]
        assert (report.skipped, len(records)) == (0, data.count(M) // 2)
        assert records[0].reply is not None
        assert records[0].reply.headers == (("Content-Length", "100"),)
        assert loaded(goreplay, saved(goreplay, records))[0] == records


def test_a_url_within_a_url_does_not_make_it_whole() -> None:
    record = Record(t=1, request=Asked("GET", "/login?to=https://a.example/"))
    (entry_,) = json.loads(saved(har, [record]))["log"]["entries"]
    assert entry_["request"]["url"] == "http://gateway.lgsp.invalid/login?to=https://a.example/"


@pytest.mark.parametrize(
    ("module", "data", "skipped"),
    [
        (har, b'{"log":{"entries":[]},"x":1e999}', "x: no HAR: 1e999 is more than a number holds"),
        (accesslog, b'{"msec":1e999,"request":"GET / HTTP/1.1"}\n', "1e999 is more than a number holds"),
        (accesslog, b'{"msec":"1e999","request":"GET / HTTP/1.1"}\n', "1e999 seconds are on no clock"),
        (accesslog, b'{"msec":"nan","request":"GET / HTTP/1.1"}\n', "nan seconds are on no clock"),
        (accesslog, b'{"time":"0001-01-01T00:00:00+23:59","request":"GET / HTTP/1.1"}\n', "is in no calendar"),
        (accesslog, b'{"time":"3000-01-01T00:00:00Z","request":"GET / HTTP/1.1"}\n', "after 2262"),
        (accesslog, b'h - - [01/Mar/0001:09:00:00 +0700] "GET / HTTP/1.1" 200 1\n', "before 1678"),
        (accesslog, b'{"msec":"1","request":"GET / HTTP/1.1","body_bytes_sent":"99999999999999999999"}\n', "a reply of more bytes"),
        (goreplay, gor(1, "a", "GET / HTTP/1.1", fields="9999999999999999999 0"), "its time is on no clock"),
    ],
)  # fmt: skip
def test_numbers_that_no_record_holds_are_named(module: Any, data: bytes, skipped: str) -> None:
    try:
        records, report = loaded(module, data)
    except CaptureError as error:
        assert str(error) == skipped  # noqa: PT017 - the whole of a HAR is wrong, of others one line
    else:
        assert (records, report.skipped) == ([], 1)
        assert skipped in report.named[0][1]


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:59", "3000-01-01T00:00:00Z", "1600-01-01T00:00:00Z"])
def test_a_time_that_no_clock_has_is_none_in_a_har(time: str) -> None:
    ((record,), _) = loaded(har, document(entry(startedDateTime=time)))
    assert record.t == 0


@pytest.mark.parametrize(
    "kept", [{"_pseudo": 5}, {"_pseudo": [["x"], 1]}, {"postData": [1]}, {"content": "x"}, {"_size": []}]
)
def test_what_a_capture_says_was_kept_of_a_har_may_be_anything(kept: dict[str, Any]) -> None:
    asked = Asked("POST", "/", (("a", "b"),), Body.of(b"x"), {"har": kept})
    reply = Answered(200, (("a", "b"),), Body.of(b"y"), {"har": kept})
    (again,), report = loaded(har, saved(har, [Record(t=1, request=asked, reply=reply)]))
    assert report.skipped == 0
    assert again.request is not None
    assert (again.request.body, again.request.headers) == (asked.body, asked.headers)


LOG = b'10.0.0.1 - - [01/Mar/2026:09:00:00 +0700] "GET /x?a=1 HTTP/1.1" 200 12 "-" "curl \\"8\\""\n'


@pytest.mark.parametrize(
    ("line", "url", "status"),
    [
        (LOG, "/x?a=1", 200),
        (b'h - frank [01/Mar/2026:09:00:00 +0700] "GET /y HTTP/1.0" 404 -\n', "/y", 404),
        (b'{"time_iso8601":"2026-03-01T09:00:00+07:00","request":"GET /z HTTP/1.1","status":503}\n', "/z", 503),
        (b'{"msec":1772330400.000,"request_method":"GET","request_uri":"/m","status":"200"}\n', "/m", 200),
    ],
)
def test_arrivals_of_access_logs_are_read(line: bytes, url: str, status: int) -> None:
    (record,), report = loaded(accesslog, line)
    assert record.request is not None
    assert record.reply is not None
    assert (record.t, record.request.url, record.reply.status) == (1772330400_000_000_000, url, status)
    assert report.skipped == 0


def test_lines_that_are_no_arrivals_are_skipped_with_their_number() -> None:
    _, report = loaded(accesslog, LOG + b'h - - [01/Mar/2026:09:00:00 +0700] "-" 408 -\nrubbish\n{"a":1}\n\n')
    assert (report.read, report.skipped) == (4, 3)
    assert [position for position, _ in report.named] == ["line 2", "line 3", "line 4"]


@pytest.mark.parametrize(("name", "module"), [("a.har", har), ("a.gor", goreplay)])
def test_calls_recorded_elsewhere_are_numbered_as_they_come(name: str, module: Any, tmp_path: Path) -> None:
    records = [Record(t=at, request=Asked("GET", f"/{at}")) for at in (1, 2, 3)]
    (tmp_path / name).write_bytes(saved(module, records))
    assert [record.seq for record in load(tmp_path / name, Report())] == [1, 2, 3]


def test_the_name_says_the_format_and_gzip_is_seen_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.har.gz"
    path.write_bytes(gzip.compress(HAR))
    assert len(list(load(path, Report()))) == 1
    assert format_of(Path("b.gor")).name == "goreplay"
    with pytest.raises(CaptureError, match="its name says no format"):
        format_of(Path("b.txt"))
    path.write_bytes(gzip.compress(HAR)[:30])
    with pytest.raises(CaptureError, match="damaged gzip"):
        list(load(path, Report()))
    assert sorted(FORMATS) == ["access-log", "goreplay", "har", "lgsp"]
