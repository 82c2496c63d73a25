"""Request schemas: JSON Schema 2020-12 whose cost is bounded; what is not is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lgsp.catalogue.pattern import compile_pattern

if TYPE_CHECKING:
    from jsonschema.exceptions import SchemaError, ValidationError

MOST_STEPS = 10_000
_LOCAL = "#/$defs/"
_REFUSED = {
    "$dynamicRef": "write $ref to #/$defs/NAME",
    "$id": "a request schema has no name of its own",
    "$vocabulary": "the vocabulary is JSON Schema's own",
    "uniqueItems": "comparing all items with all has no bound",
}
_DATA = {"const", "enum", "default", "examples"}


@dataclass(frozen=True, slots=True)
class Violation:
    """Where a value breaks its schema (`""` is the whole, else `a.b.0`), and how."""

    path: str
    says: str


Check = Callable[[object], Violation | None]


def compile_schema(schema: object) -> Check:
    """What finds the first violation in a value. Raises `ValueError` in words for a schema that is none or is refused."""
    if not isinstance(schema, Mapping):
        raise ValueError("a schema is a mapping")  # noqa: TRY004 - a mistake in a file, like all others here
    # Not before somebody has a schema: where its extras are installed it brings a grammar of addresses, and costs a
    # process 20 MB and a second of its start.
    from jsonschema import Draft202012Validator  # noqa: PLC0415
    from jsonschema.exceptions import SchemaError, best_match  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"this is no JSON Schema: {_path(error)}{error.message}") from error
    steps = _Steps(schema)
    if steps.of(schema, ()) > MOST_STEPS:
        raise ValueError(f"the schema unfolds to more than {MOST_STEPS} rules")
    validator = Draft202012Validator(schema, registry=Registry())

    def check(value: object) -> Violation | None:
        error = cast("ValidationError | None", best_match(validator.iter_errors(value)))
        return None if error is None else Violation(".".join(map(str, error.absolute_path)), error.message[:200])

    return check


class _Steps:
    """How many rules a schema unfolds to, its references followed."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Any] = root.get("$defs", {})
        self._known: dict[str, int] = {}

    def of(self, schema: object, within: tuple[str, ...]) -> int:
        """The rules of a schema. Raises `ValueError` for what is refused; `within` are the references that led here."""
        if not isinstance(schema, Mapping):
            return 1
        for word, why in _REFUSED.items():
            if schema.get(word):
                raise ValueError(f"{word} is refused: {why}")
        if isinstance(schema.get("pattern"), str):
            compile_pattern(schema["pattern"])
        for pattern in schema.get("patternProperties", {}):
            compile_pattern(pattern)
        count = 1 + sum(self.of(part, within) for part in _parts(schema))
        reference = schema.get("$ref")
        return min(count + (0 if reference is None else self._referred(str(reference), within)), MOST_STEPS + 1)

    def _referred(self, reference: str, within: tuple[str, ...]) -> int:
        name = reference.removeprefix(_LOCAL)
        if not reference.startswith(_LOCAL) or name not in self._definitions:
            raise ValueError(
                f"the reference {reference!r} is refused: it names something under #/$defs/ of this schema"
            )
        if name in within:
            raise ValueError(f"the definition {name!r} refers to itself")
        if name not in self._known:
            self._known[name] = self.of(self._definitions[name], (*within, name))
        return self._known[name]


def _parts(schema: Mapping[str, Any]) -> Iterator[object]:
    """The schemas inside a schema."""
    for word, value in schema.items():
        if word in _DATA:
            continue
        if word in {"properties", "patternProperties", "dependentSchemas", "$defs"}:
            yield from value.values()
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, Mapping))
        elif isinstance(value, Mapping):
            yield value


def _path(error: SchemaError) -> str:
    where = ".".join(map(str, error.absolute_path))
    return f"{where}: " if where else ""
