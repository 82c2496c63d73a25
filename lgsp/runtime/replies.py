"""The connector of a service that has no module: it answers with the replies of its own YAML.

request --> schema --> the first rule that fits --> its step --> rendered
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import structlog

from lgsp.catalogue.service import Form, Operation, Rule, Service
from lgsp.catalogue.table import Table
from lgsp.catalogue.validator import Violation, compile_schema
from lgsp.clock import Clock
from lgsp.errors import MalformedRequest
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.behaviours.manner import LateReply
from lgsp.runtime.connector import Kept, State
from lgsp.runtime.rules import choose
from lgsp.runtime.template import CANNOT, MAX_REPLY, Render, Values, compile_reply, values_of

log = structlog.get_logger()
SEQUENCE = Kept(seconds=86_400.0, most=10_000)
STARTED = Kept(seconds=30 * 86_400.0, most=10_000)
_JSON = "application/json; charset=utf-8"
Step = Callable[[Rule, Values], int | None]
"""Which step of a rule's sequence is this call's; `None` where the rule waits for something that was never started."""


def connector_of(service: Service, clock: Clock) -> RepliesConnector | SequencesConnector:
    """The connector of a service's YAML: one that remembers where a rule has a sequence."""
    replies = _Replies(service)
    rules = [rule for operation in service.operations.values() for rule in operation.replies]
    remembers = any(len(rule.steps) > 1 or rule.starts or rule.since for rule in rules)
    return SequencesConnector(replies) if remembers else RepliesConnector(replies, clock)


class RepliesConnector:
    """Answers by rules; an operation without one echoes the request's body."""

    def __init__(self, replies: _Replies, clock: Clock) -> None:
        self._replies = replies
        self._clock = clock

    async def answer(self, request: Request) -> Reply:
        """The reply of the first rule that fits. Where a value is missing in the request it is a `provider_error`."""
        return self._replies.reply(request, self._clock.now(), lambda _rule, _values: 0)


class SequencesConnector:
    """Answers by rules, some of which count the calls of each consumer with the same key, or go by what it started when."""

    STATE: Mapping[str, Kept] = {"sequence": SEQUENCE, "started": STARTED}

    def __init__(self, replies: _Replies) -> None:
        self._replies = replies

    def answer_with(self, request: Request, state: State) -> Reply:
        """The reply of the first rule that fits, of its step for this call. The same transaction has the same step."""

        def step(rule: Rule, values: Values) -> int | None:
            number = (
                counted(rule, values) if rule.since is None else phase(rule, self._replies.text(rule.since, values))
            )
            if number is not None and rule.starts is not None:
                name = self._replies.text(rule.starts, values)
                if (state.get("started", name) or {}).get("by") != request.id:  # asked again, it began when it began
                    state.put("started", name, {"at": state.now, "by": request.id})
            return number

        def phase(rule: Rule, name: str) -> int | None:
            begun = state.get("started", name)
            return None if begun is None else phase_of(rule, state.now - begun["at"])

        def counted(rule: Rule, values: Values) -> int:
            if len(rule.steps) == 1:
                return 0
            key = f"{request.operation} {rule.name} {self._replies.key(rule, request, values)}"
            kept = state.get("sequence", key) or {"calls": 0, "last": ""}
            if kept["last"] != request.id:
                kept = {"calls": kept["calls"] + 1, "last": request.id}
                state.put("sequence", key, kept)
            return step_of(rule, kept["calls"])

        return self._replies.reply(request, state.now, step)


def phase_of(rule: Rule, seconds: float) -> int:
    """The step so long after the start: the last one whose time has come."""
    return max(number for number, step in enumerate(rule.steps) if number == 0 or step.after <= seconds)


def step_of(rule: Rule, call: int) -> int:
    """The step of the n-th call (from 1)."""
    steps = len(rule.steps)
    return (call - 1) % steps if rule.then == "restart" else min(call, steps) - 1


@dataclass(frozen=True, slots=True)
class Compiled:
    """One form, ready to be rendered."""

    form: Form
    headers: Mapping[str, Render]
    body: Render

    def said(self, values: Values) -> tuple[dict[str, str], bytes]:
        """Headers and body. Raises one of `CANNOT`."""
        headers = {name: _one_line(render(values)) for name, render in self.headers.items()}
        body = b"" if self.form.body is None else _encoded(self.body(values), headers)
        if len(body) > MAX_REPLY:
            raise ValueError(f"a reply is at most {MAX_REPLY} bytes")
        return headers, body


def compile_form(form: Form, tables: Mapping[str, Table]) -> Compiled:
    """A form whose expressions look things up in `tables`."""
    headers = {name: compile_reply(text, tables) for name, text in form.headers.items()}
    return Compiled(form, headers, compile_reply(form.body, tables))


class _Replies:
    """The rules of a service, each form compiled when it is first used."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._checks = {
            name: compile_schema(operation.request.json_schema)
            for name, operation in service.operations.items()
            if operation.request is not None
        }
        self._compiled: dict[int, Compiled] = {}
        self._keys = cache(lambda text: compile_reply(text, service.data))

    def reply(self, request: Request, now: float, step: Step) -> Reply:
        """The reply to a request."""
        operation = self._service.operations[request.operation]
        refusal = self._refusal(operation, request, now)
        if refusal is not None:
            return refusal
        if not operation.replies:
            content_type = request.headers.get("content-type", "application/octet-stream")
            return Reply(request.id, body=request.body, headers={"content-type": content_type})
        values = values_of(request, self._service, now)
        rules = operation.replies
        while (rule := choose(rules, values, self._service.data)) is not None:
            try:
                number = step(rule, values)
                if number is not None:
                    return self._said(rule.steps[number], request, values)
            except CANNOT as error:
                log.warning(
                    "template failed", transaction=request.id, rule=rule.name, at=rule.where, why=type(error).__name__
                )
                return Reply(request.id, Outcome.PROVIDER_ERROR, 502, "provider_fault")
            rules = rules[rules.index(rule) + 1 :]  # it goes by something that was never started
        return Reply(request.id, Outcome.PROVIDER_ERROR, 502, "no_reply_fits")

    def key(self, rule: Rule, request: Request, values: Values) -> str:
        """What tells the calls of one sequence from another's: `per`, or the path as called."""
        return request.path if rule.per is None else self.text(rule.per, values)

    def text(self, expression: str, values: Values) -> str:
        """What an expression of the YAML comes to."""
        return str(self._keys(expression)(values))

    def _refusal(self, operation: Operation, request: Request, now: float) -> Reply | None:
        """The service's own words for a body that breaks its schema."""
        if operation.request is None:
            return None
        try:
            violation = self._checks[operation.name](request.json)
        except MalformedRequest as error:
            violation = Violation("", str(error))
        except RecursionError:
            violation = Violation("", "the body is nested too deeply")
        if violation is None:
            return None
        values = values_of(request, self._service, now)
        values["violation"] = {"path": violation.path, "says": violation.says}
        return self._said(operation.request.invalid, request, values)

    def _said(self, form: Form, request: Request, values: Values) -> Reply:
        # By identity: a form lives as long as its service, and so do we.
        compiled = self._compiled.get(id(form))
        if compiled is None:
            compiled = self._compiled[id(form)] = compile_form(form, self._service.data)
        headers, body = compiled.said(values)
        return LateReply(request.id, form.outcome, form.status, "", body, headers, delay=form.delay)


def _encoded(content: object, headers: dict[str, str]) -> bytes:
    """A body's bytes; its type is what the headers say, XML where it begins like it, else JSON."""
    if isinstance(content, str) and "content-type" not in headers and content.lstrip().startswith("<"):
        headers["content-type"] = "text/xml; charset=utf-8"
    media = headers.setdefault("content-type", _JSON)
    if isinstance(content, str) and "json" not in media:
        return content.encode()
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=dict).encode()


def _one_line(value: object) -> str:
    text = str(value)
    if any(sign in text for sign in "\r\n\0"):
        raise ValueError("a header is one line")
    return text
