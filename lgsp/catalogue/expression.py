"""What an expression in a reply may be: bounded by construction, refused with its place where it is not.

Expressions only, on a fixed list of names, filters and two functions; no statements, no attributes of objects, no
repetition of texts: nothing that could escape or explode is ever run.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

NAMES = ("path", "query", "headers", "body", "fake", "key", "violation", "reply")
FUNCTIONS = ("now", "lookup")
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
LONGEST = 4_000
MOST_NAMES = 50
DEEPEST = 30
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
    nodes.Call,
)


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
ENVIRONMENT = _Environment(
    undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True, optimized=False
)
ENVIRONMENT.filters = {name: ENVIRONMENT.filters[name] for name in FILTERS} | {"round": _rounded}


def is_template(text: str) -> bool:
    """Whether a text holds anything but itself."""
    return any(sign in text for sign in ("{{", "{%", "{#"))


@lru_cache(maxsize=10_000)
def wrong_template(text: str, tables: tuple[str, ...] = ()) -> str:
    """What is refused in a template; empty where it is well. `tables` are the names that `lookup` knows."""
    if len(text) > LONGEST:
        return f"a template is at most {LONGEST} letters long"
    try:
        tree = ENVIRONMENT.parse(text)
    except jinja2.TemplateSyntaxError as error:
        return f"{text!r} is no template: {error.message}"
    except RecursionError:
        return "the template is nested too deeply"
    called: set[int] = set()
    names = 0
    # By hand: what is too deep to walk is what this is for, and Jinja2's own parser has bounded it to some hundreds.
    left: list[tuple[nodes.Node, int]] = [(tree, 1)]
    while left:
        node, depth = left.pop()
        if isinstance(node, nodes.Call):
            called.add(id(node.node))
        names += isinstance(node, nodes.Name)
        if depth > DEEPEST:
            return "the template is nested too deeply"
        if names > MOST_NAMES:
            return f"a template uses at most {MOST_NAMES} values"
        problem = _refused(node, called, tables)
        if problem:
            return f"{text!r}: {problem}"
        left += [(child, depth + 1) for child in node.iter_child_nodes()]
    return ""


def _refused(node: nodes.Node, called: set[int], tables: Collection[str]) -> str:
    if not isinstance(node, _ALLOWED):
        return f"{type(node).__name__.lower()} is refused: only expressions on {', '.join(NAMES)}"
    match node:
        case nodes.Call():
            return _wrong_call(node, tables)
        case nodes.Const(value=float(value)) if not math.isfinite(value):
            return "that number is too large"
        case nodes.Name(name=name) if id(node) in called:
            return "" if name in FUNCTIONS else f"calls are refused: {name!r} is none of {', '.join(FUNCTIONS)}"
        case nodes.Name(name=name) if name not in NAMES:
            return f"{name!r} is none of {', '.join(NAMES)}"
        case nodes.Getattr(attr=attribute):
            return _wrong_attribute(node, attribute)
        case nodes.Filter(name=name) if name not in FILTERS:
            return f"the filter {name!r} is none of {', '.join(FILTERS)}"
    return ""


def _wrong_attribute(node: nodes.Getattr, attribute: str) -> str:
    if attribute.startswith("_"):
        return f"the private name {attribute!r} is refused"
    if isinstance(node.node, nodes.Name) and node.node.name == "fake" and attribute not in FAKES:
        return f"fake.{attribute} is none of {', '.join(FAKES)}"
    return ""


def _wrong_call(call: nodes.Call, tables: Collection[str]) -> str:
    if not isinstance(call.node, nodes.Name):
        return "calls are refused, but now(...) and lookup(...)"
    if call.kwargs or call.dyn_args or call.dyn_kwargs:
        return "a call has plain values only"
    given = [argument.value if isinstance(argument, nodes.Const) else None for argument in call.args]
    if call.node.name == "now" and (len(given) > 1 or (given and not _is_format(given[0]))):
        return "now() has nothing, or one format such as '%d/%m/%Y', between its brackets"
    if call.node.name == "lookup":
        if len(given) != 2 or not isinstance(given[0], str):
            return "lookup has a table's name and a key: lookup('people', path.id)"
        if given[0] not in tables:
            return f"there is no table {given[0]!r} under `data` ({', '.join(tables) or 'none'})"
    return ""


def _is_format(value: object) -> bool:
    # Directives of one letter, each of a bounded length: no widths, which some platforms would fill with zeros.
    return (
        isinstance(value, str)
        and len(value) <= 40
        and all(part[:1] in set("YmdHMSyjzf%") for part in value.replace("%%", "").split("%")[1:])
    )
