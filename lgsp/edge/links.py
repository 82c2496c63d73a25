"""Where an answer leads, as OpenAPI's links: to the state and the result of what was stored, and to who takes the number that it gives."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from lgsp.catalogue.expression import is_template
from lgsp.catalogue.service import Operation, Service
from lgsp.edge.parameters import values_of
from lgsp.model import Outcome

Links = dict[str, dict[str, Any]]
STATE, RESULT = "lgsp.get.transaction", "lgsp.get.transaction.result"
"""The gateway's own operations, by their names among all."""
_ITS_ID = {"id": "$response.header.X-Transaction-Id"}
_TO_STORED: Links = {
    "state": {"operationId": STATE, "parameters": _ITS_ID},
    "result": {"operationId": RESULT, "parameters": _ITS_ID},
}


def operation_id(service: Service, operation: Operation) -> str:
    """The name of an operation among those of all services."""
    parts = operation.template.split("/")[1:]
    name = ".".join(f"by-{part[1:-1]}" if part.startswith("{") else part for part in parts)
    return f"{service.id}.{operation.method.lower()}.{name}"


def links_of(service: Service, operation: Operation) -> dict[int, Links]:
    """By status, which operations can be asked with what the answer gives.

    What was stored leads to its state and its result. What makes something, and a list to its items, leads to every
    operation of the service whose parameter has the name of a member, and whose examples give it a value of that form.
    """
    made: defaultdict[int, Links] = defaultdict(dict, {202: dict(_TO_STORED)})
    for status, body in _said(operation):
        if operation.delivery == "store-and-forward":
            made[status] |= _TO_STORED
        members = dict(_members(body, ""))
        for target in service.operations.values():
            taken = _taken(members, target) if _leads(operation, target) else {}
            if taken:
                name = operation_id(service, target)
                made[status].setdefault(re.sub(r"[^\w.-]", "-", name, flags=re.ASCII), {"operationId": name, "parameters": taken})  # fmt: skip
    return made


def _leads(operation: Operation, target: Operation) -> bool:
    """Many lists have a member `id`, each another's: only what is asked below the list takes it."""
    return target is not operation and (
        operation.method != "GET" or target.template.startswith(f"{operation.template}/{{")
    )


def _said(operation: Operation) -> Iterator[tuple[int, object]]:
    """What it says when all is well, by its examples and its rules."""
    for example in operation.examples:
        if example.reply.outcome is Outcome.OK:
            yield example.reply.status, example.reply.body
    for rule in operation.replies:
        for form in rule.steps:
            if form.outcome is Outcome.OK:
                yield form.status, form.body


def _members(value: object, at: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Each word or number of a body by its name, with where it stands; of a list its first item's."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            pointer = f"{at}/{str(name).replace('~', '~0').replace('/', '~1')}"
            if isinstance(item, str | int) and not isinstance(item, bool):
                yield str(name), (pointer, str(item))
            else:
                yield from _members(item, pointer)
    elif isinstance(value, list | tuple) and value:
        yield from _members(value[0], f"{at}/0")


def _taken(members: Mapping[str, tuple[str, str]], target: Operation) -> dict[str, str]:
    well = [example for example in target.examples if example.reply.outcome is Outcome.OK]
    return {
        f"{place}.{name}": f"$response.body#{members[name][0]}"
        for (place, name), given in values_of(target, well).items()
        if place != "header" and name in members and _is_like(members[name][1], list(given))
    }


def _is_like(value: str, given: list[str]) -> bool:
    """Whether a value has the form of one of those that are given; a template may give any."""
    return is_template(value) or not given or _form(value) in map(_form, given)


def _form(value: str) -> str:
    return re.sub(r"\w", "x", value)
