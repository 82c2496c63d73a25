"""`lgsp init`: the shipped configuration, to be changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from lgsp.cli.options import places
from lgsp.errors import SettingsError


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@places
def init(directory: Path, config: Path, state: Path) -> None:  # noqa: ARG001 - stands on every command
    """Copy the configuration in force to DIRECTORY, which must not exist or be empty."""
    if directory.exists() and any(directory.iterdir()):
        raise SettingsError(f"{directory} is not empty: name a new directory, nothing was written")
    shutil.copytree(config, directory, dirs_exist_ok=True)
    for drop_in in ("services.d", "consumers.d"):
        (directory / drop_in).mkdir(exist_ok=True)
    click.echo(f"the configuration lies in {directory}; start with: lgsp up --config {directory}", err=True)
