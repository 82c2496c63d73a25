"""What an operation takes beside its body, as OpenAPI has it: in its path, its query and its headers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from lgsp.catalogue.service import Example, Operation

_NOT_HERE = frozenset(("header", name) for name in ("accept", "authorization", "content-type"))
"""Headers that OpenAPI describes elsewhere than among the parameters."""


def parameters_of(operation: Operation) -> list[dict[str, Any]]:
    """Parameters of the path, the query and the headers, as examples give and rules look at them."""
    return [
        {
            "name": name,
            "in": place,
            **({"required": True} if place == "path" else {}),
            "schema": {"type": "string", **({"minLength": 1} if place == "path" else {})},
            **({"examples": {f"value{n}": {"value": value} for n, value in enumerate(given, 1)}} if given else {}),
        }
        for (place, name), given in values_of(operation, operation.examples).items()
    ]


def values_of(operation: Operation, examples: Iterable[Example]) -> Mapping[tuple[str, str], Iterable[str]]:
    """Where each parameter stands and its name, with the values that these of its examples give it."""
    template = operation.template.split("/")
    values: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    values |= {("path", part[1:-1]): {} for part in template if part.startswith("{")}
    for example in examples:
        asked = example.request
        for part, value in zip(template, asked.path.split("/"), strict=True):
            if part.startswith("{"):
                values["path", part[1:-1]][unquote(value)] = None
        for name, value in parse_qsl(asked.query, keep_blank_values=True):
            values["query", name][value] = None
        for name, value in asked.headers.items():
            values["header", name][value] = None
    for condition in (condition for rule in operation.replies for condition in rule.when):
        place = {"query": "query", "headers": "header"}.get(condition.of)
        if place:
            values.setdefault((place, condition.name[0]), {})
    return {parameter: given for parameter, given in values.items() if parameter not in _NOT_HERE}
