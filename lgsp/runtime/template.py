"""Replies written in YAML: values with `{{ expressions }}`, bounded by construction.

What an expression may be is `catalogue.expression`'s to say; here it is run, and what it makes is counted.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from jinja2 import nodes

from lgsp.catalogue.expression import ENVIRONMENT, FAKES, is_template, wrong_template
from lgsp.catalogue.service import Service
from lgsp.chance import draw
from lgsp.errors import MalformedRequest
from lgsp.model import Request

MAX_REPLY = 1024 * 1024
MAX_READ = 256 * 1024
"""Bytes of a request's body that expressions can look into; a larger one has no fields."""
CANNOT = (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, RecursionError, LookupError)
"""What rendering raises where the request has not what a template wants."""
# A sign beside the braces takes the space around them away: it is no part of the expression.
_WHOLE = re.compile(r"\{\{[-+]?(.*?)[-+]?\}\}", re.DOTALL)


@cache
def _faker() -> Any:  # noqa: ANN401 - the package is loaded only where a template makes something up: it is slow to import
    return importlib.import_module("faker").Faker("vi_VN")


class _Fake(Mapping[str, str]):
    """`fake.name` and the like: made up, the same for the same request."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made: Any = None

    def __getitem__(self, name: str) -> str:
        if name not in FAKES:
            raise KeyError(name)
        if self._made is None:
            # One for all requests, since it takes milliseconds to make: a reply is rendered in one piece.
            self._made = _faker()
            self._made.seed_instance(self._seed)
        return str(getattr(self._made, name)())

    def __iter__(self) -> Any:  # noqa: ANN401 - the mapping's own iterator
        return iter(FAKES)

    def __len__(self) -> int:
        return len(FAKES)


class Values(dict[str, Any]):
    """What expressions see of one request, and how many letters its reply may still have."""

    room = MAX_REPLY

    def take(self, letters: int) -> None:
        """Count what was rendered. Raises `ValueError` when a reply grows beyond its limit."""
        self.room -= letters
        if self.room < 0:
            raise ValueError(f"a reply is at most {MAX_REPLY} bytes")


def values_of(request: Request, service: Service, now: float) -> Values:
    """The values of one request; `now` is UTC, shown in the zone of the service's calendar."""
    body: object = {}
    if request.body and len(request.body) <= MAX_READ:
        try:
            body = request.json
        except MalformedRequest:
            body = {}
    seed = int(draw(0, request.service, request.operation, "fake", request.key) * 2**32)

    def at(form: str | None = None) -> str:
        local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(service.zone))
        return local.isoformat(timespec="seconds") if form is None else local.strftime(form)

    def lookup(table: str, key: object) -> Mapping[str, str]:
        return service.data[table].rows.get(str(key), {})

    return Values(
        path=request.path_values,
        query=request.query_values,
        headers=dict(request.headers),
        body=body,
        fake=_Fake(seed),
        key=request.key,
        now=at,
        lookup=lookup,
    )


Render = Callable[[Values], object]


def compile_reply(value: object, tables: Mapping[str, object] | None = None) -> Render:
    """What renders a reply of the YAML; it raises one of `CANNOT`. A template is compiled when it is first used.

    A text that is one whole expression keeps the value's type; mappings and lists are rendered inside.
    """
    if isinstance(value, Mapping):
        members = {str(key): compile_reply(member, tables) for key, member in value.items()}
        return lambda values: {key: render(values) for key, render in members.items()}
    if isinstance(value, list | tuple):
        items = [compile_reply(item, tables) for item in value]
        return lambda values: [render(values) for render in items]
    if not isinstance(value, str) or not is_template(value):
        return lambda _: value
    text = value
    compiled = cache(lambda: _compile_text(text, tables or {}))

    def render(values: Values) -> object:
        return compiled()(values)

    return render


def _compile_text(text: str, tables: Mapping[str, object]) -> Render:
    problem = wrong_template(text, tuple(tables))
    if problem:
        raise ValueError(problem)
    whole = _WHOLE.fullmatch(text.strip())
    if whole and _is_one_expression(text.strip()):
        expression = ENVIRONMENT.compile_expression(whole[1], undefined_to_none=False)
        return lambda values: _defined(expression(values), values)
    template = ENVIRONMENT.from_string(text)

    def render(values: Values) -> str:
        rendered = template.render(values)
        values.take(len(rendered))
        return rendered

    return render


def _is_one_expression(text: str) -> bool:
    """Whether a template is one expression and nothing else, not even a letter between two of them."""
    match ENVIRONMENT.parse(text).body:
        case [nodes.Output(nodes=[nodes.Expr() as only])]:
            return not isinstance(only, nodes.TemplateData)
    return False


def _defined(value: object, values: Values) -> object:
    if isinstance(value, jinja2.Undefined):
        value._fail_with_undefined_error()  # noqa: SLF001 - Jinja2's own way to say which name is missing
    if isinstance(value, str):
        values.take(len(value))
    return value
