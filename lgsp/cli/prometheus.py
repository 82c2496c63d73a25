"""Asking a Prometheus: what it computes, and what has fired."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from lgsp.errors import BusUnavailable, SettingsError
from lgsp.monitoring.score import Raised, intervals

_SECONDS = 20
_GAPS = 3.5
"""So many evaluations without an alert, and it has ended: one may be late or lost on a busy machine."""


def get_text(url: str, path: str, query: Mapping[str, str | Sequence[str]] | None = None) -> str:
    """What a server of others has at a path. Raises `SettingsError`, or `BusUnavailable` where nobody answers."""
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"{url!r} is no address: write it as http://127.0.0.1:9090")
    place = url.rstrip("/") + path + (f"?{urllib.parse.urlencode(query, doseq=True)}" if query else "")
    try:
        with urllib.request.urlopen(place, timeout=_SECONDS) as answer:  # noqa: S310 - the scheme is checked above
            text: str = answer.read().decode()
            return text
    except urllib.error.HTTPError as error:
        raise SettingsError(f"{place} answers {error.code}: {error.read().decode(errors='replace')[:200]}") from error
    except (OSError, ValueError) as error:
        raise BusUnavailable("unreachable", f"{url} does not answer ({getattr(error, 'reason', error)})") from error


def get_json(url: str, path: str, query: Mapping[str, str | Sequence[str]] | None = None) -> Any:  # noqa: ANN401 - JSON
    """The JSON there. Raises the same."""
    text = get_text(url, path, query)
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{url}{path} answers no JSON: is it another server than this command asks?") from error


class Prometheus:
    """One Prometheus. `selector` narrows what is ours in it, as `--match` does for the rules."""

    def __init__(self, url: str, selector: str = "") -> None:
        self._url = url
        self._selector = f",{selector}" if selector else ""

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]]:
        """The series that an expression gives. Raises as `get_json`."""
        asked = {"query": expression} | ({} if at is None else {"time": f"{at:.3f}"})
        result: list[dict[str, Any]] = get_json(self._url, "/api/v1/query", asked)["data"]["result"]
        return result

    def rules(self) -> list[dict[str, Any]]:
        """Its groups of rules."""
        groups: list[dict[str, Any]] = get_json(self._url, "/api/v1/rules")["data"]["groups"]
        return groups

    def every(self) -> float:
        """Seconds between two looks at our alerts. Raises `SettingsError` where it has none of ours."""
        for group in self.rules():
            if any(rule["name"] == "LGSPWatchdog" for rule in group["rules"]):
                return float(group["interval"])
        raise SettingsError(f"{self._url} has no rules of lgsp: see `lgsp monitoring export`")

    def fired(self, start: float, end: float, every: float) -> list[Raised]:
        """The alerts of ours that fired between two moments; one that fired already at the first began before it."""
        seconds = int(end - start + every * _GAPS) + 1
        selector = f'ALERTS{{alertname=~"LGSP.+",alertname!="LGSPWatchdog",alertstate="firing"{self._selector}}}'
        found = self.query(f"{selector}[{seconds}s]", end)
        return intervals(((one["metric"], [at for at, _ in one["values"]]) for one in found), every * _GAPS)
