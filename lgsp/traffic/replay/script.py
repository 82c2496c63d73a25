"""The YAML beside a capture: what of its calls is not sent as it was recorded.

bind:
  token: {from: POST /token, take: $.access_token, put: ["header:Authorization"]}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from json import dumps
from pathlib import Path

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Node, Source, read
from lgsp.errors import CatalogueError
from lgsp.traffic.replay.bind import Binding, Put, Which
from lgsp.traffic.replay.place import PATH, Place, parse_place
from lgsp.traffic.replay.sign import AS_IS, BASE64, HMAC, HOW, NAMED, NOW, PARTS, TEXT, UNIX, UNIX_MS, Signature, Value

_NOWHERE = Place(PATH, PATH)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}")
_ZONE = re.compile(r"([+-])(\d\d):(\d\d)")
Variable = Callable[[str], str | None]
"""What the environment says of a name, if anything."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a file says, or several of them together."""

    bindings: tuple[Binding, ...] = ()
    signatures: tuple[Signature, ...] = ()


def read_script(files: Iterable[Path], variable: Variable) -> Script:
    """What the files say. Raises `CatalogueError` with every mistake, `OSError` for one that cannot be read."""
    bindings: list[Binding] = []
    signatures: list[Signature] = []
    problems: list[str] = []
    for file in files:
        document = read(Source(str(file), file.read_bytes()))
        reader = Reader(document)
        if document.root is not None:
            for name, _, node in reader.entries(document.root, "", ("bind", "sign")):
                each = reader.entries(node, name)
                if name == "bind":
                    bindings += [_binding(reader, key, value, called) for called, key, value in each]
                else:
                    signatures += [_signature(reader, key, value, called, variable) for called, key, value in each]
        problems += [str(problem) for problem in sorted(document.problems)]
    if problems:
        raise CatalogueError(problems)
    return Script(tuple(bindings), tuple(signatures))


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


def _signature(reader: Reader, key: Node, node: Node, name: str, variable: Variable) -> Signature:
    where = f"sign / {name}"
    kinds: tuple[Which, ...] = ()
    made: dict[str, Value] = {}
    puts: list[tuple[Place, str]] = []
    given = {word: value for word, _, value in reader.entries(node, where, ("for", "values", "put"))}
    if "for" in given:
        nodes = given["for"].items if given["for"].kind == "list" else [given["for"]]
        kinds = tuple(Which(reader.text(each, where)) for each in nodes)
    if "values" in given:
        for called, _, value in reader.entries(given["values"], where):
            made[called] = _value(reader, value, f"{where} / {called}", made, variable)
    if "put" in given:
        for place, at, text in reader.entries(given["put"], where):
            puts.append((_placed(reader, at, place, where), _filled(reader, text, where, made)))
    for word in ("for", "put"):
        if word not in given:
            reader.note(key, where, f"`{word}` is missing")
    return Signature(name, kinds, made, tuple(puts))


def _value(reader: Reader, node: Node, where: str, known: Mapping[str, Value], variable: Variable) -> Value:
    if node.kind == "text" and _VARIABLE.search(node.text):
        return _from_environment(reader, node, where, variable)
    if node.kind == "text":
        return Value(TEXT, _filled(reader, node, where, known))
    given = {word: (at, each) for word, at, each in reader.entries(node, where, (*HOW, "key", "as", "zone"))}
    ways = [word for word in given if word in HOW]
    if not ways:
        reader.note(node, where, f"says no way to compute it: one of {', '.join(HOW)}")
        return Value(TEXT, "")
    how = ways[0]
    if len(ways) > 1:
        reader.note(given[ways[1]][0], where, f"a value is computed in one way: {how} or {ways[1]}?")
    if (how == HMAC) != ("key" in given):
        reader.note(node, where, f"`key` belongs to {HMAC}, and it has one")
    value = given[how][1]
    return Value(
        how,
        _moment(reader, value, where) if how == NOW else _filled(reader, value, where, known),
        key=_filled(reader, given["key"][1], where, known) if "key" in given else "",
        raw="as" in given and reader.choice(given["as"][1], where, ("hex", BASE64)) == BASE64,
        east=_east(reader, given["zone"][1], where) if "zone" in given else 0.0,
    )


def _moment(reader: Reader, node: Node, where: str) -> str:
    form = reader.text(node, where)
    if form not in {UNIX, UNIX_MS} and "%" not in form:
        reader.note(node, where, f'a time is written as {UNIX}, {UNIX_MS}, or a form such as "%Y%m%d%H%M%S"')
    return form


def _east(reader: Reader, node: Node, where: str) -> float:
    found = _ZONE.fullmatch(reader.text(node, where))
    if not found:
        reader.note(node, where, 'a zone is an offset from UTC: write "+07:00"')
        return 0.0
    return (int(found[2]) * 3_600 + int(found[3]) * 60) * (-1 if found[1] == "-" else 1)


def _filled(reader: Reader, node: Node, where: str, known: Mapping[str, Value]) -> str:
    """A text whose names in braces are known."""
    text = reader.text(node, where)
    if "${" in text:
        reader.note(
            node, where, 'a variable of the environment has a value of its own in `values`: secret: "${SECRET}"'
        )
        return ""
    for name in NAMED.findall(text):
        if name not in known and name not in PARTS:
            try:
                parse_place(name)
            except ValueError:
                there = ", ".join([*known, *PARTS])
                reader.note(node, where, f"{{{name}}} is nothing that stands above it, and no place; there are {there}")
    return text


def _from_environment(reader: Reader, node: Node, where: str, variable: Variable) -> Value:
    def said(found: re.Match[str]) -> str:
        value = variable(found[1])
        if value is None and found[2] is None:
            reader.note(
                node, where, f"the environment has no {found[1]}: set it, or {found[1]}_FILE to a file that holds it"
            )
        return value if value is not None else found[2] or ""

    return Value(AS_IS, _VARIABLE.sub(said, node.text))
