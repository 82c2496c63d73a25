"""`lgsp services`: what exists, and how it comes to exist."""

from __future__ import annotations

import click

from lgsp.cli.services.check import print_schema, run_examples, validate
from lgsp.cli.services.new import new
from lgsp.cli.services.register import add, remove
from lgsp.cli.services.show import list_services, show
from lgsp.cli.sheet import sheet


@click.group()
def services() -> None:
    """List, check and register the services of a configuration.

    What a command adds lies in `services.d/`; running processes see it within a second.
    """


for command in (list_services, show, validate, add, remove, new, print_schema, run_examples, sheet):
    services.add_command(command)
