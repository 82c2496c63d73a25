"""Where an Alertmanager sends an alert, and what holds it back, read from its own configuration, whoever wrote that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Labels = Mapping[str, str]
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*', re.DOTALL)
_INTEGRATION = re.compile(r"\w+_configs")


def receivers(route: Mapping[str, Any], labels: Labels) -> list[str]:
    """The names of the receivers that an alert goes to: the deepest routes that fit, as Alertmanager walks them."""
    return list(_walk(route, labels, ""))


def _walk(route: Mapping[str, Any], labels: Labels, above: str) -> Iterator[str]:
    name = route.get("receiver") or above
    found = False
    for child in route.get("routes") or []:
        if not fits(child, labels):
            continue
        found = True
        yield from _walk(child, labels, name)
        if not child.get("continue"):
            return
    if not found:
        yield name


def fits(route: Mapping[str, Any], labels: Labels, prefix: str = "") -> bool:
    """Whether an alert has what a route wants, or one side of an inhibition (`prefix` is `source_` or `target_`)."""
    wanted = [_split(text) for text in _listed(route.get(f"{prefix}matchers"))]
    wanted += [(name, "=", str(value)) for name, value in (route.get(f"{prefix}match") or {}).items()]
    wanted += [(name, "=~", str(value)) for name, value in (route.get(f"{prefix}match_re") or {}).items()]
    return all(_holds(labels.get(name, ""), operator, value) for name, operator, value in wanted)


def holds_back(rules: Sequence[Mapping[str, Any]], source: Labels, target: Labels) -> bool:
    """Whether one alert, while it fires, keeps another from being told of."""
    return any(
        fits(rule, source, "source_")
        and fits(rule, target, "target_")
        and all(source.get(name, "") == target.get(name, "") for name in rule.get("equal") or [])
        for rule in rules
    )


def ways(known: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    """How a receiver tells somebody: `webhook`, `email` and the like; empty where nobody is told."""
    kinds = [kind for each in known if each.get("name") == name for kind, told in each.items() if told]
    return [kind.removesuffix("_configs") for kind in kinds if _INTEGRATION.fullmatch(kind)]


def _listed(matchers: Sequence[str] | str | None) -> list[str]:
    if isinstance(matchers, str):
        return [matchers]
    return list(matchers or [])


def _split(text: str) -> tuple[str, str, str]:
    match = _MATCHER.fullmatch(text)
    return (match[1], match[2], match[3].replace('\\"', '"')) if match else (text, "=", "")


def _holds(value: str, operator: str, wanted: str) -> bool:
    same = bool(re.fullmatch(wanted, value)) if operator.endswith("~") else value == wanted
    return same != operator.startswith("!")
