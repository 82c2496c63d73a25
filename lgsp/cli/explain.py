"""`lgsp call --explain`: which rule would answer, and what the others lack; nothing is sent."""

from __future__ import annotations

import json
from typing import Any

import click

from lgsp.catalogue.service import Condition, Operation, Service
from lgsp.catalogue.validator import compile_schema
from lgsp.cli.options import print_json
from lgsp.cli.words import say
from lgsp.clock import SystemClock
from lgsp.errors import MalformedRequest
from lgsp.model import Request
from lgsp.runtime.rules import MISSING, Tried, explain, nearest
from lgsp.runtime.template import values_of


def explain_call(service: Service, operation: Operation, request: Request, *, json_wanted: bool) -> int:
    """Print how each rule fares with a request; 0 where one answers, 1 where none does."""
    refusal = _refusal(operation, request)
    values = values_of(request, service, SystemClock().now())
    tried = [] if refusal else explain(operation.replies, values, service.data)
    chosen = next((one for one in tried if not one.missed_by), None)
    near = nearest(tried)
    if json_wanted:
        rule = None if chosen is None else chosen.rule.name
        print_json({"rule": rule, "refused": refusal, "tried": [_data(one) for one in tried]})
    elif refusal:
        click.echo(say("refused by the request's schema: {}", refusal))
    elif service.connector is not None:
        click.echo(say("{} answers, a module: there are no rules to explain", service.connector))
    elif not operation.replies:
        click.echo(say("there are no rules: the request is echoed"))
    else:
        _print(tried, chosen, near)
    return 0 if chosen or (not refusal and not operation.replies) else 1


def _print(tried: list[Tried], chosen: Tried | None, near: list[Tried]) -> None:
    for one in tried:
        mark = "==>" if one is chosen else " no" if one.missed_by else "  -"
        why = "" if one.failed is None else f"  {_lacks(one.failed, one.found)}"
        if one.failed is None and one.rule.since is not None:
            why = f"  {say('only where {} was started', one.rule.since)}"
        click.echo(f"{mark} {one.rule.name} ({one.rule.where}){why}")
    if chosen is None:
        click.echo(say("no rule fits: the answer is a provider_error"), err=True)
    if near:
        names = ", ".join(one.rule.name for one in near)
        click.echo(say("nearest misses: {} ({} of its conditions does not hold)", names, near[0].missed_by), err=True)


def _lacks(condition: Condition, found: object) -> str:
    wanted = ", ".join(f"{test.word} {json.dumps(test.value, ensure_ascii=False)}" for test in condition.tests)
    return f"{condition.written}: {wanted}; {say('it is')} {_shown(found)}"


def _shown(found: object) -> str:
    return say("missing") if found is MISSING else json.dumps(found, ensure_ascii=False, default=str)[:80]


def _data(one: Tried) -> dict[str, Any]:
    failed = None if one.failed is None else one.failed.written
    found = None if one.found is MISSING else one.found
    return {"rule": one.rule.name, "at": one.rule.where, "missed_by": one.missed_by, "failed": failed, "found": found}


def _refusal(operation: Operation, request: Request) -> str:
    if operation.request is None:
        return ""
    try:
        violation = compile_schema(operation.request.json_schema)(request.json)
    except MalformedRequest as error:
        return str(error)
    return "" if violation is None else f"{violation.path}: {violation.says}".lstrip(": ")
