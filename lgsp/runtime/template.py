"""Replies written in YAML: values with `{{ expressions }}`, bounded by construction.

Expressions only, on a fixed list of names and filters; no statements, no calls, no attributes of objects, no repetition
of texts: what could escape or explode is refused when it is loaded, with its place.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jinja2
import structlog
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lgsp.catalogue.service import Service
from lgsp.chance import draw
from lgsp.errors import CatalogueError, MalformedRequest
from lgsp.model import Outcome, Reply, Request

log = structlog.get_logger()
MAX_REPLY = 1024 * 1024
NAMES = ("path", "query", "headers", "body", "fake", "key")
FILTERS = ("default", "upper", "lower", "title", "trim", "length", "int", "float", "string", "round", "first", "last")
FAKES = (
    "name",
    "first_name",
    "last_name",
    "phone_number",
    "address",
    "city",
    "company",
    "job",
    "email",
    "license_plate",
)
# A sign beside the braces takes the space around them away: it is no part of the expression.
_WHOLE = re.compile(r"\{\{[-+]?(.*?)[-+]?\}\}", re.DOTALL)
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Add,
    nodes.Sub,
    nodes.Neg,
    nodes.Keyword,
)


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


class _Environment(ImmutableSandboxedEnvironment):
    """Where a dot finds members of mappings only: `body.items` is the caller's field, and objects have no insides."""

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - any value of a request
        """The member, or undefined."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 - any value of a request
        """The member, or undefined."""
        try:
            return obj[argument]
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=argument)


def _rounded(value: float, digits: int = 0) -> float:
    # Jinja2's own raises 10 to the power of `digits`, whatever that is.
    return round(float(value), digits)


# Not optimised: nothing is computed before a request is there.
_environment = _Environment(
    undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True, optimized=False
)
_environment.filters = {name: _environment.filters[name] for name in FILTERS} | {"round": _rounded}

Render = Callable[[Mapping[str, Any]], object]


def compile_reply(value: object) -> Render:
    """What renders a reply of the YAML. Raises `ValueError` in words for a template that is refused.

    A text that is one whole expression keeps the value's type; mappings and lists are rendered inside.
    """
    if isinstance(value, Mapping):
        members = {str(key): compile_reply(member) for key, member in value.items()}
        return lambda values: {key: render(values) for key, render in members.items()}
    if isinstance(value, list):
        items = [compile_reply(item) for item in value]
        return lambda values: [render(values) for render in items]
    if not isinstance(value, str) or not any(sign in value for sign in ("{{", "{%", "{#")):
        return lambda _: value
    return _compile_text(value)


def _compile_text(text: str) -> Render:
    try:
        tree = _environment.parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"{text!r} is no template: {error.message}") from error
    except RecursionError:
        raise ValueError("the template is nested too deeply") from None
    for node in tree.find_all(nodes.Node):
        problem = _refused(node)
        if problem:
            raise ValueError(f"{text!r}: {problem}")
    whole = _WHOLE.fullmatch(text.strip())
    if whole and _is_one_expression(text.strip()):
        expression = _environment.compile_expression(whole[1], undefined_to_none=False)
        return lambda values: _defined(expression(values))
    return _environment.from_string(text).render


def _is_one_expression(text: str) -> bool:
    """Whether a template is one expression and nothing else, not even a letter between two of them."""
    match _environment.parse(text).body:
        case [nodes.Output(nodes=[nodes.Expr() as only])]:
            return not isinstance(only, nodes.TemplateData)
    return False


def _refused(node: nodes.Node) -> str:
    if isinstance(node, nodes.Call):
        return "calls are refused"
    if not isinstance(node, _ALLOWED):
        return f"{type(node).__name__.lower()} is refused: only expressions on {', '.join(NAMES)}"
    if isinstance(node, nodes.Const) and isinstance(node.value, float) and not math.isfinite(node.value):
        return "that number is too large"
    if isinstance(node, nodes.Name) and node.name not in NAMES:
        return f"{node.name!r} is none of {', '.join(NAMES)}"
    if isinstance(node, nodes.Getattr):
        if node.attr.startswith("_"):
            return f"the private name {node.attr!r} is refused"
        if isinstance(node.node, nodes.Name) and node.node.name == "fake" and node.attr not in FAKES:
            return f"fake.{node.attr} is none of {', '.join(FAKES)}"
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"the filter {node.name!r} is none of {', '.join(FILTERS)}"
    return ""


def _defined(value: object) -> object:
    if isinstance(value, jinja2.Undefined):
        value._fail_with_undefined_error()  # noqa: SLF001 - Jinja2's own way to say which name is missing
    return value


class TemplateConnector:
    """Answers with the replies of a service's YAML; an operation without one echoes the request's body."""

    def __init__(self, service: Service) -> None:
        self._replies: dict[str, Render | None] = {}
        problems = []
        for name, operation in service.operations.items():
            try:
                self._replies[name] = None if operation.reply is None else compile_reply(operation.reply)
            except ValueError as error:
                problems.append(f"{service.where}: {service.id} / {name} / reply: {error}")
        if problems:
            raise CatalogueError(problems)

    async def answer(self, request: Request) -> Reply:
        """The rendered reply, status 200; a value that is missing in the request makes it a `provider_error`."""
        render = self._replies[request.operation]
        if render is None:
            content_type = request.headers.get("content-type", "application/octet-stream")
            return Reply(request.id, body=request.body, headers={"content-type": content_type})
        try:
            reply = Reply.of_json(request, render(_values(request)))
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            log.warning("template failed", transaction=request.id, service=request.service, why=type(error).__name__)
            return Reply(request.id, Outcome.PROVIDER_ERROR, 502, "provider_fault")
        if len(reply.body) > MAX_REPLY:
            return Reply(request.id, Outcome.PROVIDER_ERROR, 502, "provider_fault")
        return reply


def _values(request: Request) -> dict[str, Any]:
    try:
        body = request.json if request.body else {}
    except MalformedRequest:
        body = {}
    seed = int(draw(0, request.service, request.operation, "fake", request.key) * 2**32)
    return {
        "path": request.path_values,
        "query": request.query_values,
        "headers": dict(request.headers),
        "body": body,
        "fake": _Fake(seed),
        "key": request.key,
    }
