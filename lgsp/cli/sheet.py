"""`lgsp services sheet`: the connection guide of one service for one consumer."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import click

from lgsp.catalogue.consumer import Consumer, read_consumers
from lgsp.catalogue.service import Example, Operation, Service, Text
from lgsp.catalogue.shape import Schema
from lgsp.cli.options import Language, as_json, catalogue_of, in_language, places, print_json, speaks
from lgsp.edge.access import Rights
from lgsp.edge.faults import Fault, every_fault
from lgsp.edge.openapi import described
from lgsp.edge.welcome import OURS, TESTER, secret_file_of
from lgsp.errors import SettingsError
from lgsp.settings import Settings

_NOTHING_TO_SEND = "—"
_LONGEST_FIELDS = 60
"""Rows of a table of fields; what is longer is in the OpenAPI document."""
_REASONS = {"not_subscribed": "no_service", "operation_not_subscribed": "no_operation", "": "may"}
WORDS = {
    "guide": Text(vi="Hướng dẫn kết nối", en="Connection guide"),
    "for": Text(vi="Dành cho hệ thống khai thác", en="For the consumer"),
    "organisation": Text(vi="mã định danh", en="organisation"),
    "owner": Text(vi="Đơn vị cung cấp", en="Owner"),
    "address": Text(vi="Địa chỉ", en="Address"),
    "also": Text(vi="cũng trả lời ở", en="also at"),
    "document": Text(vi="Tài liệu OpenAPI", en="OpenAPI document"),
    "page": Text(vi="Trang tài liệu", en="page"),
    "token": Text(vi="Lấy token", en="Get a token"),
    "token_says": Text(
        vi="Token có hiệu lực một giờ, gửi trong header Authorization: Bearer. Hãy giữ và dùng lại, xin mới khi gặp 401.",
        en="A token is good for an hour and goes into the header Authorization: Bearer. Keep it, and get another at a 401.",
    ),
    "secret": Text(vi="# đặt SECRET là khoá bí mật được cấp", en="# put the secret that you were given into SECRET"),
    "operations": Text(vi="Thao tác", en="Operations"),
    "may": Text(vi="được phép gọi", en="allowed"),
    "no_service": Text(vi="chưa đăng ký dịch vụ: 403, 900908", en="not subscribed to the service: 403, 900908"),
    "no_operation": Text(vi="ngoài phạm vi đăng ký: 403, 900910", en="not subscribed to it: 403, 900910"),
    "again": Text(vi="gọi lại an toàn", en="safe to repeat"),
    "once": Text(vi="không tự ý gọi lại", en="do not repeat by yourself"),
    "source": Text(vi="nguồn", en="source"),
    "documented": Text(vi="có tài liệu", en="documented"),
    "seen": Text(vi="đã thấy sử dụng", en="seen in use"),
    "assumed": Text(vi="giả định", en="assumed"),
    "sent": Text(vi="Gửi", en="Request"),
    "got": Text(vi="Nhận", en="Reply"),
    "field": Text(vi="trường", en="field"),
    "kind": Text(vi="kiểu", en="type"),
    "always": Text(vi="luôn có", en="always"),
    "yes": Text(vi="có", en="yes"),
    "no": Text(vi="không", en="no"),
    "more": Text(vi="các trường còn lại: xem tài liệu OpenAPI", en="the other fields: see the OpenAPI document"),
    "try": Text(vi="Gọi thử", en="Try it"),
    "tests": Text(vi="Dữ liệu thử", en="Test data"),
    "name": Text(vi="tên", en="name"),
    "asked": Text(vi="gửi", en="send"),
    "answer": Text(vi="kết quả", en="get"),
    "errors": Text(vi="Mã lỗi của cổng và cách xử lý", en="Errors of the gateway, and what to do"),
    "code": Text(vi="mã", en="code"),
    "meaning": Text(vi="ý nghĩa", en="meaning"),
    "do": Text(vi="cách xử lý", en="what to do"),
    "limits": Text(vi="Giới hạn", en="Limits"),
    "waits": Text(vi="cổng chờ trả lời tối đa", en="the gateway waits at most"),
    "largest": Text(vi="nội dung gửi tối đa", en="a body is at most"),
    "calls": Text(vi="số lần gọi tối đa", en="calls at most"),
    "per": Text(vi="mỗi", en="per"),
    "do_token": Text(vi="lấy token mới ở POST /token rồi gọi lại", en="get a new token at POST /token and call again"),
    "do_rights": Text(vi="đề nghị đơn vị vận hành cấp quyền", en="ask the operator of the gateway for the right"),
    "do_slow": Text(vi="chờ theo Retry-After, gọi thưa hơn", en="wait as Retry-After says, and call less often"),
    "do_mend": Text(vi="sửa yêu cầu, không gọi lại nguyên văn", en="mend the request, do not send it again as it is"),
    "do_retry": Text(vi="gọi lại sau {seconds} giây, giãn dần", en="call again after {seconds} s, less and less often"),
    "do_check": Text(
        vi="có thể đã thực hiện: kiểm tra trước, gọi lại sau {seconds} giây nếu thao tác gọi lại an toàn",
        en="it may have been done: look first, and call again after {seconds} s where that is safe",
    ),
    "do_report": Text(
        vi="báo đơn vị vận hành kèm X-Transaction-Id", en="tell the operator of the gateway the X-Transaction-Id"
    ),
}
"""What a sheet says besides what the catalogue does."""


def said(word: str, language: Language) -> str:
    """A word of a sheet in one language."""
    return in_language(WORDS[word], language)


def advice_on(fault: Fault) -> tuple[str, int]:
    """What a caller does about an error, as a word of the sheet, and after how many seconds."""
    seconds = fault.retry_after or 0
    if fault.status == 401:
        return "do_token", 0
    if fault.status == 403:
        return "do_rights", 0
    if fault.status == 429:
        return ("do_slow", seconds) if fault.retryable else ("do_rights", 0)
    if fault.status < 500:
        return "do_mend", 0
    if fault.retryable:
        return ("do_check" if fault.maybe_executed else "do_retry"), seconds
    return "do_report", 0


def curl_of(url: str, service: Service, operation: Operation, example: Example | None) -> str:
    """A `curl` for a shell that has `TOKEN`: the example as it stands, or the bare operation."""
    asked = example.request if example else None
    path = asked.path if asked else operation.template
    target = url + service.context + path + (f"?{asked.query}" if asked and asked.query else "")
    # What is no text goes into a file, its head onto the terminal.
    shows = "-i" if example is None or example.reply.body is not None else "-D - -o reply.bin"
    how = "-I" if operation.method == "HEAD" else f"{shows} -X {operation.method}"
    lines = [f"curl -sS {how} {shlex.quote(target)}", '-H "Authorization: Bearer $TOKEN"']
    for name, value in asked.headers.items() if asked else ():
        lines.append(f"-H {shlex.quote(f'{name}: {value}' if value else f'{name};')}")
    if asked and asked.body:
        lines.append(f"--data-binary {shlex.quote(asked.body.decode())}")
    return " \\\n  ".join(lines)


def token_curl(url: str, consumer: Consumer, secret: Path | None, language: Language) -> str:
    """Shell lines that put a token into `TOKEN`; `secret`: the file that holds the consumer's, where there is one."""
    first = f"SECRET=$(cat {shlex.quote(str(secret))})" if secret else f"SECRET=...  {said('secret', language)}"
    asked = f'curl -sS -u {shlex.quote(consumer.client)}:"$SECRET" -d grant_type=client_credentials {shlex.quote(url)}/token'
    return f"""{first}\nTOKEN=$({asked} \\\n  | sed -E 's/.*"access_token": ?"([^"]+)".*/\\1/')"""


def fields_of(schema: Mapping[str, Any], prefix: str = "", *, always: bool = True) -> Iterator[tuple[str, str, bool]]:
    """Every member of a schema as (path, type, whether it is always there), parents before children."""
    for choice in schema.get("anyOf", ())[:1]:  # the provider's own words; the gateway's stand in their own table
        yield from fields_of(choice, prefix, always=always)
    for name, member in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        there = always and name in schema.get("required", ())
        kind = member.get("type", "any")
        yield path, kind if isinstance(kind, str) else " | ".join(kind), there
        yield from fields_of(member, f"{path}.", always=there)
        yield from fields_of(member.get("items", {}), f"{path}[].", always=False)
    if not prefix and "items" in schema:
        yield from fields_of(schema["items"], "[].", always=False)


def sheet_of(
    service: Service, consumer: Consumer, url: str, secret: Path | None, language: Language, *, max_body: int
) -> dict[str, Any]:
    """Everything that a sheet says, for programs."""
    rights = Rights.of(consumer)
    return {
        "service": service.id,
        "title": in_language(service.title, language),
        "owner": service.owner,
        "consumer": {"id": consumer.id, "key": consumer.client, "organisation": consumer.organisation},
        "address": url + service.context,
        "aliases": [url + alias for alias in service.aliases],
        "openapi": f"{url}/openapi.json",
        "docs": f"{url}/docs?lang={language}",
        "token": token_curl(url, consumer, secret, language),
        "operations": [
            _operation(service, operation, rights, url, language) for operation in service.operations.values()
        ],
        "errors": list(_errors(language)),
        "limits": {
            "timeout": f"{service.timeout:g} s",
            "body": f"{max_body // 1024 // 1024} MiB",
            "calls": [
                {"scope": limit.scope, "count": limit.count, "seconds": limit.seconds}
                for limit in consumer.limits
                if limit.scope.partition(" ")[0] in {"*", service.id}
            ],
        },
    }


def _operation(service: Service, operation: Operation, rights: Rights, url: str, language: Language) -> dict[str, Any]:
    made = described(service, operation)
    parameters = [f"{each['name']} ({each['in']})" for each in made.get("parameters", ())]
    bodies = made.get("requestBody", {}).get("content", {})
    replies = {
        status: schema
        for status, answer in made["responses"].items()
        if "$ref" not in answer and (schema := _json_schema(answer.get("content", {})))
    }
    return {
        "name": operation.name,
        "summary": in_language(operation.summary, language),
        "rights": _REASONS[rights.refusal(service.id, operation.name)],
        "idempotent": operation.idempotent,
        "evidence": operation.evidence,
        "source": operation.source,
        "parameters": parameters,
        "request": [list(field) for field in fields_of(_json_schema(bodies))],
        "replies": {status: [list(field) for field in fields_of(schema)] for status, schema in replies.items()},
        "curl": curl_of(url, service, operation, operation.examples[0] if operation.examples else None),
        "tests": [
            {
                "name": example.name,
                "send": _asked(operation, example),
                "status": example.reply.status,
                "outcome": str(example.reply.outcome),
            }
            for example in operation.examples
        ],
    }


def _json_schema(content: Mapping[str, Any]) -> Schema:
    for media, body in content.items():
        if media in {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}:
            return cast("Schema", body["schema"])
    return {}


def _asked(operation: Operation, example: Example) -> str:
    """What tells this example from the others: values of the path, the query, a short body."""
    asked = example.request
    pairs = zip(operation.template.split("/"), asked.path.split("/"), strict=True)
    parts = [f"{name[1:-1]}={unquote(value)}" for name, value in pairs if name.startswith("{")]
    if asked.query:
        parts.append(unquote(asked.query))
    if asked.body:
        body = " ".join(asked.body.decode(errors="replace").split())
        parts.append(body if len(body) <= 160 else f"{body[:157]}...")
    return " · ".join(parts) or _NOTHING_TO_SEND


def _errors(language: Language) -> Iterator[dict[str, Any]]:
    seen = set()
    for fault in sorted(every_fault(), key=lambda fault: (fault.status, fault.code)):
        vi, _, en = fault.description.partition(" / ")
        meaning = (en or vi) if language == "en" else vi
        word, seconds = advice_on(fault)
        row = (fault.status, fault.code, meaning, said(word, language).format(seconds=seconds))
        if row not in seen:
            seen.add(row)
            yield dict(zip(("status", "code", "meaning", "do"), row, strict=True))


def as_text(sheet: Mapping[str, Any], language: Language) -> str:
    """The sheet as a page of Markdown."""

    def w(word: str) -> str:
        return said(word, language)

    consumer = sheet["consumer"]
    also = f" ({w('also')} {', '.join(sheet['aliases'])})" if sheet["aliases"] else ""
    organisation = f", {w('organisation')} {consumer['organisation']}" if consumer["organisation"] else ""
    lines = [
        f"# {w('guide')}: {sheet['title']} (`{sheet['service']}`)",
        "",
        f"- {w('for')}: `{consumer['id']}`{organisation}",
        *([f"- {w('owner')}: {sheet['owner']}"] if sheet["owner"] else []),
        f"- {w('address')}: {sheet['address']}{also}",
        f"- {w('document')}: {sheet['openapi']}, {w('page')}: {sheet['docs']}",
        "",
        f"## {w('token')}",
        "",
        w("token_says"),
        *_block(sheet["token"]),
        "",
        f"## {w('operations')}",
    ]
    for operation in sheet["operations"]:
        lines += _operation_lines(operation, language)
    lines += ["", f"## {w('errors')}", ""]
    lines += _table(
        ["HTTP", w("code"), w("meaning"), w("do")],
        [[row["status"], row["code"], row["meaning"], row["do"]] for row in sheet["errors"]],
    )
    limits = sheet["limits"]
    lines += ["", f"## {w('limits')}", "", f"- {w('waits')} {limits['timeout']}", f"- {w('largest')} {limits['body']}"]
    lines += [f"- {w('calls')} {each['count']} {w('per')} {each['seconds']:g} s (`{each['scope']}`)" for each in limits["calls"]]  # fmt: skip
    return "\n".join(lines) + "\n"


def _operation_lines(operation: Mapping[str, Any], language: Language) -> list[str]:
    def w(word: str) -> str:
        return said(word, language)

    facts = [w(operation["rights"]), w("again" if operation["idempotent"] else "once"), w(operation["evidence"])]
    if operation["source"]:
        facts.append(f"{w('source')} {operation['source']}")
    lines = ["", f"### `{operation['name']}`", "", f"{operation['summary']} ({'; '.join(facts)})"]
    if operation["parameters"]:
        lines += ["", f"{w('sent')}: {', '.join(operation['parameters'])}"]
    for title, fields in [(w("sent"), operation["request"])] + [
        (f"{w('got')} {status}", fields) for status, fields in operation["replies"].items()
    ]:
        if fields:
            rows = [[f"`{path}`", kind, w("yes" if always else "no")] for path, kind, always in fields]
            lines += ["", *_table([f"{title}: {w('field')}", w("kind"), w("always")], rows[:_LONGEST_FIELDS])]
            lines += [w("more")] if len(rows) > _LONGEST_FIELDS else []
    if operation["tests"]:
        rows = [
            [each["name"], f"`{each['send']}`".replace("|", "\\|"), f"{each['status']} {each['outcome']}"]
            for each in operation["tests"]
        ]
        lines += ["", *_table([f"{w('tests')}: {w('name')}", w("asked"), w("answer")], rows)]
    return [*lines, "", f"{w('try')}:", *_block(operation["curl"])]


def _block(shell: str) -> list[str]:
    return ["", "```sh", shell, "```"]


def _table(head: list[str], rows: list[list[Any]]) -> list[str]:
    return [f"| {' | '.join(str(cell) for cell in row)} |" for row in [head, ["---"] * len(head), *rows]]


@click.command("sheet")
@click.argument("service_id", metavar="ID")
@click.option("--consumer", "consumer_id", default=TESTER, show_default=True, help="For whom: a consumer's id.")
@click.option("--gateway", "url", default="http://127.0.0.1:8280", show_default=True, metavar="URL")
@speaks
@as_json
@places
def sheet(
    service_id: str, consumer_id: str, url: str, language: Language, config: Path, state: Path, *, json_wanted: bool
) -> None:
    """Print the connection guide of a service for a consumer: address, token, operations, errors, limits, test data.

    No secret is printed: where this machine keeps the consumer's, the guide names its file.
    """
    service = catalogue_of(config).find(service_id)
    known = {consumer.id: consumer for consumer in OURS} | read_consumers(config)
    if consumer_id not in known:
        raise SettingsError(f"there is no consumer {consumer_id!r}; there are {', '.join(known)}")
    file = secret_file_of(state, consumer_id).absolute()
    secret = file if file.is_file() else None
    largest = Settings(config=config, state=state).max_body
    made = sheet_of(service, known[consumer_id], url.rstrip("/"), secret, language, max_body=largest)
    if json_wanted:
        print_json(made)
    else:
        click.echo(as_text(made, language), nl=False)
