"""Options that stand on every command, and what they mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Catalogue
from lgsp.settings import environment, find_config, find_state

P = ParamSpec("P")
R = TypeVar("R")


def places(command: Callable[P, R]) -> Callable[..., R]:
    """Add `--config` and `--state`; the command gets them as paths."""

    @click.option("--config", "config_flag", metavar="DIR", help="Configuration directory [LGSP_CONFIG].")
    @click.option("--state", "state_flag", metavar="DIR", help="Where ledger, broker and secrets lie [LGSP_STATE_DIR].")
    @wraps(command)
    def with_places(*args: Any, config_flag: str | None, state_flag: str | None, **kwargs: Any) -> R:  # noqa: ANN401 - click's
        kwargs["config"] = find_config(config_flag, environment(), Path.cwd())
        kwargs["state"] = find_state(state_flag, environment(), Path.home())
        return command(*args, **kwargs)

    return with_places


def as_json(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--json`."""
    return click.option("--json", "json_wanted", is_flag=True, help="Print the result as JSON.")(command)


def catalogue_of(config: Path) -> Catalogue:
    """The catalogue of a configuration directory. Raises `CatalogueError` with every mistake."""
    return read_catalogue(config)


def print_json(value: object) -> None:
    """Print a result for programs: indented, with its letters as they are."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
