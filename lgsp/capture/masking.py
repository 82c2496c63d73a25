"""Personal data goes before anything is on disk: by field, and by what an identifier looks like, however it is written.

A pseudonym is drawn from a key and keeps its form: the same identifier is the same pseudonym in every record, two are never one where
the form is a permutation, and what was masked is not masked again. It is still personal data for whoever has the key.
"""

from __future__ import annotations

import base64
import gzip
import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

from lgsp.capture.record import Body, Headers, Record, dump, parse

GONE = "***"
_PATH = "lgsp-path"
_UNIT = r"(?:%(?:25){0,2}3\d|&#0*(?:4[89]|5[0-7]);|&#x0*3\d;|\\u003\d|\d)"
_GAP = (
    r"(?:[ ./_\-+\u00a0\u2007\u2009\u200b\u202f\u2060]|%(?:25)?(?:20|2[DdEe])|%C2%A0|&nbsp;"
    r"|&#0*(?:32|4[56]|160);|&#[xX]0*(?:20|2[DdEe]|[Aa]0);|\\u00(?:20|2[DdEe]|[Aa]0))"
)
_SKIP = r"%(?:25)*(?!3\d)[0-9A-Fa-f]{2}|\\u(?!003\d)[0-9A-Fa-f]{4}"
_ESCAPED = re.compile(r"\\u(?!0022|005[cC]|[dD][89A-Fa-f])([0-9A-Fa-f]{4})")
_UUID = r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Fa-f])"
_RUN = re.compile(rf"{_UUID}|(?P<run>{_UNIT}(?:{_GAP}{{0,2}}{_UNIT}){{8,}})|{_SKIP}")
_EACH = re.compile(rf"({_UNIT})|({_GAP})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_DOTTED = re.compile(r"(?<![\w-])[\w-]++(?:\.[\w-]*+)++")
_JWT = re.compile(r"eyJ[\w-]{8,}")
_BEARER = re.compile(r"(?i:bearer +)[\w.~+/-]{16,}=*")
_LOCAL = re.compile(r"[\w.+-]+\Z")
_DOMAIN = re.compile(r"(?!masked\.invalid)[\w-]++(?:\.[\w-]+)+")
_LONGEST_LOCAL, _LONGEST_DOMAIN = 64, 255
_DEEP = 3
_AT_MOST = 64 * 1024 * 1024


class Masking:
    """Masks records with one key. `identifiers`: (what one looks like, form of its pseudonym), the first that fits."""

    def __init__(
        self,
        key: bytes,
        identifiers: Sequence[tuple[str, str]],
        *,
        keep: Sequence[str] = (),
        fields: Sequence[str] = (),
        headers: Sequence[str] = (),
    ) -> None:
        self._key = key[:64]
        self._identifiers = [(re.compile(matches), form) for matches, form in identifiers]
        self._keep = [re.compile(pattern) for pattern in keep]
        self._fields = frozenset(name.lower() for name in fields)
        self._headers = frozenset(name.lower() for name in headers)
        names = "|".join(re.escape(name) for name in sorted(self._fields)) or "(?!)"
        self._element = re.compile(rf"(?is)(<(?:[\w.-]+:)?(?:{names})(?:\s[^<>]*)?>)(<!\[CDATA\[)?([^<>]+)(\]\]>)?(</)")
        self._attribute = re.compile(rf"""(?i)(\s(?:[\w.-]+:)?(?:{names})\s*=\s*)(["'])([^"'<>]+)\2""")
        self._part_of_a_form = re.compile(rf"""(?i);\s*name=(?:"(?:{names})"|(?:{names})[;\s])""")
        self._longest = max((len(form) for _, form in self._identifiers), default=0)
        self.pseudonym = lru_cache(65_536)(self._pseudonym)

    def record(self, record: Record) -> Record:
        """The record without what it must not hold; one that was masked already comes back as it is."""
        asked, answered, message = record.request, record.reply, record.message
        if asked is not None:
            asked = replace(
                asked,
                url=self.url(self._by_template(asked.url, record.operation)),
                headers=self._masked_headers(asked.headers),
                body=self._body(asked.body),
                extra=self._value(asked.extra),
            )
        if answered is not None:
            answered = replace(
                answered,
                headers=self._masked_headers(answered.headers),
                body=self._body(answered.body),
                extra=self._value(answered.extra),
            )
        if message is not None:
            message = replace(
                message,
                properties=self._properties(message.properties, record.operation),
                body=self._body(message.body),
            )
        return replace(
            record,
            tx=self.text(record.tx),
            key=self.text(record.key),
            consumer=self.text(record.consumer),
            reason=self.text(record.reason),
            request=asked,
            reply=answered,
            message=message,
            extra=self._value(record.extra),
        )

    def text(self, text: str, deep: int = 0) -> str:
        """Any text."""
        if len(text) < 6:
            return text
        if "eyJ" in text:
            text = _DOTTED.sub(_without_tokens, text)
        if "earer" in text:
            text = _BEARER.sub(GONE, text)
        if "@" in text:
            text = "".join(self._mailed(text))
        text = _RUN.sub(self._run, text)
        if "\\u" in text:
            plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
            masked = self.text(plain, deep + 1) if deep < _DEEP else plain
            text = text if masked == plain else masked
        if deep < _DEEP and len(text) >= 12:
            text = _BASE64.sub(lambda found: self._base64(found[0], deep), text)
        return text

    def url(self, url: str) -> str:
        """A url, each part by itself as it was meant and as it is written."""
        path, mark, query = url.partition("?")
        path = "/".join(self._part(part, plus=False) for part in path.split("/"))
        return self.text(path + mark + "&".join(self._pair(pair) for pair in query.split("&")))

    def data(self, data: bytes, deep: int = 0) -> bytes:
        """A body: JSON and XML by their fields, and whatever else by what stands in it."""
        if data.startswith(b"\x1f\x8b") and deep < _DEEP:
            return self._zipped(data, deep)
        for encoding in (["utf-16"] if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else []) + ["utf-8"]:
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            masked = self._document(text, deep)
            return data if masked == text else masked.encode(encoding, "surrogatepass")
        text = data.decode("utf-8", "surrogateescape")
        masked = self.text(text, deep)
        return data if masked == text else masked.encode("utf-8", "surrogateescape")

    def _properties(self, properties: Mapping[str, Any], operation: str) -> Any:  # noqa: ANN401 - JSON
        headers = properties.get("headers")
        if isinstance(headers, dict) and isinstance(path := headers.get(_PATH), str):
            properties = {**properties, "headers": headers | {_PATH: self.url(self._by_template(path, operation))}}
        return self._value(properties)

    def _by_template(self, url: str, operation: str) -> str:
        """The url without the values of path parameters that are listed fields: `GET /pupils/{code}` says which they are."""
        names = operation.partition(" ")[2].split("/")
        path, mark, query = url.partition("?")
        parts = path.split("/")
        for back, name in enumerate(reversed(names), 1):
            if name[:1] == "{" and self._listed(name.strip("{}")) and back <= len(parts):
                parts[-back] = quote(self._drawn_once(unquote(parts[-back])), safe=":")
        return "/".join(parts) + mark + query

    def _body(self, body: Body) -> Body:
        if not body.data:
            return body
        data = self.data(body.data)
        return replace(body, data=data, size=len(data) if body.whole else max(body.size, len(data) + 1))

    def _document(self, text: str, deep: int) -> str:
        if text[:1] in {"{", "["}:
            try:
                value = parse(text)
                masked = self._value(value)
                return text if masked == value else dump(masked)[:-1].decode("utf-8", "surrogatepass")
            except (ValueError, RecursionError):
                pass  # no JSON after all
        if text.startswith("--") and "form-data" in text:
            text = self._form(text)
        if "</" in text or "/>" in text:
            text = self._element.sub(lambda f: f[1] + (f[2] or "") + self._drawn_once(f[3]) + (f[4] or "") + f[5], text)
            text = self._attribute.sub(lambda f: f[1] + f[2] + self._drawn_once(f[3]) + f[2], text)
        elif "=" in text and "\n" not in text:
            text = "&".join(self._pair(pair) for pair in text.split("&"))
        return self.text(text, deep)

    def _form(self, text: str) -> str:
        """`multipart/form-data`, each part by its name."""
        boundary = text.partition("\n")[0].rstrip("\r")
        parts = text.split(boundary)
        for number, part in enumerate(parts):
            head, blank, value = part.partition("\r\n\r\n")
            if blank and self._part_of_a_form.search(head + " "):
                inner = value.removesuffix("\r\n")
                parts[number] = head + blank + self._drawn_once(inner) + value[len(inner) :]
        return boundary.join(parts)

    def _value(self, value: Any, field: str = "") -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {self.text(key): self._value(inner, field or self._listed(key)) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(inner, field) for inner in value]
        if isinstance(value, str):
            return self._drawn_once(value) if field else self._inner(value)
        if field and type(value) in {int, float}:
            return self._drawn_once(str(value))
        if type(value) is int and value > 99_999_999:
            masked = self.text(str(value))
            return int(masked) if masked.isdigit() else value
        return value

    def _listed(self, name: str) -> str:
        """The name, where everything below it is masked."""
        return name if name.lower() in self._fields else ""

    def _inner(self, text: str) -> str:
        if "%" in text:
            text = self.url(text)
        return self._document(text, 0) if text[:1] in {"{", "[", "<"} else self.text(text)

    def _masked_headers(self, headers: Headers) -> Headers:
        return tuple(
            (
                self.text(name),
                GONE if name.lower() in self._headers else self.url(value) if "%" in value else self.text(value),
            )
            for name, value in headers
        )

    def _pair(self, pair: str) -> str:
        name, mark, value = pair.partition("=")
        if name.lower() in self._fields and value:
            return name + mark + quote(self._drawn_once(value), safe=":")
        return self._part(name, plus=True) + mark + self._part(value, plus=True)

    def _part(self, part: str, *, plus: bool) -> str:
        if "%" not in part and "+" not in part:
            return self.text(part)
        plain = unquote_to_bytes(part.replace("+", " ") if plus else part)
        masked = self.data(plain)
        return part if masked == plain else quote(masked)

    def _zipped(self, data: bytes, deep: int) -> bytes:
        try:
            unzip = zlib.decompressobj(31)
            plain = unzip.decompress(data, _AT_MOST)
        except zlib.error:
            return data
        masked = self.data(plain, deep + 1)
        return data if masked == plain else gzip.compress(masked, mtime=0)

    def _base64(self, text: str, deep: int) -> str:
        bare = text.rstrip("=")
        safe = "-" in bare or "_" in bare
        bare = bare[: len(bare) - (len(bare) % 4 == 1)]
        plain = base64.b64decode(bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4))
        masked = self.data(plain, deep + 1)
        if masked == plain:
            return text
        again = (base64.urlsafe_b64encode if safe else base64.b64encode)(masked).decode()
        return again if text.endswith("=") else again.rstrip("=")

    def _mailed(self, text: str) -> Iterator[str]:
        """The text in pieces, its mail addresses exchanged. Looks around each `@`: in a long word without one there is none."""
        done = at = 0
        while (at := text.find("@", at)) >= 0:
            local = _LOCAL.search(text, max(done, at - _LONGEST_LOCAL), at)
            domain = _DOMAIN.match(text, at + 1, at + 1 + _LONGEST_DOMAIN)
            if local and domain:
                yield text[done : local.start()]
                yield f"{self._drawn(text[local.start() : domain.end()])}@masked.invalid"
                done = domain.end()
            at += 1
        yield text[done:]

    def _run(self, found: re.Match[str]) -> str:
        """A row of digits, however each is written: what makes up an identifier is exchanged digit by digit."""
        run = found["run"]
        if run is None:
            return found[0]
        units = [(each[0], each[1] is not None) for each in _EACH.finditer(run)]
        places = [place for place, (_, is_digit) in enumerate(units) if is_digit]
        digits = "".join(str(_digit(units[place][0])) for place in places)
        ends = {n for n, place in enumerate(places, 1) if n == len(places) or places[n] != place + 1}
        masked = "".join(self._windows(digits, sorted(ends)))
        texts = [text for text, _ in units]
        for place, digit in zip(places, masked, strict=True):
            texts[place] = _written(texts[place], digit)
        return "".join(texts)

    def _windows(self, digits: str, ends: list[int]) -> Iterator[str]:
        """The digits, each group that is an identifier exchanged: one piece, or pieces side by side, longest first."""
        begin = first = 0
        while begin < len(digits):
            last = first
            while last + 1 < len(ends) and ends[last + 1] - begin <= self._longest:
                last += 1
            for chosen in range(last, first - 1, -1):
                masked = self.pseudonym(digits[begin : ends[chosen]])
                if masked is not None:
                    yield masked
                    break
            else:
                chosen = first
                yield digits[begin : ends[first]]
            begin, first = ends[chosen], chosen + 1

    def _pseudonym(self, digits: str) -> str | None:
        """What stands for an identifier; `None` for what is none, or stays."""
        if any(pattern.fullmatch(digits) for pattern in self._keep):
            return digits
        for matches, form in self._identifiers:
            if len(form) == len(digits) and matches.fullmatch(digits):
                drawn = iter(self._permuted("".join(d for d, f in zip(digits, form, strict=True) if f == "#"), form))
                return "".join(_formed(digit, sign, drawn) for digit, sign in zip(digits, form, strict=True))
        return None

    def _permuted(self, digits: str, form: str) -> str:
        """Another number of as many digits: a permutation that the key chooses (a Feistel network of eight rounds)."""
        half = len(digits) // 2
        left, right = int(digits[:half] or 0), int(digits[half:] or 0)
        size_left, size_right = 10**half, 10 ** (len(digits) - half)
        for turn in range(4):
            left = (left + self._number(f"{form}/{turn}/r/{right}")) % size_left
            right = (right + self._number(f"{form}/{turn}/l/{left}")) % size_right
        return (f"{left:0{half}d}" if half else "") + (f"{right:0{len(digits) - half}d}" if digits else "")

    def _number(self, text: str) -> int:
        return int.from_bytes(blake2b(text.encode(), digest_size=16, key=self._key).digest())

    def _drawn(self, text: str) -> str:
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6, key=self._key).hexdigest()

    def _drawn_once(self, text: str) -> str:
        return text if text.startswith("p:") or not text else f"p:{self._drawn(text)}"


def _without_tokens(found: re.Match[str]) -> str:
    """Words with dots between, those gone that are the three parts of a JWT."""
    words, kept = found[0].split("."), list[str]()
    while words:
        head = _JWT.search(words[0]) if len(words) > 2 and words[1] else None
        if head:
            kept.append(words[0][: head.start()] + GONE)
            del words[:3]
        else:
            kept.append(words.pop(0))
    return ".".join(kept)


def _formed(digit: str, sign: str, drawn: Iterator[str]) -> str:
    if sign == "#":
        return next(drawn)
    if sign == "=":
        return digit
    return str((int(digit) + 6) % 10) if sign == "^" else sign


def _digit(unit: str) -> int:
    if unit.startswith("&#x"):
        return int(unit[-2])
    if unit.startswith("&#"):
        return int(unit[2:-1]) - 48
    return unicodedata.digit(unit[-1])


def _written(unit: str, digit: str) -> str:
    """The digit as the one it replaces was written."""
    if unit.startswith("&#x"):
        return f"&#x3{digit};"
    if unit.startswith("&#"):
        return f"&#{48 + int(digit)};"
    return unit[:-1] + chr(ord(unit[-1]) - unicodedata.digit(unit[-1]) + int(digit))
