"""A services file written for somebody: from answers, or from an OpenAPI document. Pure functions that give text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lgsp.catalogue.parse import wrong_name
from lgsp.catalogue.reader import Reader
from lgsp.catalogue.source import Source, read
from lgsp.errors import CatalogueError

METHODS = ("get", "head", "post", "put", "patch", "delete")
_PARAMETER = re.compile(r"\{([^{}]*)\}")
_DEEPEST = 6
_WIDEST = 15
"""Digits of a number that every reader of JSON and YAML keeps."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of a service; `request` and `reply` are samples as they stand in the provider's document."""

    id: str
    title_vi: str
    title_en: str
    owner: str
    operation: str
    request: str
    reply: str
    address: str
    consumers: tuple[str, ...]
    share: str


def draft_yaml(draft: Draft) -> str:
    """The commented file. Raises `CatalogueError` for a sample that begins like JSON and is none."""
    reply = _sample(draft.reply, "reply")
    lines = [
        *head(draft.id, draft.consumers),
        f"{draft.id}:",
        f"  title: {{vi: {quoted(draft.title_vi)}, en: {quoted(draft.title_en)}}}",
        *([f"  owner: {quoted(draft.owner)}"] if draft.owner else []),
        f"  # The gateway answers under /{draft.id}; `context: /name/v1.0.0` makes it another path.",
        "  # Part of the demo traffic, relative to the other services.",
        f"  share: {draft.share}",
        "  # How long an answer takes, and how often one fails by itself; `lgsp call` by a calm consumer sees neither.",
        "  latency: {p50: 200ms, p99: 2s}",
        "  errors: {provider_error: 0.5%, timeout: 0.2%}",
    ]
    if draft.address:
        lines += [
            "  # The real provider. `mode: proxy` asks it, `simulate` (the default) answers from this file.",
            "  mode: simulate",
            "  upstream:",
            f"    url: {quoted(draft.address)}",
        ]
    lines += ["  operations:", *_operation(draft.operation, _sample(draft.request, "request"), reply)]
    return "\n".join(lines) + "\n"


def from_openapi(service: str, source: Source) -> str:
    """A file with the operations of an OpenAPI 3 document (JSON or YAML). Raises `CatalogueError`."""
    document = _loaded(source)
    paths = document.get("paths")
    if not isinstance(paths, Mapping) or not isinstance(document.get("info"), Mapping):
        raise CatalogueError([f"{source.name}:1:1: this is no OpenAPI document: it has no `info` or no `paths`"])
    title = str(document["info"].get("title") or service)
    lines = [*head(service, ()), f"{service}:", f"  title: {quoted(title)}", "  operations:"]
    seen: set[str] = set()
    for path, item in paths.items():
        for method in METHODS:
            if not isinstance(item, Mapping) or not isinstance(item.get(method), Mapping):
                continue
            name = f"{method.upper()} {_PARAMETER.sub(lambda found: '{' + _word(found[1]) + '}', str(path))}"
            if wrong_name(name):
                lines.append(f"    # left out, since a path is words and whole {{parameters}}: {method.upper()} {path}")
            elif _PARAMETER.sub("{}", name) not in seen:
                seen.add(_PARAMETER.sub("{}", name))
                lines += _scaffold(name, item[method], document)
    if not seen:
        raise CatalogueError([f"{source.name}:1:1: there is no operation that could be taken from it"])
    return "\n".join(lines) + "\n"


def head(service: str, consumers: tuple[str, ...]) -> list[str]:
    """The comment at the head of a file: what to do with it."""
    who = " ".join(f"--subscribe {consumer}" for consumer in consumers)
    return [
        f"# {service}, written by `lgsp services new`. Yours from here on; every key: docs/catalogue.md.",
        f"# Check it: lgsp services validate. Run its examples: lgsp services test {service}.",
        "# Under `lgsp up` it is in force a second after this file lies in services.d/; elsewhere:",
        f"#   lgsp services add FILE --broker URL {who}".rstrip(),
    ]


def _scaffold(name: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    summary = str(operation.get("summary") or "")
    sent = _content(operation.get("requestBody"), document)
    responses = operation.get("responses")
    answers = responses if isinstance(responses, Mapping) else {}
    good = next((answers[code] for code in sorted(map(str, answers)) if code in answers and code.startswith("2")), None)
    yield from _operation(name, sent, _content(good, document), summary)


def _content(holder: object, document: Mapping[str, Any]) -> object:
    """The sample of a body: its example, else one made of its schema."""
    holder = _followed(holder, document)
    content = holder.get("content") if isinstance(holder, Mapping) else None
    if not isinstance(content, Mapping) or not content:
        return None
    media = next((content[kind] for kind in content if "json" in str(kind)), next(iter(content.values())))
    if not isinstance(media, Mapping):
        return None
    if "example" in media:
        return media["example"]
    examples = media.get("examples")
    if isinstance(examples, Mapping) and examples:
        first = _followed(next(iter(examples.values())), document)
        if isinstance(first, Mapping) and "value" in first:
            return first["value"]
    return _made(media.get("schema"), document, 0)


def _made(schema: object, document: Mapping[str, Any], depth: int) -> object:
    """A value that a schema describes, as plain as can be."""
    schema = _followed(schema, document)
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    for key in ("example", "default", "const"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    for key in ("allOf", "oneOf", "anyOf"):
        if isinstance(schema.get(key), list) and schema[key]:
            parts = [_made(part, document, depth + 1) for part in schema[key]]
            whole = [part for part in parts if isinstance(part, dict)] if key == "allOf" else []
            return {name: value for part in whole for name, value in part.items()} or parts[0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties")
        members = properties.items() if isinstance(properties, Mapping) else ()
        return {str(name): _made(member, document, depth + 1) for name, member in members}
    if kind == "array":
        return [_made(schema.get("items"), document, depth + 1)]
    return {"integer": 0, "number": 0, "boolean": True, "string": "text"}.get(str(kind))


def _followed(value: object, document: Mapping[str, Any]) -> object:
    """What a local `$ref` names, a few steps at most; anything else as it is."""
    for _ in range(_DEEPEST):
        if not isinstance(value, Mapping) or not isinstance(value.get("$ref"), str):
            return value
        found: object = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
        value = found
    return None


def _operation(name: str, sent: object, answered: object, summary: str = "") -> Iterator[str]:
    """The lines of one operation, with an example of what was given."""
    yield f"    {name}:" if re.fullmatch(r"[A-Z]+ [A-Za-z0-9/{}._~-]+", name) else f"    {quoted(name)}:"
    if summary:
        yield f"      summary: {quoted(summary)}"
    if answered is not None:
        yield "      # The reply as it stands. Put {{ path.NAME }}, {{ body.FIELD }} or {{ fake.name }} where a value depends on"
        yield "      # the request; `replies:` with `when:` gives one reply or another."
        yield from keyed("      reply", safe(answered))
    example: dict[str, Any] = {}
    path = name.partition(" ")[2]
    if "{" in path:
        example["path"] = _PARAMETER.sub(lambda found: found[1], path)
    if sent is not None:
        example["body"] = sent
    if example or answered is not None:
        yield "      examples:"
        yield "        sample:"
        yield from keyed("          request", example)
    if answered is not None:
        yield "          reply:"
        yield from keyed("            body", answered)


def keyed(key: str, value: object) -> Iterator[str]:
    """`key: value` with JSON, which is YAML, or a text block."""
    indent = " " * (len(key) - len(key.lstrip()) + 2)
    if isinstance(value, str) and "\n" in value:
        yield f"{key}: |-"
        yield from (f"{indent}{line}".rstrip() for line in value.splitlines())
        return
    text = json.dumps(value, ensure_ascii=False, indent=2).splitlines()
    yield f"{key}: {text[0]}"
    yield from (f"{indent[:-2]}{line}" for line in text[1:])


def _sample(text: str, what: str) -> object:
    """A pasted sample: JSON where it begins like it, else the text itself; nothing where there is none."""
    if not text:
        return None
    if text[0] not in "{[":
        return text
    try:
        return narrowed(json.loads(text))
    except ValueError as error:
        raise CatalogueError([f"the sample {what} begins like JSON and is none: {error}"]) from error


def narrowed(value: object) -> object:
    """The value with numbers that a reader might round as texts."""
    if isinstance(value, dict):
        return {name: narrowed(member) for name, member in value.items()}
    if isinstance(value, list):
        return [narrowed(item) for item in value]
    wide = isinstance(value, int | float) and sum(sign.isdigit() for sign in str(value)) > _WIDEST
    return str(value) if wide else value


def safe(value: object) -> object:
    """The value with its braces as they are, where they would be read as an expression."""
    if isinstance(value, Mapping):
        return {name: safe(member) for name, member in value.items()}
    if isinstance(value, list):
        return [safe(item) for item in value]
    if isinstance(value, str) and any(sign in value for sign in ("{{", "{%", "{#")):
        return re.sub(r"\{([{%#])", r"{{ '{\1' }}", value)
    return value


def _loaded(source: Source) -> Mapping[str, Any]:
    try:
        value = json.loads(source.data)
    except ValueError:
        document = read(source)
        if document.problems or document.root is None:
            raise CatalogueError([str(problem) for problem in sorted(document.problems)]) from None
        quiet = type(document)(document.name, document.lines, document.root, [])
        value = Reader(quiet).body(document.root, "")  # what it finds odd is the other document's own affair
    return value if isinstance(value, Mapping) else {}


def _word(name: str) -> str:
    word = re.sub(r"\W", "_", name) or "value"
    return word if not word[0].isdigit() else f"_{word}"


def quoted(text: str) -> str:
    """The text in quotes: a JSON text is a YAML text."""
    return json.dumps(text, ensure_ascii=False)
