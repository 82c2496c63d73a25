"""The blocks `reply:`, `replies:` and `request:` of an operation, and `data:` of a service."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

from lgsp.catalogue.expression import is_template, wrong_template
from lgsp.catalogue.pattern import compile_pattern
from lgsp.catalogue.reader import Reader
from lgsp.catalogue.service import Comparison, Condition, Form, RequestRule, Rule
from lgsp.catalogue.source import Node
from lgsp.catalogue.table import Table, parse_rows
from lgsp.catalogue.units import parse_number
from lgsp.catalogue.validator import compile_schema
from lgsp.model import Outcome

FORM_KEYS = ("status", "outcome", "headers", "delay", "body")
RULE_KEYS = ("name", "when", *FORM_KEYS, "starts", "since", "sequence", "per", "then")
STEP_KEYS = (*FORM_KEYS, "after")
TESTS = ("equals", "one_of", "matches", "exists", "from", "to", "above", "below")
RANGES = ("from", "to", "above", "below")
OUTCOMES = tuple(outcome for outcome in Outcome if outcome is not Outcome.BUS_ERROR)
LONGEST_DELAY = 60.0
_PLACE = re.compile(r"(path|query|headers|body)(?:\.([^\[\]]+))?")
_LOOKED_UP = re.compile(r"([A-Za-z_]\w*)\[([^\[\]]+)\](?:\.([^\[\].]+))?")
_TABLE_NAME = re.compile(r"[A-Za-z_]\w*")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
OpenFile = Callable[[str], bytes]
"""The bytes of a file beside the YAML. Raises `ValueError` in words."""


def outcome_of(status: int) -> Outcome:
    """The outcome that a status stands for where the YAML names none."""
    if status < 400:
        return Outcome.OK
    if status >= 500:
        return Outcome.PROVIDER_ERROR
    return Outcome.BUSINESS_FAULT if status == 404 else Outcome.REJECTED


class RepliesReader:
    """Reads what one service answers; `tables` are those of its `data`."""

    def __init__(self, reader: Reader, open_file: OpenFile, tables: Collection[str] = ()) -> None:
        self._reader = reader
        self._open = open_file
        self._tables = tables

    def data(self, node: Node, where: str) -> dict[str, Table]:
        """`{people: {csv: people.csv, key: id}}`."""
        tables = {}
        for name, key, value in self._reader.entries(node, where):
            if not _TABLE_NAME.fullmatch(name):
                self._reader.note(key, where, f"{name!r} is no table's name: letters, digits and _")
            found = {word: node for word, _, node in self._reader.entries(value, f"{where} / {name}", ("csv", "key"))}
            if len(found) < 2:
                self._reader.note(value, f"{where} / {name}", "a table has `csv`, its file, and `key`, a column of it")
                continue
            file, column = (self._reader.text(found[word], where) for word in ("csv", "key"))
            try:
                tables[name] = Table(file=file, key=column, rows=parse_rows(self._open(file), column))
            except ValueError as error:
                self._reader.note(found["csv"], f"{where} / {name}", f"{file}: {error}")
        return tables

    def reply(self, node: Node, where: str) -> tuple[Rule, ...]:
        """The short form: the body of the only reply."""
        place = f"{self._reader.document.name}:{node.line}"
        return (Rule(name="reply", steps=(Form(body=self.content(node, where)),), where=place),)

    def replies(self, node: Node, where: str) -> tuple[Rule, ...]:
        """The list of rules; one that can never be reached is a mistake."""
        rules: list[Rule] = []
        names: set[str] = set()
        for number, item in enumerate(self._reader.items(node, where), 1):
            rule = self._rule(item, f"{where} / {number}", number)
            if rules and not rules[-1].when and rules[-1].since is None:
                self._reader.note(item, f"{where} / {number}", "the rule before it has no `when` and takes everything")
            if rule.name in names:
                self._reader.note(item, f"{where} / {number}", f"there is a rule {rule.name!r} already")
            rules.append(rule)
            names.add(rule.name)
        if node.kind == "list" and not rules:
            self._reader.note(node, where, "there is one reply at least")
        return tuple(rules)

    def request(self, node: Node, where: str) -> RequestRule | None:
        """`{schema: {...} or file, invalid: {status, outcome, headers, body}}`."""
        found = {key: value for key, _, value in self._reader.entries(node, where, ("schema", "invalid"))}
        if "schema" not in found:
            self._reader.note(node, where, "the key 'schema' is missing")
            return None
        schema = self._schema(found["schema"], f"{where} / schema")
        given: dict[str, Any] = {}
        if "invalid" in found:
            given = self._form_fields(found["invalid"], f"{where} / invalid", FORM_KEYS)
        given = {"status": 400, "outcome": outcome_of(given.get("status", 400))} | given
        given.setdefault(
            "body", {"code": "bad_request", "field": "{{ violation.path }}", "message": "{{ violation.says }}"}
        )
        return RequestRule(json_schema=schema, invalid=Form(**given))

    def _schema(self, node: Node, where: str) -> Mapping[str, Any]:
        try:
            schema = self._reader.body(node, where) if node.kind != "text" else json.loads(self._open(node.text))
            compile_schema(schema)
        except (ValueError, RecursionError) as error:
            self._reader.note(node, where, str(error))
            return {}
        return schema if isinstance(schema, Mapping) else {}

    def _rule(self, node: Node, where: str, number: int) -> Rule:
        reader = self._reader
        found = {key: value for key, _, value in reader.entries(node, where, RULE_KEYS)}
        name = reader.text(found["name"], where) if "name" in found else f"rule-{number}"
        when = self.conditions(found["when"], f"{where} / when") if "when" in found else ()
        fields: dict[str, Any] = {
            key: self._template(found[key], f"{where} / {key}") for key in ("starts", "since") if key in found
        }
        if "sequence" in found:
            for key in [key for key in FORM_KEYS if key in found]:
                reader.note(found[key], where, f"`{key}` stands in each step of the sequence, not beside it")
            nodes = reader.items(found["sequence"], where)
            steps = [self._form(step, f"{where} / sequence / {n}", STEP_KEYS) for n, step in enumerate(nodes, 1)]
            self._check_times(found, nodes, steps, where)
            if len(steps) < 2:
                reader.note(found["sequence"], where, "a sequence has two steps at least")
                steps = steps * 2 or [Form()] * 2
            if "per" in found:
                fields["per"] = self._template(found["per"], f"{where} / per")
            if "then" in found:
                fields["then"] = reader.choice(found["then"], f"{where} / then", ("stay", "restart"))
        else:
            for key in [key for key in ("per", "then") if key in found]:
                reader.note(found[key], where, f"`{key}` belongs to a `sequence`")
            steps = [self._form(node, where, RULE_KEYS)]
        place = f"{reader.document.name}:{node.line}"
        return Rule(name=name, when=when, steps=tuple(steps), where=place, **fields)

    def _check_times(self, found: Mapping[str, Node], nodes: list[Node], steps: list[Form], where: str) -> None:
        """Steps come by their number, or, since something was started, by time."""
        if "since" not in found:
            if any(step.after for step in steps):
                self._reader.note(found["sequence"], where, "`after` belongs to a rule with `since`")
            return
        for key in [key for key in ("per", "then") if key in found]:
            self._reader.note(found[key], where, f"`{key}` counts calls: with `since` steps come by time")
        for node, (step, other) in zip(nodes[1:], pairwise(steps), strict=True):
            if other.after <= step.after:
                self._reader.note(node, where, "each step comes later than the one before it: give its `after`")

    def _form(self, node: Node, where: str, known: Collection[str] = FORM_KEYS) -> Form:
        return Form(**self._form_fields(node, where, known))

    def _form_fields(self, node: Node, where: str, known: Collection[str]) -> dict[str, Any]:
        reader = self._reader
        readers: dict[str, Callable[[Node, str], Any]] = {
            "status": reader.status,
            "outcome": lambda node, where: Outcome(reader.choice(node, where, [str(o) for o in OUTCOMES])),
            "headers": self.headers,
            "delay": self._delay,
            "after": reader.duration,
            "body": self.content,
        }
        if node.kind != "mapping":
            reader.note(node, where, "a mapping (`key: value` lines) belongs here")
            return {}
        # What is unknown in a rule was noted when its own keys were read.
        entries = _quietly(node) if known is RULE_KEYS else reader.entries(node, where, known)
        fields = {key: readers[key](value, f"{where} / {key}") for key, _, value in entries if key in readers}
        if "status" in fields and "outcome" not in fields:
            fields["outcome"] = outcome_of(fields["status"])
        self.check_body(node, where, fields)
        return fields

    def check_body(self, node: Node, where: str, fields: Mapping[str, Any]) -> None:
        """Whether `headers` and `body` go together."""
        media = fields.get("headers", {}).get("content-type", "")
        if media and "json" not in media and not isinstance(fields.get("body", ""), str):
            self._reader.note(node, where, f"a body of {media} is a text")

    def headers(self, node: Node, where: str) -> dict[str, str]:
        """Headers by their lower-case names; values may be templates."""
        headers = {}
        for name, key, value in self._reader.entries(node, where):
            if not _HEADER.fullmatch(name) or name.lower() in {"content-length", "transfer-encoding", "connection"}:
                self._reader.note(key, where, f"{name!r} is no header that a reply can set")
            headers[name.lower()] = self._template(value, f"{where} / {name}")
        return headers

    def _delay(self, node: Node, where: str) -> float:
        seconds = self._reader.duration(node, where)
        if seconds > LONGEST_DELAY:
            self._reader.note(node, where, f"a delay is at most {LONGEST_DELAY:g} s: longer nobody waits")
        return min(seconds, LONGEST_DELAY)

    def _template(self, node: Node, where: str) -> str:
        text = self._reader.text(node, where)
        self._check_template(node, where)
        return text

    def content(self, node: Node, where: str) -> object:
        """A body; every template in it is checked at its own place."""
        for inner in _texts(node):
            self._check_template(inner, where)
        return self._reader.body(node, where)

    def _check_template(self, node: Node, where: str) -> None:
        if node.kind == "text" and is_template(node.text):
            problem = wrong_template(node.text, tuple(self._tables))
            if problem:
                self._reader.note(node, where, problem)

    def conditions(self, node: Node, where: str) -> tuple[Condition, ...]:
        """The tests of `when`, all of which have to hold."""
        return tuple(self._conditions(node, where))

    def _conditions(self, node: Node, where: str) -> Iterator[Condition]:
        for name, key, value in self._reader.entries(node, where):
            looked_up = _LOOKED_UP.fullmatch(name)
            place = _PLACE.fullmatch(looked_up[2] if looked_up else name)
            is_json = place is not None and place[1] == "body" and looked_up is None
            tests = tuple(self._tests(value, f"{where} / {name}", is_json=is_json))
            if place is None or (place[2] is None and place[1] != "body"):
                self._reader.note(
                    key,
                    where,
                    f"{name!r} names no value: write path.NAME, query.NAME, headers.NAME, body.FIELD or TABLE[path.NAME]",
                )
                continue
            if looked_up and looked_up[1] not in self._tables:
                known = ", ".join(self._tables) or "none"
                self._reader.note(key, where, f"there is no table {looked_up[1]!r} under `data` ({known})")
            way = tuple(place[2].split(".")) if place[2] else ()
            if place[1] == "headers":
                way = (place[2].lower(),)
            found = {"table": looked_up[1], "column": looked_up[3]} if looked_up else {}
            yield Condition(written=name, of=place[1], name=way, tests=tests, **found)

    def _tests(self, node: Node, where: str, *, is_json: bool) -> Iterator[Comparison]:
        if node.kind != "mapping":
            yield Comparison(word="equals", value=self._value(node, where, is_json=is_json))
            return
        if not node.entries:
            self._reader.note(node, where, f"a condition has one of {', '.join(TESTS)}")
        for word, _, value in self._reader.entries(node, where, TESTS):
            yield Comparison(word=word, value=self._tested(word, value, f"{where} / {word}", is_json=is_json))

    def _tested(self, word: str, node: Node, where: str, *, is_json: bool) -> object:
        if word == "exists":
            return self._reader.truth(node, where)
        if word == "one_of":
            values = tuple(self._value(item, where, is_json=is_json) for item in self._reader.items(node, where))
            if node.kind == "list" and not values:
                self._reader.note(node, where, "one of nothing is never true")
            return values
        if word == "matches":
            pattern = self._reader.text(node, where)
            try:
                compile_pattern(pattern)
            except ValueError as error:
                self._reader.note(node, where, str(error))
            return pattern
        if word in RANGES:
            return self._number(node, where)
        return self._value(node, where, is_json=is_json)

    def _value(self, node: Node, where: str, *, is_json: bool) -> object:
        return self._reader.body(node, where) if is_json else self._reader.text(node, where)

    def _number(self, node: Node, where: str) -> float:
        try:
            sign = -1.0 if node.text.startswith("-") else 1.0
            return sign * parse_number(node.text.removeprefix("-"))
        except ValueError as error:
            self._reader.note(node, where, str(error))
            return 0.0


def _texts(node: Node) -> Iterator[Node]:
    """Every text of a body; keys are no templates."""
    if node.kind == "text":
        yield node
    for _, value in node.entries:
        yield from _texts(value)
    for item in node.items:
        yield from _texts(item)


def _quietly(node: Node) -> Iterator[tuple[str, Node, Node]]:
    """Entries whose mistakes were noted when the rule was read."""
    seen = set()
    for key, value in node.entries:
        if key.text not in seen:
            seen.add(key.text)
            yield key.text, key, value
