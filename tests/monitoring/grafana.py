"""Asks a Prometheus as Grafana would: choices filled in, a span of time for a line, one moment for a figure."""

from __future__ import annotations

import http.client
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from lgsp.monitoring.boards.panel import Board, Panel, Query

Labels = frozenset[tuple[str, str]]
Answer = Mapping[Labels, float]
"""The value, the last one of a line, by labels."""


class Refused(Exception):
    """Prometheus did not take a query."""


class Prometheus:
    """One connection to one server."""

    def __init__(self, where: str) -> None:
        self._connection = http.client.HTTPConnection(where, timeout=20)

    def _get(self, path: str, **words: Any) -> Any:
        self._connection.request("GET", f"/api/v1/{path}?{urlencode(words, doseq=True)}")
        answer = self._connection.getresponse()
        told = json.loads(answer.read())
        if told["status"] != "success":
            raise Refused(f"{words}: {told['error']}")
        return told["data"]

    def at(self, expr: str, when: float) -> Answer:
        """One moment."""
        found = self._get("query", query=expr, time=when)["result"]
        return {_shown(each["metric"]): float(each["value"][1]) for each in found}

    def until(self, expr: str, when: float, step: int) -> Answer:
        """The last values of a line that ends at `when`: what has none then is not there."""
        found = self._get("query_range", query=expr, start=when - 4 * step, end=when, step=step)["result"]
        return {_shown(each["metric"]): float(each["values"][-1][1]) for each in found if each["values"][-1][0] == when}

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def labels(self, query: str, begin: float, end: float) -> list[str]:
        """What `label_values(selector, label)` finds."""
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        assert match, query
        return sorted(self._get(f"label/{match[2]}/values", start=begin, end=end, **{"match[]": match[1]}))


def _shown(metric: Mapping[str, str]) -> Labels:
    """The labels of an answer; the name of a series is nobody's to see."""
    return frozenset((name, text) for name, text in metric.items() if name != "__name__")


@dataclass(frozen=True)
class Screen:
    """A board that somebody looks at: until when, and what is chosen; `All` where nothing is."""

    prometheus: Prometheus
    when: float
    step: int
    back: float = 3_600

    def choices(self, board: Board, chosen: Mapping[str, str]) -> dict[str, list[str]]:
        """What each variable stands for, as expressions: `All` is all that was found where no other word is given."""
        made: dict[str, list[str]] = {}
        for variable in board.variables:
            query = filled(variable.query, made, self.step)
            found = self.prometheus.labels(query, self.when - self.back, self.when)
            every = [variable.every] if variable.every else [re.escape(text) for text in found]
            made[variable.name] = [re.escape(chosen[variable.name])] if variable.name in chosen else every
        return made

    def ask(self, expr: str, choices: Mapping[str, Sequence[str]], *, instant: bool) -> Answer:
        """What an expression gives."""
        query = filled(expr, choices, self.step)
        return self.prometheus.at(query, self.when) if instant else self.prometheus.until(query, self.when, self.step)


def filled(expr: str, choices: Mapping[str, Sequence[str]], step: int) -> str:
    """An expression with what Grafana puts in. `$__rate_interval` is four scrapes."""
    made = expr.replace("$__rate_interval", f"{4 * step}s")
    for name, values in choices.items():
        made = made.replace(f"${name}", f"({'|'.join(values)})".replace("\\", "\\\\"))
    assert "$" not in made, made
    return made


def objections(panel: Panel, query: Query, answer: Answer) -> list[str]:
    """What is wrong with an answer in a state in which there must be one."""
    found = [] if answer else ["no data"]
    found += [f"{value} is no number" for value in answer.values() if not math.isfinite(value)]
    needed = set(re.findall(r"{{(\w+)}}", query.legend))
    if any("labels.service}" in link.url or "fields.service}" in link.url for link in panel.links):
        needed.add("service")
    for labels in answer:
        missing = needed - {name for name, text in labels if text}
        found += [f"no label {name}" for name in sorted(missing)]
    return found


def about_others(chosen: str, others: Sequence[str], answer: Answer) -> list[str]:
    """What an answer about one service says of others, in a label of its own or in a queue's name."""
    told = {text for labels in answer for name, text in labels if name == "service"}
    told |= {
        text.split(".")[2] for labels in answer for name, text in labels if name == "queue" and text.count(".") == 2
    }
    return [f"{text} is not {chosen}" for text in sorted(told & set(others)) if text != chosen]
