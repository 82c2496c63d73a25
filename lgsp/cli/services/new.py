"""`lgsp services new`: a commented file from eight answers, or from an OpenAPI document."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from lgsp.catalogue.draft import Draft, draft_yaml, from_openapi
from lgsp.catalogue.parse import read_catalogue, wrong_name
from lgsp.catalogue.source import Source
from lgsp.cli.options import catalogue_of, places
from lgsp.cli.services.register import put
from lgsp.cli.words import in_words, say
from lgsp.errors import SettingsError

_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("new")
@click.argument("service_id", metavar="ID")
@click.option("--from", "openapi", type=_FILE, metavar="FILE", help="Take the operations of an OpenAPI document.")
@click.option("--title-vi", help="Its name in Vietnamese.")
@click.option("--title-en", help="Its name in English.")
@click.option("--owner", help="The agency behind it.")
@click.option("--operation", help="Method and path, as in the provider's document: GET /vehicles/{plate}.")
@click.option("--request", "request_file", type=_FILE, help="A sample request body, as it stands in that document.")
@click.option("--reply", "reply_file", type=_FILE, help="The sample reply to it.")
@click.option("--address", help="The real provider's address; none: only simulated.")
@click.option("--consumer", "consumers", multiple=True, help="Who may call; may be repeated.")
@click.option("--share", help="Expected volume: its part of all calls, such as 0.5%.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE|-", help="Default: into `services.d/`.")
@in_words
@places
def new(
    service_id: str,
    openapi: Path | None,
    title_vi: str | None,
    title_en: str | None,
    owner: str | None,
    operation: str | None,
    request_file: Path | None,
    reply_file: Path | None,
    address: str | None,
    consumers: tuple[str, ...],
    share: str | None,
    output: Path | None,
    config: Path,
    state: Path,  # noqa: ARG001 - stands on every command
) -> None:
    """Write a file for service ID. What no option says is asked; an empty answer takes the default.

    The file is checked before it is written, and says at its head what to do next.
    """
    if not _ID.fullmatch(service_id):
        raise SettingsError(
            say("{} is no id: lower-case letters, digits and hyphens, a letter first", repr(service_id))
        )
    if service_id in catalogue_of(config):
        raise SettingsError(say("there is a service {} already: lgsp services show {}", service_id, service_id))
    if openapi is not None:
        text = from_openapi(service_id, Source(openapi.name, openapi.read_bytes()))
    else:
        vi = _asked(title_vi, "Its name in Vietnamese", service_id)
        text = draft_yaml(
            Draft(
                id=service_id,
                title_vi=vi,
                title_en=_asked(title_en, "Its name in English", vi),
                owner=_asked(owner, "The agency behind it", ""),
                operation=_operation(operation),
                request=_sample(request_file, "A sample request body (end with an empty line; none for a plain GET)"),
                reply=_sample(
                    reply_file, "The sample reply as it stands in the provider's document (end with an empty line)"
                ),
                address=_asked(address, "The real provider's address (none: only simulated)", ""),
                consumers=consumers
                or tuple(_asked(None, "Who may call (consumers, with commas)", "").replace(",", " ").split()),
                share=_asked(share, "Its part of all calls", "1%"),
            )
        )
    name = f"services.d/{service_id}.yaml"
    read_catalogue(config, Source(name, text.encode()))
    if output == Path("-"):
        click.echo(text, nl=False)
        return
    file = output or config / name
    put(file, text.encode())
    click.echo(say("{} is written and right; next: lgsp services test {}", file, service_id), err=True)


def _asked(given: str | None, question: str, default: str) -> str:
    """The option, or the answer of whoever sits there."""
    if given is not None or not sys.stdin.isatty():
        return given if given is not None else default
    answer: str = click.prompt(say(question), default=default, err=True)
    return answer.strip()


def _operation(given: str | None) -> str:
    name = _asked(given, "Method and path, as in the provider's document", "")
    problem = wrong_name(name)
    if problem:
        raise SettingsError(say("{}: name one with --operation", problem))
    return name


def _sample(file: Path | None, question: str) -> str:
    if file is not None:
        return file.read_text("utf-8-sig").strip()
    if not sys.stdin.isatty():
        return ""
    click.echo(say(question), err=True)
    lines: list[str] = []
    while line := sys.stdin.readline().rstrip("\n"):
        lines.append(line)
    return "\n".join(lines)
