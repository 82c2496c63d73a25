"""What a drill has shown: which trouble was told of, how late, by which alert, and what cried without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lgsp.monitoring.drill import Window


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert that fired, from its first moment to its last one; `service` is empty where it carries none."""

    alert: str
    severity: str
    service: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an expected alert told of a window, and after how many seconds; `None`: it did not."""

    window: Window
    alert: str
    delay: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """All verdicts, and the pages that belong to no window."""

    verdicts: tuple[Verdict, ...]
    false: tuple[Raised, ...]

    @property
    def missed(self) -> tuple[Verdict, ...]:
        """What was not told of."""
        return tuple(verdict for verdict in self.verdicts if verdict.delay is None)

    @property
    def is_clean(self) -> bool:
        """Whether everything was told of and nothing else was."""
        return not self.missed and not self.false


def score(windows: Sequence[Window], raised: Iterable[Raised], *, grace: float, page: str = "page") -> Score:
    """Judge alerts by windows. An alert belongs to a window if it began in it or `grace` seconds after its end.

    One that fired before tells nothing new: it detects nothing, and what was before the first window is not judged.
    Only pages can be false: a ticket wakes nobody.
    """
    since = min((window.start for window in windows), default=0.0)
    fired = sorted((r for r in raised if r.start >= since), key=lambda each: (each.start, each.alert, each.service))
    verdicts = [
        Verdict(window, alert, _delay(window, alert, fired, grace)) for window in windows for alert in window.expects
    ]
    false = [each for each in fired if each.severity == page and not any(_explains(w, each, grace) for w in windows)]
    return Score(tuple(verdicts), tuple(false))


def _delay(window: Window, alert: str, fired: Sequence[Raised], grace: float) -> float | None:
    starts = [each.start for each in fired if each.alert == alert and _belongs(window, each, grace)]
    return starts[0] - window.start if starts else None


def _explains(window: Window, raised: Raised, grace: float) -> bool:
    return raised.alert in (*window.expects, *window.allows) and _belongs(window, raised, grace)


def _belongs(window: Window, raised: Raised, grace: float) -> bool:
    in_time = window.start <= raised.start <= window.end + grace
    return in_time and (not raised.service or not window.services or raised.service in window.services)


def intervals(series: Iterable[tuple[Mapping[str, str], Sequence[float]]], gap: float) -> list[Raised]:
    """Alerts from the times at which Prometheus saw them fire: a pause of more than `gap` seconds ends one."""
    found: list[Raised] = []
    for labels, times in series:
        start = last = None
        for time in sorted(times):
            if last is not None and start is not None and time - last > gap:
                found.append(_raised(labels, start, last))
                start = None
            start, last = time if start is None else start, time
        if start is not None and last is not None:
            found.append(_raised(labels, start, last))
    return found


def _raised(labels: Mapping[str, str], start: float, end: float) -> Raised:
    return Raised(labels.get("alertname", ""), labels.get("severity", ""), labels.get("service", ""), start, end)
