"""The catalogue as an OpenAPI 3.1 document: what a client can send, and everything that it may get back."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from email import message_from_bytes
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from lgsp.catalogue.service import Example, Operation, Service, Text
from lgsp.catalogue.shape import Schema, shape_of
from lgsp.edge.faults import Fault, every_fault
from lgsp.model import Outcome

_JSON, _XML, _FORM, _MULTIPART, _PLAIN = (
    "application/json",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
)
_NO_PARAMETERS = frozenset({"accept", "authorization", "content-type"})
"""Headers that OpenAPI describes elsewhere than among the parameters."""
_FAULT: Schema = {
    "type": "object",
    "required": ["fault"],
    "properties": {
        "fault": {
            "type": "object",
            "required": ["code", "type", "message", "description"],
            "properties": {
                "code": {"type": "integer", "description": "WSO2's code"},
                "type": {"type": "string"},
                "message": {"type": "string"},
                "description": {"type": "string"},
                "transaction": {"type": "string", "format": "uuid"},
                "reason": {"type": "string"},
                "retryable": {"type": "boolean"},
                "maybe_executed": {"type": "boolean"},
            },
        }
    },
}
_ABOUT = (
    "Mọi dịch vụ chia sẻ dữ liệu trên trục tích hợp. Lược đồ được suy ra từ ví dụ nơi hợp đồng không cho sẵn; `x-lgsp-evidence` "
    "cho biết mỗi thao tác có căn cứ tài liệu (documented), đã thấy (seen) hay giả định (assumed).\n\n"
    "Every data-sharing service of the bus. Schemas are inferred from the examples where the contract gives none; "
    "`x-lgsp-evidence` says whether an operation is documented, seen in use, or assumed."
)


def document(services: Iterable[Service], version: str) -> dict[str, Any]:
    """The OpenAPI document of these services: a function of its arguments alone.

    Each service is a tag, each operation a path below the service's context, with its examples, and with every status
    that its examples or the gateway itself can answer.
    """
    known = [service for service in services if service.mode != "disabled"]
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for service in known:
        for operation in service.operations.values():
            paths[service.context + operation.template][operation.method.lower()] = described(service, operation)
    return {
        "openapi": "3.1.1",
        "info": {"title": "LGSP", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [_tag(service) for service in known],
        "security": [{"token": []}],
        "paths": dict(paths),
        "components": {
            "schemas": {"Fault": _FAULT},
            "responses": {f"Gateway{status}": answer for status, answer in _gateway_answers().items()},
            "securitySchemes": {
                "token": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}}
            },
        },
    }


def _tag(service: Service) -> dict[str, Any]:
    says = [_both(service.title), service.owner]
    if service.aliases:
        says.append(f"Cũng trả lời ở / Also answers at: {', '.join(service.aliases)}")
    return {
        "name": service.id,
        "description": "\n\n".join(filter(None, says)),
        "x-lgsp-title": {"vi": service.title.vi, "en": service.title.en},
        "x-lgsp-owner": service.owner,
        "x-lgsp-context": service.context,
    }


def described(service: Service, operation: Operation) -> dict[str, Any]:
    """One operation as OpenAPI has it."""
    made: dict[str, Any] = {
        "tags": [service.id],
        "operationId": f"{service.id}.{operation.method.lower()}.{_name(operation.template)}",
        "summary": _both(operation.summary),
        "x-lgsp-summary": {"vi": operation.summary.vi, "en": operation.summary.en},
        "x-lgsp-evidence": operation.evidence,
        "x-lgsp-source": operation.source,
        "x-lgsp-idempotent": operation.idempotent,
        "x-lgsp-timeout": f"{service.timeout:g}s",
    }
    parameters = _parameters(operation)
    if parameters:
        made["parameters"] = parameters
    body = _request_body(operation.examples)
    if body:
        made["requestBody"] = body
    made["responses"] = _responses(service, operation)
    return made


def _name(template: str) -> str:
    return ".".join(f"by-{part[1:-1]}" if part.startswith("{") else part for part in template.split("/")[1:])


def _both(text: Text) -> str:
    return text.vi if text.vi == text.en else f"{text.vi} / {text.en}"


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    """Parameters of the path, the query and the headers, with the values that the examples give them."""
    template = operation.template.split("/")
    values: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for part in template:
        if part.startswith("{"):
            values["path", part[1:-1]] = {}
    for example in operation.examples:
        asked = example.request
        for part, value in zip(template, asked.path.split("/"), strict=True):
            if part.startswith("{"):
                values["path", part[1:-1]][unquote(value)] = None
        for name, value in parse_qsl(asked.query, keep_blank_values=True):
            values["query", name][value] = None
        for name, value in asked.headers.items():
            if name not in _NO_PARAMETERS:
                values["header", name][value] = None
    return [
        {
            "name": name,
            "in": place,
            **({"required": True} if place == "path" else {}),
            "schema": {"type": "string", **({"minLength": 1} if place == "path" else {})},
            **({"examples": {f"value{n}": {"value": value} for n, value in enumerate(given, 1)}} if given else {}),
        }
        for (place, name), given in values.items()
    ]


def _request_body(examples: Sequence[Example]) -> dict[str, Any] | None:
    by_type: defaultdict[str, list[Example]] = defaultdict(list)
    # What is refused for its form says nothing about the form.
    well_formed = [example for example in examples if example.reply.outcome is not Outcome.REJECTED] or examples
    for example in well_formed:
        if example.request.body:
            by_type[_media_type(example.request.headers.get("content-type", ""))].append(example)
    if not by_type:
        return None
    content = {}
    for media, given in by_type.items():
        values = {example.name: _value(media, example) for example in given}
        content[media] = {
            "schema": shape_of(list(values.values())),
            "examples": {name: {"value": value} for name, value in values.items()},
        }
    return {"required": all(example.request.body for example in well_formed), "content": content}


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower() or "application/octet-stream"


def _value(media: str, example: Example) -> object:
    """The body as OpenAPI shows it: fields of forms and JSON as values, anything else as text."""
    body = example.request.body
    if media == _JSON:
        return json.loads(body)
    if media == _FORM:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    if media == _MULTIPART:
        head = f"content-type: {example.request.headers['content-type']}\n\n"
        return {name: _text(part) for part in message_from_bytes(head.encode() + body).walk() if (name := _field(part))}
    return body.decode(errors="replace")


def _field(part: Message) -> str:
    name = part.get_param("name", header="content-disposition")
    return name if isinstance(name, str) else ""


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    return content.decode(errors="replace") if isinstance(content, bytes) else ""


def _responses(service: Service, operation: Operation) -> dict[str, Any]:
    by_status: defaultdict[int, list[Example]] = defaultdict(list)
    for example in operation.examples:
        by_status[example.reply.status].append(example)
    # A contract has one form of saying no: what one operation's examples show of it, every operation may answer.
    refusals: defaultdict[int, list[Example]] = defaultdict(list)
    for other in service.operations.values():
        for example in other.examples:
            if example.reply.outcome is not Outcome.OK:
                refusals[example.reply.status].append(example)
    gateway = _gateway_answers()
    answers: dict[str, Any] = {str(status): {"$ref": f"#/components/responses/Gateway{status}"} for status in gateway}
    for status in sorted((by_status.keys() or {200}) | refusals.keys()):
        answers[str(status)] = _said(status, by_status[status], refusals[status], also=gateway.get(status))
    if Outcome.PROVIDER_ERROR in _rates(service, operation):  # a simulated failure, in words of the connector's own
        answers["500"] = _said(500, by_status[500], refusals[500], also=gateway.get(500))
        answers["500"]["content"]["*/*"] = {}
    return dict(sorted(answers.items()))


def _rates(service: Service, operation: Operation) -> Mapping[Outcome, float]:
    mix = operation.errors or service.errors
    return mix.rates if mix else {}


def _said(
    status: int, examples: Sequence[Example], refusals: Sequence[Example], *, also: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What the provider says with this status; `also`: what the gateway would say with the same one."""
    content: dict[str, Any] = {}
    accepted = [example for example in examples if example.reply.outcome is Outcome.OK]
    speaks_json = any(_reply_type(example.reply.body) == _JSON for example in accepted)
    for said in (accepted, refusals):
        for media, schema in _schemas(said, null=_JSON if speaks_json else "*/*").items():
            content.setdefault(media, []).append(schema)
    for media, body in also["content"].items() if also else ():
        content.setdefault(media, []).append(body["schema"])
    made = {
        media: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}} for media, schemas in content.items()
    }
    for example in examples:
        if example.reply.body is not None:
            shown = made[_reply_type(example.reply.body)].setdefault("examples", {})
            shown[example.name] = {"value": example.reply.body}
    outcomes = dict.fromkeys(str(example.reply.outcome) for example in [*examples, *refusals]) or {"ok": None}
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
        return _JSON
    return "text/xml" if body.lstrip().startswith("<") else _PLAIN


def _gateway_answers() -> dict[int, dict[str, Any]]:
    """The gateway's own answers by status, each with the codes that it comes with."""
    by_status: defaultdict[int, list[Fault]] = defaultdict(list)
    for fault in every_fault():
        by_status[fault.status].append(fault)
    answers = {}
    for status, faults in sorted(by_status.items()):
        reference = {"$ref": "#/components/schemas/Fault"}
        content: dict[str, Any] = {_JSON: {"schema": reference}, _XML: {"schema": {"type": "string"}}}
        if status in {400, 404}:
            content[_PLAIN] = {"schema": {"type": "string"}}  # a connector that could not read the request says why
        codes = dict.fromkeys(f"- `{fault.code}` {fault.description}" for fault in faults)
        answers[status] = {"description": "Cổng trả lời / From the gateway:\n" + "\n".join(codes), "content": content}
    return answers
