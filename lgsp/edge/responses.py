"""What an operation can answer, as OpenAPI has it: by examples, by rules, by failure, and in the gateway's own name."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from lgsp.catalogue.expression import is_template
from lgsp.catalogue.service import Example, Form, Operation, Service
from lgsp.catalogue.shape import Schema, shape_of
from lgsp.edge.answers import STATUS
from lgsp.edge.faults import Fault, every_fault
from lgsp.edge.links import RESULT, STATE, links_of
from lgsp.model import Outcome, Reply

JSON = "application/json"
_XML, _PLAIN = "application/xml", "text/plain"


def responses_of(service: Service, operation: Operation, failures: Sequence[Reply] | None) -> dict[str, Any]:
    """Every status that an operation can answer, with what is said then; `None` for failures that nobody here knows."""
    by_status: defaultdict[int, list[Example]] = defaultdict(list)
    for example in operation.examples:
        by_status[example.reply.status].append(example)
    # A contract has one form of saying no: what one operation's examples show of it, every operation may answer.
    denied: defaultdict[int, list[Example]] = defaultdict(list)
    for other in service.operations.values():
        for example in other.examples:
            if example.reply.outcome is not Outcome.OK:
                denied[example.reply.status].append(example)
    written = _written(service, operation, failures or ())
    gateway = gateway_answers()
    answers = refusals()
    for status in sorted((by_status.keys() | written.keys() or {200}) | denied.keys()):
        answers[str(status)] = _said(
            status, by_status[status], denied[status], written.get(status, ()), also=gateway.get(status)
        )
    if failures is None:
        unknown: dict[str, Any] = {
            "description": "Lời của hệ thống cung cấp / Whatever the provider says",
            "content": {"*/*": {}},
        }
        answers |= {"500": unknown, "default": unknown}
    answers.setdefault("202", _STORED)
    for status, links in links_of(service, operation).items():
        answers[str(status)] = {**answers[str(status)], "links": links}
    return dict(sorted(answers.items()))


def refusals() -> dict[str, Any]:
    """The gateway's own answers by status, as they stand among the components."""
    return {str(status): {"$ref": f"#/components/responses/Gateway{status}"} for status in gateway_answers()}


def own_paths() -> dict[str, Any]:
    """The gateway's own operations, by path: what looks up what was stored."""
    about = {
        "tags": ["lgsp"],
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}],
    }
    words = ("transaction", "state", "service", "operation", "accepted_at")
    told = {"type": "object", "required": list(words), "properties": {word: {"type": "string"} for word in words}}
    known = {
        "description": "Trạng thái / What is known of it",
        "content": {JSON: {"schema": told}},
    }
    reply = {
        "description": "Nguyên văn trả lời của hệ thống cung cấp, hoặc lỗi do cổng trả lời / "
        "What the provider said, as it said it, or a refusal by the gateway",
        "content": {"*/*": {}},
    }
    return {
        f"{STATUS}{{id}}": {
            "get": {
                "operationId": STATE,
                "summary": "Trạng thái của giao dịch / What became of a transaction",
                **about,
                "responses": {**refusals(), "200": known},
            }
        },
        f"{STATUS}{{id}}/result": {
            "get": {
                "operationId": RESULT,
                "summary": "Kết quả của giao dịch đã lưu / The result of what was stored",
                **about,
                "responses": {"202": known, "default": reply},
            }
        },
    }


_STORED: dict[str, Any] = {
    "description": "Đã lưu, kết quả sẽ có sau / Stored for good; `Location` says where its sender finds state and result",
    "headers": {
        "Location": {"schema": {"type": "string"}},
        "X-Transaction-Id": {"schema": {"type": "string", "format": "uuid"}},
    },
    "content": {
        JSON: {
            "schema": {
                "type": "object",
                "required": ["transaction", "state", "status"],
                "properties": {name: {"type": "string"} for name in ("transaction", "state", "status")},
            }
        }
    },
}
"""Whoever asks with `Prefer: respond-async`, or by an operation that is stored and takes long."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """One way to answer, as far as it is known before anybody asks."""

    outcome: Outcome
    media: str
    schema: Schema


def _written(service: Service, operation: Operation, failures: Sequence[Reply]) -> dict[int, list[_Answer]]:
    """What can be answered besides the examples, by status: the rules' replies, the echo, and what failures say."""
    made: defaultdict[int, list[_Answer]] = defaultdict(list)
    for form in _forms(operation):
        made[form.status].append(_Answer(form.outcome, _form_type(form), _form_schema(form.body)))
    if service.connector is None and not operation.replies:
        made[200] += [_Answer(Outcome.OK, media, {}) for media in (JSON, "*/*")]
    for reply in failures:
        if reply.body:  # else the gateway speaks
            media = media_type(reply.headers.get("content-type", ""))
            schema = shape_of([json.loads(reply.body)]) if media == JSON else {"type": "string"}
            made[reply.status].append(_Answer(reply.outcome, media, schema))
    return dict(made)


def _forms(operation: Operation) -> Iterator[Form]:
    if operation.request is not None:
        yield operation.request.invalid
    for rule in operation.replies:
        yield from rule.steps


def _form_type(form: Form) -> str:
    """The media type of a reply in the YAML: what its headers say, XML where it begins like it, else JSON."""
    given = form.headers.get("content-type", "")
    if form.body is None or is_template(given):
        return "*/*"
    if given:
        return media_type(given)
    return "text/xml" if isinstance(form.body, str) and form.body.lstrip().startswith("<") else JSON


def _form_schema(value: object) -> Schema:
    """The shape of a body in which texts may be templates; a template may give anything."""
    if isinstance(value, Mapping):
        members = {name: _form_schema(item) for name, item in value.items()}
        return {"type": "object", "properties": members, "required": list(members)}
    if isinstance(value, list | tuple):
        return {"type": "array", **({"items": {"anyOf": [_form_schema(item) for item in value]}} if value else {})}
    return {} if value is None or (isinstance(value, str) and is_template(value)) else shape_of([value])


def _said(
    status: int,
    examples: Sequence[Example],
    refusals: Sequence[Example],
    written: Sequence[_Answer],
    *,
    also: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What the provider says with this status; `also`: what the gateway would say with the same one."""
    content: dict[str, Any] = {}
    accepted = [example for example in examples if example.reply.outcome is Outcome.OK]
    speaks_json = any(_reply_type(example.reply.body) == JSON for example in accepted)
    for said in (accepted, refusals):
        for media, schema in _schemas(said, null=JSON if speaks_json else "*/*").items():
            content.setdefault(media, []).append(schema)
    for answer in written:
        content.setdefault(answer.media, []).append(answer.schema)
    for media, body in also["content"].items() if also else ():
        content.setdefault(media, []).append(body["schema"])
    made: dict[str, Any] = {
        media: {"schema": different[0] if len(different) == 1 else {"anyOf": different}}
        for media, schemas in content.items()
        if (different := [schema for n, schema in enumerate(schemas) if schema not in schemas[:n]])
    }
    for example in examples:
        if example.reply.body is not None:
            shown = made[_reply_type(example.reply.body)].setdefault("examples", {})
            shown[example.name] = {"value": example.reply.body}
    found = [*(example.reply.outcome for example in [*examples, *refusals]), *(answer.outcome for answer in written)]
    outcomes = dict.fromkeys(map(str, found)) or {"ok": None}
    told = f"{HTTPStatus(status).phrase}: {', '.join(outcomes)}"
    return {
        "description": f"{told}\n\n{also['description']}" if also else told,
        "headers": {"X-Transaction-Id": {"schema": {"type": "string", "format": "uuid"}}},
        "content": made or {"*/*": {}},
    }


def _schemas(examples: Sequence[Example], *, null: str) -> dict[str, Schema]:
    """The shapes of replies by media type; `null`: what a reply without a body is, JSON's own word or not to be told."""
    by_type: defaultdict[str, list[object]] = defaultdict(list)
    for example in examples:
        body = example.reply.body
        by_type[null if body is None else _reply_type(body)].append(body)
    return {media: {} if media == "*/*" else shape_of(bodies) for media, bodies in by_type.items()}


def _reply_type(body: object) -> str:
    """The media type of an example's reply, which gives its body only: a document in angle brackets is XML."""
    if body is None:
        return "*/*"
    if not isinstance(body, str):
        return JSON
    return "text/xml" if body.lstrip().startswith("<") else _PLAIN


def gateway_answers() -> dict[int, dict[str, Any]]:
    """The gateway's own answers by status, each with the codes that it comes with."""
    by_status: defaultdict[int, list[Fault]] = defaultdict(list)
    for fault in every_fault():
        by_status[fault.status].append(fault)
    answers = {}
    for status, faults in sorted(by_status.items()):
        reference = {"$ref": "#/components/schemas/Fault"}
        content: dict[str, Any] = {JSON: {"schema": reference}, _XML: {"schema": {"type": "string"}}}
        if status in {400, 404}:
            content[_PLAIN] = {"schema": {"type": "string"}}  # a connector that could not read the request says why
        codes = dict.fromkeys(f"- `{fault.code}` {fault.description}" for fault in faults)
        answers[status] = {"description": "Cổng trả lời / From the gateway:\n" + "\n".join(codes), "content": content}
    return answers


def media_type(content_type: str) -> str:
    """The type of a body without its parameters."""
    return content_type.partition(";")[0].strip().lower() or "application/octet-stream"
