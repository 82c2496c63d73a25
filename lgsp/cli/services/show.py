"""`lgsp services ls|show`: what exists, and where each value is from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from lgsp.catalogue.effective import effective
from lgsp.catalogue.service import Operation, Service
from lgsp.catalogue.source import Source
from lgsp.cli.options import as_json, catalogue_of, places, print_json
from lgsp.cli.words import in_words, say


@click.command("ls")
@as_json
@places
def list_services(config: Path, state: Path, *, json_wanted: bool) -> None:  # noqa: ARG001 - stands on every command
    """List the services."""
    catalogue = catalogue_of(config)
    if json_wanted:
        print_json([as_data(service) for service in catalogue])
        return
    table = Table("id", "tier", "route", "context", "operations", "objective", "title", box=None, pad_edge=False)
    for service in catalogue:
        table.add_row(
            service.id,
            service.tier,
            service.route,
            service.context,
            str(len(service.operations)),
            f"{service.objective:.1%}",
            service.title.vi,
        )
    Console().print(table)


@click.command("show")
@click.argument("service_id", metavar="ID")
@click.option("--effective", "wants_effective", is_flag=True, help="Every value, and the line or default it is from.")
@as_json
@in_words
@places
def show(service_id: str, config: Path, state: Path, *, wants_effective: bool, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """Show one service with its operations."""
    service = catalogue_of(config).find(service_id)
    if wants_effective:
        show_effective(service, config, json_wanted=json_wanted)
    elif json_wanted:
        print_json(as_data(service))
    else:
        _show(service)


def show_effective(service: Service, config: Path, *, json_wanted: bool) -> None:
    """Every value with its origin."""
    name = service.where.rpartition(":")[0]
    values = list(effective(service, Source(name, (config / name).read_bytes())))
    if json_wanted:
        print_json([asdict(value) for value in values])
        return
    table = Table(say("key"), say("value"), say("origin"), box=None, pad_edge=False)
    for value in values:
        table.add_row(value.key, value.value, value.origin)
    Console().print(table)


def _show(service: Service) -> None:
    click.echo(f"{service.id}: {service.title.vi} / {service.title.en}")
    click.echo(f"{service.owner}; {service.tier}, {service.route}; {service.where}")
    click.echo(f"context {service.context}, timeout {service.timeout:g} s, objective {service.objective:.1%}")
    table = Table("operation", "delivery", "idempotent", "evidence", "source", "summary", box=None, pad_edge=False)
    for operation in service.operations.values():
        table.add_row(
            operation.name,
            operation.delivery,
            "yes" if operation.idempotent else "no",
            operation.evidence,
            operation.source,
            operation.summary.vi,
        )
    Console().print(table)


def as_data(service: Service) -> dict[str, Any]:
    """A service for programs."""
    return {
        "id": service.id,
        "title": {"vi": service.title.vi, "en": service.title.en},
        "owner": service.owner,
        "tier": service.tier,
        "route": service.route,
        "context": service.context,
        "aliases": list(service.aliases),
        "mode": service.mode,
        "timeout": service.timeout,
        "objective": service.objective,
        "share": service.share,
        "where": service.where,
        "operations": [_operation(operation) for operation in service.operations.values()],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "name": operation.name,
        "summary": {"vi": operation.summary.vi, "en": operation.summary.en},
        "idempotent": operation.idempotent,
        "delivery": operation.delivery,
        "evidence": operation.evidence,
        "source": operation.source,
        "examples": [example.name for example in operation.examples],
    }
