"""`lgsp services`: what exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from lgsp.catalogue.service import Operation, Service
from lgsp.cli.options import as_json, catalogue_of, places, print_json, take_in_own_people
from lgsp.cli.sheet import sheet


@click.group()
def services() -> None:
    """List, show and check the services of a configuration."""


services.add_command(sheet)


@services.command("ls")
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


@services.command("show")
@click.argument("service_id", metavar="ID")
@as_json
@places
def show(service_id: str, config: Path, state: Path, *, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """Show one service with its operations."""
    service = catalogue_of(config).find(service_id)
    if json_wanted:
        print_json(as_data(service))
        return
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


@services.command("validate")
@as_json
@places
def validate(config: Path, state: Path, *, json_wanted: bool) -> None:  # noqa: ARG001 - as above
    """Check the configuration: every mistake with its file and line; exit 2 when there is one."""
    catalogue = catalogue_of(config)
    take_in_own_people(config)
    operations = sum(len(service.operations) for service in catalogue)
    if json_wanted:
        print_json({"services": len(catalogue), "operations": operations, "problems": []})
    else:
        click.echo(f"{config}: {len(catalogue)} services, {operations} operations, no mistake", err=True)


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
