from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.traffic.replay.place import Said, changed, parse_place, put, values

SAID = Said(
    (("Authorization", "Bearer abc"), ("cookie", "a=1; sid=s1"), ("X-Id", "7"), ("Set-Cookie", "sid=s2; Path=/")),
    b'{"id":17,"items":[{"n":"x"},{"n":"y"}],"deep":{"ok":true}}',
    "/tickets/t%201/lines?q=1&when=a+b&q=2",
)
FORM = Said(body=b"user=a&pass=b%20c")
SOAP = Said(body=b"<e:Envelope><e:Body><n:MaYeuCau a='1'>YC &amp; 1</n:MaYeuCau></e:Body></e:Envelope>")


@pytest.mark.parametrize(
    ("said", "place", "found"),
    [
        (SAID, "header:authorization", ["Bearer abc"]),
        (SAID, "header:x-none", []),
        (SAID, "cookie:sid", ["s1", "s2"]),
        (SAID, "path", ["", "tickets", "t 1", "lines"]),
        (SAID, "query:q", ["1", "2"]),
        (SAID, "query:when", ["a b"]),
        (SAID, "$.id", ["17"]),
        (SAID, "$.items[].n", ["x", "y"]),
        (SAID, "$.items[1].n", ["y"]),
        (SAID, "$.items[2].n", []),
        (SAID, "$.items", []),
        (SAID, "$.deep.ok", ["true"]),
        (SAID, "$.deep.ok.further", []),
        (Said(body=b"no json"), "$.id", []),
        (Said(body=b"\xff"), "form:a", []),
        (FORM, "form:pass", ["b c"]),
        (SOAP, "xml:MaYeuCau", ["YC & 1"]),
        (SOAP, "xml:Envelope", []),
    ],
)
def test_what_stands_at_a_place_is_read(said: Said, place: str, found: list[str]) -> None:
    assert values(parse_place(place), said) == found


@pytest.mark.parametrize(
    ("said", "place", "new"),
    [
        (SAID, "header:authorization", "Basic x"),
        (SAID, "cookie:sid", "other"),
        (SAID, "query:when", "c & d"),
        (SAID, "$.id", "18"),
        (SAID, "$.id", "text"),
        (SAID, "$.items[0].n", "Đặng"),
        (SAID, "$.new.inside", "v"),
        (SAID, "header:timestamp", "1"),
        (SAID, "query:new", "ă&b"),
        (FORM, "form:pass", "x=y"),
        (FORM, "form:new", "1"),
        (Said(), "$.a", "1"),
        (Said(), "cookie:a", "1"),
        (SOAP, "xml:MaYeuCau", "<2>"),
    ],
)
def test_what_is_put_somewhere_is_read_there(said: Said, place: str, new: str) -> None:
    where = parse_place(place)
    assert set(values(where, put(where, said, new))) == {new}


def test_the_rest_stays_byte_for_byte_and_a_number_stays_a_number() -> None:
    assert put(parse_place("$.id"), SAID, "18").body == SAID.body.replace(b"17", b"18")
    assert put(parse_place("query:when"), SAID, "c").target == "/tickets/t%201/lines?q=1&when=c&q=2"
    assert (
        changed(parse_place("path"), SAID, lambda part: part.replace("t 1", "t/2")).target
        == "/tickets/t%2F2/lines?q=1&when=a+b&q=2"
    )
    assert put(parse_place("cookie:sid"), SAID, "z").headers[3] == ("Set-Cookie", "sid=z; Path=/")


PLACES = ["path", "query:q", "form:user", "header:x-id", "cookie:sid", "$.id", "$.items[].n", "xml:MaYeuCau"]


@given(st.sampled_from([SAID, FORM, SOAP, Said()]), st.sampled_from(PLACES), st.binary(max_size=20))
def test_where_nothing_changes_nothing_is_touched(said: Said, place: str, junk: bytes) -> None:
    where = parse_place(place)
    assert changed(where, said, lambda value: value) == said
    odd = Said((("cookie", junk.decode("latin-1")),), junk, junk.decode("latin-1"))
    assert changed(where, odd, lambda value: value) == odd


@pytest.mark.parametrize("text", ["", "$", "$.", "$.a[x]", "body", "header:", "head:x", "path:1", "$a"])
def test_what_is_no_place_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is no place: write path, query:NAME"):
        parse_place(text)
