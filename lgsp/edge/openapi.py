"""The catalogue as an OpenAPI 3.1 document: what a client can send, and everything that it may get back."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from lgsp.catalogue.service import Example, Operation, Service, Text
from lgsp.catalogue.shape import Schema, shape_of
from lgsp.edge.links import operation_id
from lgsp.edge.parameters import parameters_of
from lgsp.edge.responses import JSON, gateway_answers, media_type, own_paths, responses_of
from lgsp.model import Outcome, Reply

_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
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
Failures = Callable[[Service, Operation], "Sequence[Reply] | None"]
"""What a service's stand-in says when it fails by itself; `None` where nobody here knows what the provider says."""
_ABOUT = (
    "Mọi dịch vụ chia sẻ dữ liệu trên trục tích hợp. Lược đồ được suy ra từ ví dụ nơi hợp đồng không cho sẵn; `x-lgsp-evidence` "
    "cho biết mỗi thao tác có căn cứ tài liệu (documented), đã thấy (seen) hay giả định (assumed).\n\n"
    "Every data-sharing service of the bus. Schemas are inferred from the examples where the contract gives none; "
    "`x-lgsp-evidence` says whether an operation is documented, seen in use, or assumed."
)


def document(services: Iterable[Service], version: str, failures: Failures = lambda *_: ()) -> dict[str, Any]:
    """The OpenAPI document of these services: a function of its arguments alone.

    Each service is a tag, each operation a path below the service's context, with its examples and its request's
    schema, and with every status that its examples, its rules, its `failures` or the gateway itself can answer; links
    lead from an answer to where it can be followed, below the gateway's own paths or at another operation.
    """
    known = [service for service in services if service.mode != "disabled"]
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for service in known:
        for operation in service.operations.values():
            paths[service.context + operation.template][operation.method.lower()] = described(
                service, operation, failures(service, operation)
            )
    if known:
        paths |= own_paths()
    return {
        "openapi": "3.1.1",
        "info": {"title": "LGSP", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [_tag(service) for service in known],
        "security": [{"token": []}],
        "paths": dict(paths),
        "components": {
            "schemas": {"Fault": _FAULT},
            "responses": {f"Gateway{status}": answer for status, answer in gateway_answers().items()},
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


def described(service: Service, operation: Operation, failures: Sequence[Reply] | None = ()) -> dict[str, Any]:
    """One operation as OpenAPI has it; `failures` as `Failures` gives them."""
    made: dict[str, Any] = {
        "tags": [service.id],
        "operationId": operation_id(service, operation),
        "summary": _both(operation.summary),
        "x-lgsp-summary": {"vi": operation.summary.vi, "en": operation.summary.en},
        "x-lgsp-evidence": operation.evidence,
        "x-lgsp-source": operation.source,
        "x-lgsp-idempotent": operation.idempotent,
        "x-lgsp-timeout": f"{service.timeout:g}s",
    }
    parameters = parameters_of(operation)
    if parameters:
        made["parameters"] = parameters
    body = _request_body(service, operation)
    if body:
        made["requestBody"] = body
    made["responses"] = responses_of(service, operation, failures)
    return made


def _both(text: Text) -> str:
    return text.vi if text.vi == text.en else f"{text.vi} / {text.en}"


def _request_body(service: Service, operation: Operation) -> dict[str, Any] | None:
    examples = operation.examples
    by_type: defaultdict[str, list[Example]] = defaultdict(list)
    # What is refused for its form says nothing about the form.
    well_formed = [example for example in examples if example.reply.outcome is not Outcome.REJECTED] or examples
    for example in well_formed:
        if example.request.body:
            by_type[media_type(example.request.headers.get("content-type", ""))].append(example)
    if operation.request is not None:
        by_type.setdefault(JSON, [])
    if not by_type:
        return None
    content: dict[str, Any] = {}
    for media, given in by_type.items():
        values = {example.name: _value(media, example) for example in given}
        content[media] = {
            "schema": shape_of(list(values.values())),
            **({"examples": {name: {"value": value} for name, value in values.items()}} if values else {}),
        }
    if operation.request is not None:
        steps = ("paths", service.context + operation.template, operation.method.lower(), "requestBody", "content")
        pointer = "/".join(step.replace("~", "~0").replace("/", "~1") for step in (*steps, JSON, "schema"))
        content[JSON]["schema"] = _moved(operation.request.json_schema, f"#/{pointer}")
        return {"required": True, "content": content}
    return {"required": all(example.request.body for example in well_formed), "content": content}


def _moved(schema: object, to: str) -> Any:  # noqa: ANN401 - a schema, or a piece of one
    """A schema that stands at `to` in another document: what it refers to inside itself is found there."""
    if isinstance(schema, Mapping):
        return {
            name: to + value[1:]
            if name == "$ref" and isinstance(value, str) and value.startswith("#")
            else _moved(value, to)
            for name, value in schema.items()
        }
    return [_moved(item, to) for item in schema] if isinstance(schema, list | tuple) else schema


def _value(media: str, example: Example) -> object:
    """The body as OpenAPI shows it: fields of forms and JSON as values, anything else as text."""
    body = example.request.body
    if media == JSON:
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
