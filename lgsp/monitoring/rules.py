"""The rules as Prometheus reads them: one set for every service, none of them named in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import yaml

from lgsp.errors import SettingsError
from lgsp.monitoring.alerts import Alert, alerts
from lgsp.monitoring.profile import Profile, duration
from lgsp.monitoring.recordings import Recording, by_owner, by_service, of_the_bus
from lgsp.monitoring.words import SAID, annotate

HEAD = "# Made by `{command}`: never edited by hand, see docs/alerts.md.\n"
_EVERY = 15
_RECORDINGS: dict[str, Callable[[Profile], Iterator[Recording]]] = {
    "lgsp-services": by_service,
    "lgsp-owners": by_owner,
    "lgsp-bus": of_the_bus,
}


def rules(profile: Profile) -> dict[str, Any]:
    """The document of a rule file. The same profile gives the same document."""
    every = duration(max(profile.seconds(_EVERY), 1))
    groups = [
        {"name": name, "interval": every, "rules": [_recording(rule, profile) for rule in make(profile)]}
        for name, make in _RECORDINGS.items()
    ]
    groups.append({"name": "lgsp-alerts", "interval": every, "rules": [_alert(a, profile) for a in alerts(profile)]})
    return {"groups": groups}


def _recording(rule: Recording, profile: Profile) -> dict[str, Any]:
    labels = {"labels": profile.labels} if profile.labels else {}
    return {"record": rule.name, "expr": rule.expr} | labels


def _alert(alert: Alert, profile: Profile) -> dict[str, Any]:
    written: dict[str, Any] = {"alert": alert.name, "expr": alert.expr}
    if alert.lasts:
        written["for"] = profile.span(alert.lasts)
    if alert.keep:
        written["keep_firing_for"] = profile.span(alert.keep)
    written["labels"] = {"severity": profile.severities[alert.severity]} | profile.labels
    written["annotations"] = annotate(alert.name, SAID[alert.name], alert.board, profile, service=alert.service)
    return written


def as_yaml(document: Any, command: str) -> str:  # noqa: ANN401 - any document
    """A generated file: how it is made stands at its head."""
    body = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1_000_000)
    return HEAD.format(command=command) + body


def from_yaml(text: str) -> Any:  # noqa: ANN401 - any document
    """What a file of Prometheus or Alertmanager holds. Raises `SettingsError`."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"this is no YAML: {error}") from error
