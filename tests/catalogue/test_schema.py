"""The published schema and the reader agree: on what is right, and on each key of the full example broken once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from lgsp.catalogue import capacity, examples, follow, parse, profile, replies, upstream
from lgsp.catalogue.parse import parse_services
from lgsp.catalogue.schema import format_schema
from lgsp.catalogue.source import Source
from lgsp.errors import CatalogueError

FILE = Path(__file__).with_name("full.yaml")
FULL = FILE.read_text()
SHIPPED = Path(__file__).parents[2] / "config" / "services.yaml"
VALIDATOR = Draft202012Validator(format_schema())
FREE = {
    "vehicle-registry",
    "POST /vehicles/{kind}",
    "GET /vehicles/{plate}",
    "GET /queue",
    "GET /all",
    "found",
    "owners",
}
"""Names, not keys: another name is as good."""
BELOW_FREE = {"invalid", "body", "headers", "headers_file", "schema", "reply"}
"""What stands below these is the provider's own."""


def refused(text: str) -> list[str]:
    try:
        parse_services(
            [Source("full.yaml", text.encode())],
            has_module=lambda module: module == "connectors.registry",
            open_file=lambda _, name: b"plate,name\n30A,An\n" if name == "owners.csv" else b"",
        )
    except CatalogueError as error:
        return error.problems
    return []


def loaded(text: str) -> Any:
    """As an editor loads it; `None` where it is no YAML."""
    with suppress(yaml.YAMLError):
        return yaml.safe_load(text)
    return None


def scalars(node: yaml.Node, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], yaml.Node, bool]]:
    """Every key (true) and scalar value (false) with the keys that lead to it."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*way, key.value), key, True
            yield from scalars(value, (*way, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from scalars(item, way)
    else:
        yield way, node, False


def mutants() -> Iterator[tuple[str, int, str]]:
    """What is broken, its line, and the text."""
    lines = FULL.splitlines(keepends=True)
    for way, node, is_key in scalars(yaml.compose(FULL)):
        at = node.start_mark
        before, after = lines[at.line][: at.column], lines[at.line][node.end_mark.column :]
        below_free = bool(BELOW_FREE & set(way[:-1])) and not {"examples", "replies", "upstream"} & set(way[-2:-1])
        if is_key and way[-1] not in FREE and not below_free:
            name = node.value.replace(".", "_") if way[-2] == "when" else f"{node.value}q"
            broken = f"{before}{name}{after}"
        elif not is_key and typed(way) and not below_free:
            broken = f"{before}{{wrong: [1]}}{after}"
        else:
            continue
        yield (
            f"{' / '.join(way)} {'key' if is_key else 'value'}",
            at.line + 1,
            "".join([*lines[: at.line], broken, *lines[at.line + 1 :]]),
        )


def typed(way: tuple[str, ...]) -> bool:
    """Whether a value has a type of its own; a body and what equals something may be anything."""
    return (
        not {"body", "equals", "one_of", "schema", "reply"} & set(way)
        and "owners[body.plate].name" not in way
        and way[-1:] != ("path.kind",)
    )


def test_the_full_example_is_right() -> None:
    assert refused(FULL) == []
    assert [error.message for error in VALIDATOR.iter_errors(loaded(FULL))] == []


def test_the_full_example_has_every_key() -> None:
    found = {way[-1] for way, _, is_key in scalars(yaml.compose(FULL)) if is_key}
    keys = {
        *replies.STEP_KEYS,
        *parse.SERVICE_KEYS,
        *parse.OPERATION_KEYS,
        *replies.RULE_KEYS,
        *replies.TESTS,
        *upstream.KEYS,
    }
    keys |= {
        *capacity.KEYS,
        *capacity.OVERFLOW_KEYS,
        *profile.KEYS,
        *follow.KEYS,
        *examples.REQUEST_KEYS,
        *examples.REPLY_KEYS,
        "invalid",
        "schema",
        "csv",
    }
    assert keys - found == set()


@pytest.mark.parametrize(
    ("what", "line", "text"),
    list(mutants()),
    ids=lambda value: value if isinstance(value, str) and len(value) < 120 else "",
)
def test_each_key_broken_once_is_refused_with_its_line_and_by_the_schema(what: str, line: int, text: str) -> None:
    problems = refused(text)
    assert any(re.match(rf"full\.yaml:{line}:", problem) for problem in problems), (what, problems)
    found = loaded(text)
    assert found is None or not VALIDATOR.is_valid(found), what


def test_the_mutants_are_many(capsys: pytest.CaptureFixture[str]) -> None:
    made = list(mutants())
    survive = sum(1 for _, _, text in made if loaded(text) is not None)
    with capsys.disabled():
        print(f"\n{len(made)} mutants, {survive} survive YAML loading, each refused by reader and schema")
    assert len(made) >= 100


def test_the_schema_is_a_schema_and_the_shipped_services_keep_to_it() -> None:
    Draft202012Validator.check_schema(format_schema())
    assert [error.message for error in VALIDATOR.iter_errors(loaded(SHIPPED.read_text()))] == []


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("timeout", "10"),
        ("timeout", "abc"),
        ("share", "1"),
        ("objective", "high"),
        ("mode", "off"),
        ("tier", "local"),
        ("context", "x"),
        ("context", "/x/"),
    ],
)
def test_a_wrong_value_is_refused_by_both(line: str, value: str) -> None:
    text = re.sub(rf"(?m)^  {line}: .*$", f"  {line}: {value}", FULL, count=1)
    assert refused(text) != []
    assert not VALIDATOR.is_valid(loaded(text))
