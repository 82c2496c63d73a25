"""For whom rules are written: which series they select, how fast time goes, what the severities are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lgsp.errors import SettingsError

OURS = 'job=~"lgsp-.+"'
"""The jobs of our own processes; what a foreign one exports is none of our business."""
GATEWAY, CONNECTORS, LOAD, BROKER, QUEUES = (
    "lgsp-gateway",
    "lgsp-connectors",
    "lgsp-load",
    "lgsp-broker",
    "lgsp-broker-queues",
)
SEVERITIES = ("page", "ticket", "none")
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\{}]|\\.)*)"\s*')


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher of PromQL."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'


def job(name: str) -> str:
    """The matcher of one job."""
    return f'job="{name}"'


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """`env="prod",site=~"a|b"` as matchers; nothing of an empty text. Raises `SettingsError`."""
    found: list[Matcher] = []
    at = 0
    while at < len(text):
        match = _MATCHER.match(text, at)
        end = match.end() if match else at
        if match is None or (end < len(text) and text[end] != ","):
            raise SettingsError(
                f"--match {text!r} is no label matcher: write it as 'env=\"prod\"', several with commas"
            )
        found.append(Matcher(match[1], match[2], match[3]))
        at = end + 1
    taken = {"job", "vhost", "service", "outcome", "queue"} & {matcher.label for matcher in found}
    if taken:
        raise SettingsError(
            f"--match names {', '.join(sorted(taken))}, which the rules select themselves: leave it out"
        )
    return tuple(found)


def parse_severities(words: Iterable[str]) -> dict[str, str]:
    """`page=critical` and the like over our own names. Raises `SettingsError`."""
    names = dict(zip(SEVERITIES, SEVERITIES, strict=True))
    for word in words:
        ours, equals, theirs = word.partition("=")
        if ours not in names or not equals or not re.fullmatch(r"[A-Za-z0-9_-]+", theirs):
            raise SettingsError(f"--severity {word!r}: write it as page=critical; ours are {', '.join(SEVERITIES)}")
        names[ours] = theirs
    if len(set(names.values())) < len(names):
        raise SettingsError("--severity: two of ours would have one name, and one would inhibit the other")
    return names


@dataclass(frozen=True, slots=True)
class Working:
    """The hours of a working day, Monday to Friday, in local time."""

    begin: int = 8
    end: int = 17


@dataclass(frozen=True, slots=True)
class Profile:
    """What one set of rules is written for. `scale` divides every time in it: 60 makes an hour a minute."""

    scale: int = 1
    matchers: tuple[Matcher, ...] = ()
    severities: Mapping[str, str] = field(default_factory=lambda: parse_severities(()))
    vhost: str = "lgsp"
    zone: str = "UTC"
    offset: int = 0
    """Seconds that local time is ahead of UTC."""
    working: Working = Working()
    console: str = "http://127.0.0.1:8290"
    boards: str = "http://127.0.0.1:3000"
    runbooks: str = "docs/runbooks"

    def seconds(self, seconds: float) -> float:
        """A time of the rules in this profile."""
        return seconds / self.scale

    def span(self, seconds: float) -> str:
        """The same as Prometheus writes it."""
        return duration(self.seconds(seconds))

    def select(self, metric: str, *labels: str, job: str = OURS) -> str:
        """A selector of series of ours, with what the matchers add."""
        return f"{metric}{{{','.join([job, *labels, *map(str, self.matchers)])}}}"

    def recorded(self, rule: str, *labels: str) -> str:
        """A selector of a series that a rule of this profile recorded."""
        within = ",".join([*labels, *(str(m) for m in self.matchers if m.operator == "=")])
        return f"{rule}{{{within}}}" if within else rule

    @property
    def labels(self) -> dict[str, str]:
        """What every recorded series and alert carries, so that two profiles in one Prometheus stay apart."""
        return {matcher.label: matcher.value for matcher in self.matchers if matcher.operator == "="}


def duration(seconds: float) -> str:
    """Seconds as Prometheus writes a duration, in its largest whole unit."""
    ms = round(seconds * 1000)
    if ms <= 0:
        return "0s"
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"


def offset_of(zone: str, year: int) -> int:
    """Seconds that a zone is ahead of UTC, the whole year. Raises `SettingsError` for one that turns its clocks."""
    there = ZoneInfo(zone)
    first = datetime(year, 1, 1, tzinfo=UTC)
    offsets = {(first + timedelta(days=7 * week)).astimezone(there).utcoffset() for week in range(53)}
    if len(offsets) > 1:
        raise SettingsError(f"{zone} turns its clocks: working hours in rules need a zone that does not, such as UTC")
    return int((offsets.pop() or timedelta()).total_seconds())
