"""What is another one on another day: dates moved by the time that has passed, ids of the caller's own made anew."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b

from lgsp.capture.record import Headers
from lgsp.traffic.replay.place import Change, Place, Said, changed, parse_place

UUID = "uuid"
_DAY, _WEEK = 86_400, 7 * 86_400
_NEAR = timedelta(days=400)
"""A date further from the first call of the capture stays: it is somebody's birthday, or the end of something."""
_FORMS = (
    (re.compile(r"(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?!\d)"), ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")),
    (re.compile(r"(?<![\d-])\d{4}-\d\d-\d\d(?![\d-]|[T ]\d\d:)"), ("%Y-%m-%d",)),
    (re.compile(r"(?<![\d/])\d\d/\d\d/\d{4} \d\d:\d\d:\d\d(?!\d)"), ("%d/%m/%Y %H:%M:%S",)),
    (re.compile(r"(?<![\d/])\d\d/\d\d/\d{4}(?![\d/]| \d\d:)"), ("%d/%m/%Y",)),
    (re.compile(r"(?<!\d)\d{14}(?!\d)"), ("%Y%m%d%H%M%S",)),
    (re.compile(r"(?<!\d)\d{8}(?!\d)"), ("%Y%m%d",)),
)
_AN_UUID = re.compile(r"(?<![0-9a-fA-F-])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9a-fA-F-])")
_DIGITS = re.compile(r"\d+(?=\D*$)")


@dataclass(frozen=True, slots=True)
class Fresh:
    """`now`: when the replay begins, seconds since the epoch; dates stay where it is `None`. `weeks`: by whole weeks only.

    `uuids` and what stands at `places` become others, the same ones throughout a run, by its `salt`.
    """

    now: float | None = None
    weeks: bool = False
    uuids: bool = False
    places: tuple[Place, ...] = ()
    salt: str = ""

    def made(self, said: Said, first: int, given: Collection[str]) -> Said:
        """The request on this day; `first` is when the capture began, ns. What replies have `given` stays."""
        for place in self.places:
            said = changed(place, said, lambda value: value if value in given else anew(value, self.salt))
        if self.uuids:
            said = _everywhere(said, lambda text: _AN_UUID.sub(lambda found: self._uuid(found[0], given), text))
        if self.now is not None:
            began = first / 1e9
            seconds = self.now - began
            if self.weeks:
                seconds = round(seconds / _WEEK) * _WEEK
            said = _everywhere(said, lambda text: moved(text, seconds, began))
        return said

    def _uuid(self, old: str, given: Collection[str]) -> str:
        if old in given:
            return old
        new = blake2b(f"{self.salt}{old.lower()}".encode(), digest_size=16).hexdigest()
        # The version and the variant of it stay, and whether it is written in small letters.
        digits = iter(new)
        made = "".join(old[at] if old[at] == "-" or at in {14, 19} else next(digits) for at in range(len(old)))
        return made if old == old.lower() else made.upper()


def parse_new(texts: Sequence[str]) -> tuple[bool, tuple[Place, ...]]:
    """What `uuid` and places mean. Raises `ValueError` in words."""
    return UUID in texts, tuple(parse_place(text) for text in texts if text != UUID)


def moved(text: str, seconds: float, began: float) -> str:
    """The text with the dates in it moved; days by whole days. Each stays in its form, and one that is none is left alone."""
    around = datetime.fromtimestamp(began, UTC).replace(tzinfo=None)
    whole = timedelta(days=round(seconds / _DAY))
    exact = timedelta(seconds=round(seconds))

    def one(found: re.Match[str], forms: Sequence[str]) -> str:
        for form in forms:
            try:
                at = datetime.strptime(found[0], form)  # noqa: DTZ007 - the zone, if any, stands behind it and stays
            except ValueError:
                continue
            if abs(at - around) <= _NEAR:
                return (at + (exact if "%H" in form else whole)).strftime(form)
        return found[0]

    for pattern, forms in _FORMS:
        text = pattern.sub(partial(one, forms=forms), text)
    return text


def anew(value: str, salt: str) -> str:
    """Another value of the same form: its last digits are others; one without digits gets some."""
    found = _DIGITS.search(value)
    digest = int.from_bytes(blake2b(f"{salt}{value}".encode(), digest_size=32).digest(), "big")
    if not found:
        return f"{value}-{digest % 10**8:08}"
    return value[: found.start()] + str(digest)[: len(found[0])] + value[found.end() :]


def _everywhere(said: Said, change: Change) -> Said:
    """Headers, address and body, where that is text, changed."""
    headers: Headers = tuple((name, change(value)) for name, value in said.headers)
    try:
        body = change(said.body.decode()).encode()
    except UnicodeDecodeError:
        body = said.body
    return Said(headers, body, change(said.target))
