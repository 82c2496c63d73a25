"""Options that stand on every command, and what they mean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import click

import connectors
from lgsp.catalogue.parse import read_catalogue
from lgsp.catalogue.service import Catalogue, Text
from lgsp.errors import CatalogueError, SettingsError
from lgsp.settings import environment, find_config, find_state

P = ParamSpec("P")
R = TypeVar("R")
Language = Literal["vi", "en"]
_SURROGATE = re.compile("[\ud800-\udfff]")


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


def served_by(answering: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The services of each connectors process, of `NAME=ID,ID`; none for one that serves all. Raises `SettingsError`."""
    served = {}
    for each in answering:
        name, _, listed = each.partition("=")
        if not name:
            raise SettingsError(f"--connectors {each}: name the process first, NAME or NAME=ID,ID")
        served[name] = tuple(filter(None, listed.split(",")))
    return served


def as_json(command: Callable[P, R]) -> Callable[P, R]:
    """Add `--json`."""
    return click.option("--json", "json_wanted", is_flag=True, help="Print the result as JSON.")(command)


def catalogue_of(config: Path) -> Catalogue:
    """The catalogue of a configuration directory. Raises `CatalogueError` with every mistake."""
    return read_catalogue(config)


def speaks(command: Callable[P, R]) -> Callable[..., R]:
    """Add `--lang`; the command gets `language`: the flag, else what `LANG` begins with, else `vi`."""

    @click.option("--lang", "flag", type=click.Choice(["vi", "en"]), help="The language of what is printed [LANG].")
    @wraps(command)
    def with_language(*args: Any, flag: Language | None, **kwargs: Any) -> R:  # noqa: ANN401 - click's
        kwargs["language"] = flag or ("en" if environment().get("LANG", "").startswith("en") else "vi")
        return command(*args, **kwargs)

    return with_language


def in_language(text: Text, language: Language) -> str:
    """A text in one of its languages."""
    return text.vi if language == "vi" else text.en


def take_in_own_people(config: Path) -> None:
    """Let the stand-ins know the test persons of a configuration. Raises `CatalogueError` with every mistake."""
    problems = connectors.prepare(config)
    if problems:
        raise CatalogueError(problems)


def print_json(value: object) -> None:
    """Print a result for programs: indented, with its letters as they are, and escaped what is none."""
    click.echo(_SURROGATE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(value, ensure_ascii=False, indent=2)))
