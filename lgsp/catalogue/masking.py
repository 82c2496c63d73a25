"""What is masked before it is kept: `masking.yaml` of the configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Node, Source, read
from lgsp.errors import CatalogueError

NAME = "masking.yaml"
_FORM = re.compile(r"[0-9#=^]+")


@dataclass(frozen=True, slots=True)
class Rules:
    """`identifiers`: what one looks like, and the form of its pseudonym. `keep`: those that stay as they are."""

    identifiers: tuple[tuple[str, str], ...] = ()
    keep: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()


def read_masking(directory: Path) -> Rules:
    """The rules of a configuration; none without a file. Raises `CatalogueError` with every mistake."""
    file = directory / NAME
    if not file.is_file():
        return Rules()
    document = read(Source(NAME, file.read_bytes()))
    reader, made = Reader(document), dict[str, tuple[str, ...]]()
    identifiers: list[tuple[str, str]] = []
    if document.root is not None:
        for name, _, value in reader.entries(document.root, "", ("identifiers", "keep", "fields", "headers")):
            if name == "identifiers":
                identifiers = [_identifier(reader, node, each) for each, _, node in reader.entries(value, name)]
            else:
                made[name] = tuple(reader.text(node, name) for node in reader.items(value, name))
        for pattern in made.get("keep", ()):
            _check(reader, document.root, pattern)
    if document.problems:
        raise CatalogueError([str(problem) for problem in sorted(document.problems)])
    return Rules(tuple(identifiers), made.get("keep", ()), made.get("fields", ()), made.get("headers", ()))


def _identifier(reader: Reader, node: Node, name: str) -> tuple[str, str]:
    given = {key: (value, reader.text(value, key)) for key, _, value in reader.entries(node, name, ("matches", "form"))}
    for word in ("matches", "form"):
        if word not in given:
            reader.note(node, name, f"`{word}` is missing")
            return "", "0"
    _check(reader, given["matches"][0], given["matches"][1])
    if not _FORM.fullmatch(given["form"][1]):
        reader.note(given["form"][0], name, "a form holds digits, `=`, `^` and `#` only, one for each digit")
    return given["matches"][1], given["form"][1]


def _check(reader: Reader, node: Node, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        reader.note(node, "", f"{pattern!r} is no regular expression: {error}")
