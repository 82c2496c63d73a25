"""The YAML beside a capture: what of its calls is not sent as it was recorded.

bind:
  token: {from: POST /token, take: $.access_token, put: ["header:Authorization"]}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from json import dumps
from pathlib import Path

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Node, Source, read
from lgsp.errors import CatalogueError
from lgsp.traffic.replay.bind import Binding, Put, Which
from lgsp.traffic.replay.place import PATH, Place, parse_place

_NOWHERE = Place(PATH, PATH)


@dataclass(frozen=True, slots=True)
class Script:
    """What a file says, or several of them together."""

    bindings: tuple[Binding, ...] = ()


def read_script(files: Iterable[Path]) -> Script:
    """What the files say. Raises `CatalogueError` with every mistake, `OSError` for one that cannot be read."""
    bindings: list[Binding] = []
    problems: list[str] = []
    for file in files:
        document = read(Source(str(file), file.read_bytes()))
        reader = Reader(document)
        if document.root is not None:
            for name, _, node in reader.entries(document.root, "", ("bind",)):
                bindings += [_binding(reader, key, value, each) for each, key, value in reader.entries(node, name)]
        problems += [str(problem) for problem in sorted(document.problems)]
    if problems:
        raise CatalogueError(problems)
    return Script(tuple(bindings))


def written(bindings: Iterable[Binding]) -> str:
    """The bindings as such a file."""
    lines = ["bind:"]
    for binding in bindings:
        puts = ", ".join(dumps(str(each.place), ensure_ascii=False) for each in binding.puts)
        source, take = (dumps(text, ensure_ascii=False) for text in (binding.source.text, str(binding.take)))
        lines.append(f"  {binding.name}: {{from: {source}, take: {take}, put: [{puts}]}}")
    return "\n".join(lines) + "\n" if len(lines) > 1 else "bind: {}\n"


def _binding(reader: Reader, key: Node, node: Node, name: str) -> Binding:
    where = f"bind / {name}"
    source, take, puts = Which(""), _NOWHERE, list[Put]()
    given = set()
    for word, _, value in reader.entries(node, where, ("from", "take", "put")):
        given.add(word)
        if word == "from":
            source = Which(reader.text(value, where))
        elif word == "take":
            take = _place(reader, value, where)
        elif value.kind == "mapping":
            puts = [
                Put(_placed(reader, at, place, where), _form(reader, text, where))
                for place, at, text in reader.entries(value, where)
            ]
        else:
            puts = [Put(_place(reader, each, where)) for each in reader.items(value, where)]
    for word in ("from", "take", "put"):
        if word not in given:
            reader.note(key, where, f"`{word}` is missing")
    return Binding(name, source, take, tuple(puts))


def _place(reader: Reader, node: Node, where: str) -> Place:
    return _placed(reader, node, reader.text(node, where), where)


def _placed(reader: Reader, node: Node, text: str, where: str) -> Place:
    if text.lower() in {"header:cookie", "header:set-cookie"}:
        reader.note(node, where, "a cookie is named: write cookie:NAME")
        return _NOWHERE
    try:
        return parse_place(text)
    except ValueError as error:
        reader.note(node, where, str(error))
        return _NOWHERE


def _form(reader: Reader, node: Node, where: str) -> str:
    form = reader.text(node, where)
    if "{}" not in form:
        reader.note(node, where, 'a form has {} where the value goes, as in "Bearer {}"')
    return form
