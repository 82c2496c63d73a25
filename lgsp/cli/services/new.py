"""`lgsp services new`: a commented file from eight answers, from an OpenAPI document, or from recorded calls."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from lgsp.capture.formats import FORMATS, Report, load
from lgsp.capture.where import where
from lgsp.catalogue.draft import Draft, draft_yaml, from_openapi
from lgsp.catalogue.parse import read_catalogue, wrong_name
from lgsp.catalogue.source import Source
from lgsp.catalogue.wiremock import from_wiremock, is_wiremock
from lgsp.cli.options import as_json, catalogue_of, places, print_json
from lgsp.cli.services.register import put
from lgsp.cli.words import in_words, say
from lgsp.errors import SettingsError
from lgsp.traffic.fit.learn import Law, learn

_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class _Made:
    """A services file, whether it is a good one, and what else there is to be told of it."""

    text: str
    is_well: bool = True
    told: dict[str, Any] = field(default_factory=dict)


@click.command("new")
@click.argument("service_id", metavar="ID")
@click.option("--from", "given", type=click.Path(exists=True, path_type=Path), metavar="FILE", help="An OpenAPI document, WireMock mappings, or a capture (ours, .har, .gor, .log).")  # fmt: skip
@click.option("--where", "condition", default="", metavar="EXPR", help="Of a capture only these: 'service=population'.")
@click.option("--max-ks", "at_most", type=click.FloatRange(0, 1), default=0.03, show_default=True, help="Distance of a law from a capture's times, beyond which the fit is bad.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit 1 when a mapping had to be skipped.")
@click.option("--title-vi", help="Its name in Vietnamese.")
@click.option("--title-en", help="Its name in English.")
@click.option("--owner", help="The agency behind it.")
@click.option("--operation", help="Method and path, as in the provider's document: GET /vehicles/{plate}.")
@click.option("--request", "request_file", type=_FILE, help="A sample request body, as it stands in that document.")
@click.option("--reply", "reply_file", type=_FILE, help="The sample reply to it.")
@click.option("--address", help="The real provider's address; none: only simulated.")
@click.option("--consumer", "consumers", multiple=True, help="Who may call; may be repeated.")
@click.option("--share", help="Expected volume: its part of all calls, such as 0.5%.")
@as_json
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE|-", help="Default: into `services.d/`.")
@in_words
@places
def new(
    service_id: str,
    given: Path | None,
    condition: str,
    at_most: float,
    output: Path | None,
    config: Path,
    state: Path,  # noqa: ARG001 - stands on every command
    *,
    strict: bool,
    json_wanted: bool,
    **said: Any,  # noqa: ANN401 - what the options of a draft say, see `_draft`
) -> None:
    """Write a file for service ID. What no option says is asked; an empty answer takes the default.

    The file is checked before it is written, and says at its head what to do next. From a capture come operations,
    replies, latency and error mix, with the distance of each law that was tried; exit 1 when none is near. Of WireMock's
    mappings (a file, or a directory with `mappings` and `__files`) what cannot be said here is named with its reason.
    """
    if not _ID.fullmatch(service_id):
        raise SettingsError(
            say("{} is no id: lower-case letters, digits and hyphens, a letter first", repr(service_id))
        )
    if service_id in catalogue_of(config):
        raise SettingsError(say("there is a service {} already: lgsp services show {}", service_id, service_id))
    if given is None:
        made = _Made(draft_yaml(_draft(service_id, **said)))
    else:
        made = _from_given(service_id, given, condition, at_most, strict=strict)
    name = f"services.d/{service_id}.yaml"
    read_catalogue(config, Source(name, made.text.encode()))
    file = None if output == Path("-") else output or config / name
    if file is not None:
        put(file, made.text.encode())
        click.echo(say("{} is written and right; next: lgsp services test {}", file, service_id), err=True)
    if json_wanted:
        print_json(
            {"service": service_id, "file": file and str(file), "text": made.text, "well": made.is_well} | made.told
        )
    elif file is None:
        click.echo(made.text, nl=False)
    raise click.exceptions.Exit(0 if made.is_well else 1)


def _from_given(service_id: str, given: Path, condition: str, at_most: float, *, strict: bool) -> _Made:
    """The services file that a capture, mappings or an OpenAPI document make."""
    if _is_capture(given):
        return _learned(service_id, given, condition, at_most)
    if mappings := _mappings_in(given):
        return _from_wiremock(service_id, given, mappings, strict=strict)
    if given.is_dir():
        raise SettingsError(say("{} is a directory without captures or mappings in it", given))
    return _Made(from_openapi(service_id, Source(given.name, given.read_bytes())))


def _draft(
    service_id: str,
    *,
    title_vi: str | None,
    title_en: str | None,
    owner: str | None,
    operation: str | None,
    request_file: Path | None,
    reply_file: Path | None,
    address: str | None,
    consumers: tuple[str, ...],
    share: str | None,
) -> Draft:
    """What the options say, and whoever sits there is asked for the rest."""
    vi = _asked(title_vi, "Its name in Vietnamese", service_id)
    return Draft(
        id=service_id,
        title_vi=vi,
        title_en=_asked(title_en, "Its name in English", vi),
        owner=_asked(owner, "The agency behind it", ""),
        operation=_operation(operation),
        request=_sample(request_file, "A sample request body (end with an empty line; none for a plain GET)"),
        reply=_sample(reply_file, "The sample reply as it stands in the provider's document (end with an empty line)"),
        address=_asked(address, "The real provider's address (none: only simulated)", ""),
        consumers=consumers
        or tuple(_asked(None, "Who may call (consumers, with commas)", "").replace(",", " ").split()),
        share=_asked(share, "Its part of all calls", "1%"),
    )


def _mappings_in(path: Path) -> list[Path]:
    """The files of WireMock's mappings that a path names: itself, or those of a directory or its `mappings`."""
    if path.is_file():
        return [path] if is_wiremock(path.read_bytes()) else []
    inner = path / "mappings" if (path / "mappings").is_dir() else path
    return [file for file in sorted(inner.rglob("*.json")) if is_wiremock(file.read_bytes())]


def _from_wiremock(service: str, path: Path, mappings: list[Path], *, strict: bool) -> _Made:
    """The services file of mappings; each that was skipped is told on stderr."""
    root = path if path.is_dir() else path.parent
    files = next((each for each in (root / "__files", root.parent / "__files") if each.is_dir()), root / "__files")

    def opened(name: str) -> bytes:
        file = (files / name).resolve()
        if not file.is_relative_to(files.resolve()):
            raise ValueError(f"{name} does not lie in __files")
        try:
            return file.read_bytes()
        except OSError as error:
            raise ValueError(f"{name} cannot be read: {error.strerror}") from error

    report = Report()
    try:
        sources = (Source(str(file.relative_to(root)), file.read_bytes()) for file in mappings)
        text = from_wiremock(service, sources, report, opened)
    finally:
        for position, reason in report.named:
            click.echo(say("skipped {}: {}", position, reason), err=True)
    click.echo(
        say("{} mappings read, {} converted, {} skipped", report.read, report.converted, report.skipped), err=True
    )
    told = {"read": report.read, "converted": report.converted, "skipped": _skipped(report)}
    return _Made(text, not (strict and report.skipped), told)


def _skipped(report: Report) -> list[dict[str, str]]:
    return [{"position": position, "reason": reason} for position, reason in report.named]


def _is_capture(path: Path) -> bool:
    """Whether a file's name is that of a capture; what is none is read as an OpenAPI document."""
    suffixes = tuple(suffix for each in FORMATS.values() for suffix in each.suffixes)
    files = path.iterdir() if path.is_dir() else [path]
    return any(file.name.removesuffix(".gz").endswith(suffixes) for file in files)


def _learned(service: str, path: Path, condition: str, at_most: float) -> _Made:
    """What the records of a capture teach, and how near it is: told on stderr."""
    wanted, report = where(condition), Report()
    learned = learn(service, filter(wanted, load(path, report)), at_most)
    for position, reason in report.named:
        click.echo(say("skipped {}: {}", position, reason), err=True)
    outcomes = ", ".join(f"{outcome} {count}" for outcome, count in learned.outcomes.items())
    click.echo(say("{} calls, {} operations: {}", learned.calls, learned.operations, outcomes), err=True)
    for name in learned.left_out:
        click.echo(say("left out, since a path is words and whole parameters: {}", name), err=True)
    for law in learned.laws:
        _show(law)
    if not learned.laws:
        click.echo(say("no times were recorded: write its latency yourself"), err=True)
    told = {
        "calls": learned.calls,
        "operations": learned.operations,
        "outcomes": {str(outcome): count for outcome, count in learned.outcomes.items()},
        "left_out": list(learned.left_out),
        "skipped": _skipped(report),
        "laws": [_as_data(law) for law in learned.laws],
    }
    # Paths and headers may be bytes that are no UTF-8; a file of YAML is.
    return _Made(learned.text.encode("utf-8", "replace").decode(), learned.fits_well, told)


def _show(law: Law) -> None:
    """A law that was looked for, every kind with its distance."""
    if law.operations:
        click.echo(say("latency of {}, which differs, {} times:", ", ".join(law.operations), law.times), err=True)
    table = Table(*map(say, ("law", "distance", "")), box=None, pad_edge=False)
    for fit in law.fits:
        verdict = say("taken") if fit is law.chosen else "" if fit.distance <= law.bound else say("bad fit")
        table.add_row(fit.family, f"{fit.distance:.4f}", verdict)
    Console(stderr=True, soft_wrap=True).print(table)
    if not law.fits_well:
        click.echo(say("bad fit: no law is within {}; the percentiles are as they were measured", f"{law.bound:.4f}"), err=True)  # fmt: skip


def _as_data(law: Law) -> dict[str, Any]:
    return {
        "operations": list(law.operations),
        "times": law.times,
        "bound": law.bound,
        "taken": law.chosen.family,
        "fits_well": law.fits_well,
        "distances": {fit.family: fit.distance for fit in law.fits},
    }


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
