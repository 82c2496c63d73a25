import base64
import gzip
import html
import json
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import HTTP

from connectors.province.identifiers import parse_citizen_id
from lgsp.capture.masking import Masking
from lgsp.capture.record import Answered, Asked, Body, Message, Record, encode
from lgsp.catalogue.masking import read_masking

RULES = read_masking(Path(__file__).parents[2] / "config")


def a_masking(key: bytes = b"key") -> Masking:
    return Masking(key, RULES.identifiers, keep=RULES.keep, fields=RULES.fields, headers=RULES.headers)


MASKING = a_masking()
IDS = st.builds("0{:02d}{}{:08d}".format, st.integers(0, 99), st.integers(0, 3), st.integers(0, 99_999_999))


@given(st.sets(IDS, max_size=20))
def test_pseudonyms_of_citizens_are_valid_differ_and_are_not_masked_again(ids: set[str]) -> None:
    ids = {each for each in ids if not each.startswith("049080")}
    masked = {each: MASKING.text(each) for each in ids}
    assert len(set(masked.values())) == len(ids)
    for original, pseudonym in masked.items():
        assert pseudonym != original
        assert parse_citizen_id(pseudonym) is not None
        assert pseudonym.startswith("9")
        assert MASKING.text(pseudonym) == pseudonym
        assert a_masking(b"other").text(original) != pseudonym


@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda i: f"CCCD{i}.",
        lambda i: " ".join([i[:3], i[3:6], i[6:9], i[9:]]),
        ".".join,
        lambda i: "-".join([i[:4], i[4:8], i[8:]]),
        lambda i: "\u00a0".join([i[:6], i[6:]]),
        lambda i: "".join(chr(0xFF10 + int(d)) for d in i),
        lambda i: "".join(f"%3{d}" for d in i),
        lambda i: "".join(f"%253{d}" for d in i),
        lambda i: "".join(f"&#{48 + int(d)};" for d in i),
        lambda i: "".join(f"&#x3{d};" for d in i),
        lambda i: "".join(f"\\u003{d}" for d in i),
        lambda i: quote(f"tó{i}"),
        lambda i: json.dumps(f"tó{i}"),
        lambda i: base64.b64encode(f'{{"id":"{i}"}}'.encode()).decode(),
        lambda i: base64.urlsafe_b64encode(f"~~~{i}???".encode()).decode().rstrip("="),
        lambda i: base64.b64encode(base64.b64encode(f"x {i}".encode())).decode(),
    ],
)
@given(original=IDS)
@settings(max_examples=15)
def test_an_identifier_is_found_however_it_is_written(write: Callable[[str], str], original: str) -> None:
    if original.startswith("049080"):
        return
    assert MASKING.text(write(original)) == write(MASKING.text(original)), write(original)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T10:00:00.123Z",
        "1772330400123",
        "049080000001",
        "049080990002",
        "900212345678",
        "12345678",
        "",
        "v2.0.0",
    ],
)
def test_what_is_no_identifier_stays(text: str) -> None:
    assert MASKING.text(text) == text


def canaries() -> list[str]:
    return [f"0{n % 90 + 10:02d}{n % 4}{(n * 7919 + 13) % 10**8:08d}" for n in range(1_000)]


def full_width(one: str) -> str:
    return "".join(chr(0xFF10 + int(digit)) for digit in one)


def packed(one: str) -> str:
    return base64.b64encode(f'{{"x":"{one}"}}'.encode()).decode()


WRITTEN: list[Callable[[str], str]] = [
    str,
    ".".join,
    " ".join,
    full_width,
    packed,
    lambda one: f"{one[:6]} {one[6:]}",
    lambda one: f"{one[:3]}\u00a0{one[3:]}",
    lambda one: "".join(f"%3{digit}" for digit in one),
    lambda one: "".join(f"%253{digit}" for digit in one),
    lambda one: "".join(f"&#{48 + int(digit)};" for digit in one),
    lambda one: "".join(f"&#x3{digit};" for digit in one),
    lambda one: quote(packed(one), safe=""),
    lambda one: base64.urlsafe_b64encode(f"?>{one}~~".encode()).decode().rstrip("="),
    lambda one: base64.b64encode(packed(one).encode()).decode(),
]


def bodies(written: list[str]) -> Iterator[bytes]:
    """Bodies of every kind that hold all of these."""
    values = [{"soDinhDanh": one, "a": [{one: f"x {one} y"}], "n": f"tó {one}"} for one in written]
    text = json.dumps(values)
    lines = "\n".join(written)
    yield text.encode()
    yield json.dumps(values, ensure_ascii=False).encode()
    yield json.dumps({"inner": text, "deeper": json.dumps({"inner": text})}).encode()
    elements = (f"<a:id xmlns:a='x' v='{one}'><!-- {one} --><![CDATA[{one}]]>{one}</a:id>" for one in written)
    yield f"<l>{''.join(elements)}</l>".encode()
    yield "&".join(f"id={quote(one)}&{quote(one)}=1" for one in written).encode()
    yield "\r\n".join(f'--b\r\nContent-Disposition: form-data; name="{one}"\r\n\r\n{one}' for one in written).encode()
    yield lines.encode()
    yield lines.encode("utf-16")
    yield gzip.compress(lines.encode())
    yield b"%PDF\xff\xfe" + lines.encode() + b"\x00\xff"
    yield base64.b64encode(gzip.compress(lines.encode()))
    yield "".join(f"\\u{ord(sign):04x}" for sign in lines).encode()


def places(written: list[str], turn: int) -> Iterator[Record]:
    """Records that hold them in every position; at which of the four places of a body each kind stands takes turns."""
    headers = tuple((name, one) for one in written for name in ("x-id", "cookie", f"x-{one}"))
    url = f"/p/{'/'.join(map(quote, written))}?{'&'.join(f'a={quote(one)}&{quote(one)}' for one in written)}"
    for number, body in enumerate(bodies(written)):
        yield (
            Record(t=1, reply=Answered(200, headers[:3], Body.of(body)), reason=written[0]),
            Record(t=1, request=Asked("POST", "/", body=Body.of(body))),
            Record(t=1, request=Asked("POST", "/", body=Body(body, len(body) + 9))),
            Record(t=1, tap="bus.request", message=Message({"headers": {}}, Body.of(body))),
        )[(number + turn) % 4]
    yield Record(t=1, request=Asked("GET", url, headers), reply=Answered(200, headers))
    yield Record(t=1, extra={"har": {one: [one, {"c": one}] for one in written}})
    known = {one: f"/p/{quote(one)}" for one in written}
    yield Record(t=1, tap="bus.request", message=Message({"correlation_id": written[0], "headers": known}))
    for one in written[:20]:
        yield Record(t=1, key=one, tx=f"t-{one}", consumer=one, reason=f"no {one}")


def visible(data: bytes, deep: int = 0) -> set[str]:
    """Every row of twelve digits that can be had out of bytes, by looking harder than the masking does."""
    found: set[str] = set()
    texts = [data.decode("utf-8", "replace")]
    if data[:2] == b"\x1f\x8b":
        with suppress(EOFError, zlib.error, gzip.BadGzipFile):
            return visible(gzip.decompress(data), deep)
    if data[:2] == b"\xff\xfe":
        texts.append(data.decode("utf-16", "replace"))
    for _ in range(2):
        texts.append(re.sub(r"\\+u([0-9a-f]{4})", lambda unit: chr(int(unit[1], 16)), texts[-1]))
        texts.append(html.unescape(unquote(unquote(texts[-1]))))
    for text in set(texts):
        plain = unicodedata.normalize("NFKC", text)
        found |= set(re.findall(r"(?=(\d{12}))", plain)) | set(
            re.findall(r"(?=(\d{12}))", re.sub(r"(?<=\d)[ .-](?=\d)", "", plain))
        )
        for word in set(re.findall(r"[A-Za-z0-9+/_-]{16,}", text)) if deep < 3 else ():
            inner = word.replace("-", "+").replace("_", "/")
            inner = inner[: len(inner) - (len(inner) % 4 == 1)]
            found |= visible(base64.b64decode(inner + "=" * (-len(inner) % 4)), deep + 1)
    return found


def in_record(record: Record) -> set[str]:
    sides = [side.body.data for side in (record.request, record.reply, record.message) if side and side.body.data]
    return visible(encode(record)).union(*map(visible, sides))


@pytest.mark.parametrize("write", WRITTEN)
def test_of_a_thousand_canaries_in_every_place_and_encoding_none_is_left(write: Callable[[str], str]) -> None:
    """Each of the thousand in one of the writings and all of the places; the first of them in every writing, so that they join."""
    turn = WRITTEN.index(write)
    mine = canaries()[turn :: len(WRITTEN)]
    for record in places([write(one) for one in mine], turn):
        seen = in_record(record) & set(mine)
        assert seen, record
        assert in_record(MASKING.record(record)) & set(mine) == set(), (write(mine[0]), encode(record)[:2_000])
    assert {MASKING.text(write(mine[0]))} == {write(MASKING.text(mine[0]))}


def test_names_tokens_and_mail_go_too() -> None:
    body = Body.of('{"hoVaTen":"Nguyễn Văn A","mail":"a.b@example.org"}'.encode())
    record = Record(t=1, request=Asked("GET", "/x?access_token=abc", (("Authorization", "Bearer abcdefgh"),), body))
    line = encode(MASKING.record(record)).decode()
    assert [word for word in ("Nguy", "a.b@", "abc", "Bearer") if word in line] == []
    assert (
        encode(MASKING.record(Record(t=1, reply=Answered(200, body=Body.of(b"<n:HoTen>Tran B</n:HoTen>"))))).count(
            b"Tran"
        )
        == 0
    )
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"
    assert MASKING.text(f"token {jwt} end") == "token *** end"


@given(HTTP)
@settings(max_examples=40)
def test_what_was_masked_is_not_masked_again(record: Record) -> None:
    once = MASKING.record(record)
    assert MASKING.record(once) == once


LARGE = 100_000


@pytest.mark.parametrize(
    "filling",
    ["7", "1 ", "f0", "a@", "a@b.", "eyJ", "eyJabcdefgh.", "<hoTen ", ' hoTen="', "%25", "&a=1", "\\u0031", "[", 'form-data; name="hoTen"\r\n\r\n', "bearer ", "x:"],
)  # fmt: skip
def test_a_large_body_of_any_kind_is_masked_to_its_end(filling: str) -> None:
    """Each took minutes where its square was looked at; the limit of a test is 20 s."""
    body = f"{filling * (LARGE // len(filling))} \n--</a/>\n012200000123".encode()
    masked = MASKING.data(body)
    assert masked.endswith(MASKING.text("012200000123").encode())
    assert b"012200000123" not in masked


@pytest.mark.parametrize(
    ("body", "gone", "kept"),
    [
        ('{"diaChi":{"so":"12 Lê Lợi","xa":["Tam Kỳ"]},"x":"Lê"}', ["Lợi", "Tam"], ['"x":"Lê"']),
        ('{"maHo":4972155593,"n":4972155593}', ['"maHo":4972155593'], ['"n":4972155593']),
        (
            "<a><n:hoTen x='1'><![CDATA[Lê A]]></n:hoTen><b>Lê</b></a>",
            ["Lê A"],
            ["<b>Lê</b>", "<![CDATA[p:", "]]></n:hoTen>"],
        ),
        ('<a hoTen="Lê A" b="Lê"/>', ["Lê A"], ['b="Lê"']),
        (
            '--b\r\nContent-Disposition: form-data; name="hoTen"\r\n\r\nLê A\r\n--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nLê\r\n--b--\r\n',
            ["Lê A"],
            ['name="x"\r\n\r\nLê\r\n--b--\r\n', 'name="hoTen"\r\n\r\np:'],
        ),
        ("call 02350000000 or 02350000000.", ["02350000000"], ["call 01", "."]),
        ("to a.b@example.org, c@d", ["a.b"], ["to ", "@masked.invalid, c@d"]),
        ("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc.def a.b.c", ["eyJ", "abc"], ["x ***.def a.b.c"]),
    ],
)
def test_fields_are_masked_in_every_form_of_body(body: str, gone: list[str], kept: list[str]) -> None:
    masked = MASKING.data(body.encode())
    assert [word for word in gone if word in masked.decode()] == []
    assert [word for word in kept if word not in masked.decode()] == []
    assert MASKING.data(masked) == masked


@pytest.mark.parametrize(
    ("operation", "url", "masked"),
    [
        ("GET /pupils/{maHo}", "/e/pupils/6893513650", "/e/pupils/p:"),
        ("GET /pupils/{maHo}/x", "/e/pupils/6893513650/x?a=1", "/e/pupils/p:"),
        ("GET /pupils/{other}", "/e/pupils/6893513650", "/e/pupils/6893513650"),
        ("GET /a/{maHo}", "", ""),
        ("", "/e/pupils/6893513650", "/e/pupils/6893513650"),
    ],
)
def test_a_listed_name_in_the_path_of_an_operation_is_masked_there(operation: str, url: str, masked: str) -> None:
    record = Record(t=1, operation=operation, request=Asked("GET", url))
    found = MASKING.record(record).request
    assert found is not None
    assert found.url.startswith(masked)
    assert ("6893513650" in found.url) == ("6893513650" in masked)
    assert found.url.endswith(url.partition("/x")[1] + url.partition("/x")[2])
    message = Message({"headers": {"lgsp-path": url}})
    again = MASKING.record(Record(t=1, tap="bus.request", operation=operation, message=message)).message
    assert again is not None
    assert again.properties["headers"]["lgsp-path"] == found.url
