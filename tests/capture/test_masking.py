import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

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


def places(one: str) -> list[Record]:
    """Records that hold an identifier in every position and encoding."""
    text = json.dumps({"SoDinhDanh": one, "a": [{one: f"x {one} y"}], "n": f"tó {one}"})
    raw = one.encode()
    pdf = b"%PDF\xff\xfe" + raw + b"\x00\xff"
    b64 = base64.b64encode(f'{{"x":"{one}"}}'.encode()).decode()
    bodies = [
        text.encode(),
        json.dumps({"inner": text, "b": b64}, ensure_ascii=True).encode(),
        f"<a:id xmlns:a='x' v='{one}'>{one}</a:id>".encode(),
        f"id={one}&b={quote(b64)}&c={quote(one[:6] + ' ' + one[6:])}".encode(),
        f'--b\r\nContent-Disposition: form-data; name="{one}"\r\n\r\n{one}\r\n--b--'.encode(),
        one.encode("utf-16"),
        gzip.compress(raw),
        pdf,
        base64.b64encode(pdf),
        "".join(chr(0xFF10 + int(d)) for d in one).encode(),
        b'["\\u003' + b"\\u003".join(d.encode() for d in one) + b'"]',
        raw,
    ]
    headers = (("x-id", one), ("cookie", f"id={one}"), ("x-b64", b64), ("link", "/" + "".join(f"%3{d}" for d in one)))
    made = [Record(t=1, reply=Answered(200, headers, Body.of(body)), extra={"har": {"c": one}}) for body in bodies]
    url = f"/p/{one}/x?a={one}&b={quote(b64, safe='')}&c={'.'.join(one)}"
    made += [Record(t=1, request=Asked("POST", url, headers, Body.of(body)), key=one, tx=f"t-{one}") for body in bodies]
    properties = {"correlation_id": one, "headers": {"lgsp-path": f"/p/{one}", "lgsp-key": one, one: "x"}}
    return [*made, Record(t=1, tap="bus.request", message=Message(properties, Body.of(text.encode())))]


def seen_in(line: bytes, one: str) -> bool:
    """Whether an identifier can be had out of a line, by looking harder than the masking does."""
    texts = [line, line.decode("unicode_escape", "replace").encode("utf-8", "replace")]
    found = json.loads(line)
    for side in ("req", "res"):
        if "b64" in found.get(side, {}).get("body", {}):
            data = base64.b64decode(found[side]["body"]["b64"])
            texts += [
                data,
                gzip.decompress(data) if data[:2] == b"\x1f\x8b" else b"",
                data.decode("utf-16", "ignore").encode(),
            ]
    variants = [one, "%3" + "%3".join(one), base64.b64encode(f'{{"x":"{one}"}}'.encode()).decode()]
    variants += ["".join(chr(0xFF10 + int(d)) for d in one), ".".join(one), one[:6] + "%20" + one[6:]]
    return any(variant.encode() in text for variant in variants for text in texts)


def test_of_a_thousand_canaries_in_every_place_none_is_left() -> None:
    left, before = [], 0
    for one in canaries():
        before += seen_in(encode(places(one)[0]), one)
        joined = {MASKING.text(one)}
        for record in places(one) if int(one) % 50 == 0 else places(one)[int(one) % 24 :][:2]:
            masked = MASKING.record(record)
            if seen_in(encode(masked), one):
                left.append((one, encode(masked)))
            if record.key:
                joined.add(masked.key)
        assert len(joined) == 1
    assert before == 1_000
    assert left == []


def test_names_tokens_and_mail_go_too() -> None:
    body = Body.of('{"hoVaTen":"Nguyễn Văn A","mail":"a.b@example.vn"}'.encode())
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
