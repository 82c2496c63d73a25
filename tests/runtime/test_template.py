import json
from typing import Any

import pytest
from builders import a_request, a_service, an_operation

from lgsp.catalogue.expression import FAKES
from lgsp.catalogue.table import Table, parse_rows
from lgsp.clock import ManualClock
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.replies import RepliesConnector, connector_of
from lgsp.runtime.template import MAX_READ, compile_reply, values_of

PEOPLE = Table(file="people.csv", key="id", rows=parse_rows("id,name\n7,Đỗ An\n8,Lê Bình\n".encode(), "id"))
BODY = {"id": 7, "price": 1.5, "ok": True, "none": None, "tags": ["a", "b"], "items": [1], "name": "Đỗ Thị Bích"}


def a_call(**fields: Any) -> Request:
    given: dict[str, Any] = {
        "operation": "POST /vehicles/{plate}",
        "path": "/vehicles/30A-%C4%90",
        "query": "page=2&q=%C4%91%E1%BB%8F",
        "headers": {"content-type": "application/json", "x-systemid": "H47"},
        "body": json.dumps(BODY).encode(),
        "key": "k-1",
    }
    return a_request(**given | fields)


async def reply_to(template: object, **fields: Any) -> Reply:
    operation = an_operation("POST /vehicles/{plate}", reply=template)
    service = a_service("svc", operation, zone="Asia/Ho_Chi_Minh", data={"people": PEOPLE})
    connector = connector_of(service, ManualClock())
    assert isinstance(connector, RepliesConnector)
    return await connector.answer(a_call(**fields))


async def rendered(template: object, **fields: Any) -> Any:
    reply = await reply_to(template, **fields)
    assert (reply.outcome, reply.status) == (Outcome.OK, 200), reply
    return json.loads(reply.body)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ body.id }}", 7),
        ("{{ body.price }}", 1.5),
        ("{{ body.ok }}", True),
        ("{{ body.none }}", None),
        ("{{ body.tags }}", ["a", "b"]),
        ("{{ body }}", BODY),
        ("  {{ body.id }}  ", 7),
        ("{{- body.id -}}", 7),
        ("{{ body.id + 1 }}", 8),
        ("{{ -body.id }}", -7),
        ("{{ body.id > 3 and not body.none }}", True),
        ("{{ 'a' in body.tags }}", True),
        ("{{ 1 if body.ok else 2 }}", 1),
        ("{{ body.tags[1] }}", "b"),
        ("{{ body['name'] }}", "Đỗ Thị Bích"),
        ("{{ '}}' }}", "}}"),
    ],
)
async def test_a_text_that_is_one_expression_keeps_the_type_of_its_value(template: str, value: object) -> None:
    assert await rendered(template) == value


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("số {{ body.id }}", "số 7"),
        ("{{ body.id }} chiếc", "7 chiếc"),
        ("{{ body.id }}{{ body.id }}", "77"),
        ("{{ body.id }} }}", "7 }}"),
        ("{{ body.id ~ '-' ~ path.plate }}", "7-30A-Đ"),
        ("dòng {{ body.id }}\n", "dòng 7\n"),
        ("no expression { }", "no expression { }"),
        ("{# nothing to see #}here", "here"),
    ],
)
async def test_text_around_an_expression_makes_a_text(template: str, text: str) -> None:
    assert await rendered(template) == text


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ path.plate }}", "30A-Đ"),
        ("{{ query.page }}", "2"),
        ("{{ query.q }}", "đỏ"),
        ("{{ headers['x-systemid'] }}", "H47"),
        ("{{ body.name }}", "Đỗ Thị Bích"),
        ("{{ key }}", "k-1"),
    ],
)
async def test_the_request_is_at_hand(template: str, value: str) -> None:
    assert await rendered(template) == value


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ body.absent | default('?') }}", "?"),
        ("{{ body.name | upper }}", "ĐỖ THỊ BÍCH"),
        ("{{ body.tags | length }}", 2),
        ("{{ body.tags | last }}", "b"),
        ("{{ query.page | int + 1 }}", 3),
        ("{{ 2.345 | round(2) }}", 2.35),
        ("{{ 1234 | round(-2) }}", 1200.0),
        ("{{ body.id | round(-999999999) }}", 0.0),
    ],
)
async def test_filters_shape_a_value(template: str, value: object) -> None:
    assert await rendered(template) == value


async def test_mappings_and_lists_are_rendered_inside_and_other_values_stay() -> None:
    template = {"a": {"b": ["{{ body.id }}", {"c": "x{{ body.id }}"}]}, "n": 1, "t": True, "z": None, "empty": {}}
    assert await rendered(template) == {"a": {"b": [7, {"c": "x7"}]}, "n": 1, "t": True, "z": None, "empty": {}}


async def test_a_field_named_like_a_method_is_the_callers_field() -> None:
    assert await rendered("{{ body.items }}") == [1]


async def test_letters_go_out_as_they_are() -> None:
    reply = await reply_to({"name": "{{ body.name }}"})
    assert reply.body == '{"name":"Đỗ Thị Bích"}'.encode()
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


EVERYTHING_MADE_UP = {name: f"{{{{ fake.{name} }}}}" for name in FAKES}


async def test_what_is_made_up_is_the_same_for_the_same_key_and_another_for_another() -> None:
    first = await rendered(EVERYTHING_MADE_UP, key="1")
    other = await rendered(EVERYTHING_MADE_UP, key="2")
    assert first == await rendered(EVERYTHING_MADE_UP, key="1", attempt=2)
    assert first != other
    assert all(isinstance(value, str) and value for value in first.values())


async def test_a_name_that_is_made_up_twice_is_two_names() -> None:
    names = await rendered(["{{ fake.name }}", "{{ fake.name }}"])
    assert names[0] != names[1]


@pytest.mark.parametrize("content_type", ["text/xml", "application/json"])
async def test_an_operation_without_a_reply_echoes_the_request(content_type: str) -> None:
    reply = await reply_to(None, body=b"\x00<a/>", headers={"content-type": content_type})
    assert (reply.outcome, reply.status, reply.body) == (Outcome.OK, 200, b"\x00<a/>")
    assert reply.headers == {"content-type": content_type}


async def test_an_echo_of_bytes_without_a_type_is_just_bytes() -> None:
    reply = await reply_to(None, headers={})
    assert reply.headers == {"content-type": "application/octet-stream"}


@pytest.mark.parametrize(
    "template",
    [
        "{{ body.absent }}",
        "text {{ body.absent }}",
        "{{ body.absent.deeper }}",
        "{{ body.tags[9] }}",
        "{{ body.id.bit_length }}",
        "{{ body.id['__class__'] }}",
        "{{ fake['seed_instance'] }}",
        "{{ body.name + 1 }}",
        "{{ '9e999' | float | round | int }}",
    ],
)
async def test_a_value_that_cannot_be_had_is_the_providers_error(template: str) -> None:
    reply = await reply_to(template)
    assert (reply.outcome, reply.status, reply.reason, reply.body) == (
        Outcome.PROVIDER_ERROR,
        502,
        "provider_fault",
        b"",
    )


@pytest.mark.parametrize("body", [b"", b"no json", b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_json_has_no_fields(body: bytes) -> None:
    assert await rendered("{{ body.name | default('nobody') }}", body=body) == "nobody"


async def test_a_body_nested_beyond_reason_is_no_traceback() -> None:
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    reply = await reply_to("{{ body }}", body=deep)
    assert reply.outcome in {Outcome.OK, Outcome.PROVIDER_ERROR}


async def test_a_reply_is_bounded() -> None:
    body = json.dumps({"a": "x" * (MAX_READ - 100)}).encode()
    assert (await reply_to(["{{ body.a }}"] * 3, body=body)).outcome is Outcome.OK
    more = await reply_to(["{{ body.a }}"] * 5, body=body)
    assert (more.outcome, more.body) == (Outcome.PROVIDER_ERROR, b"")
    inside = await reply_to("{{ body.a ~ body.a ~ body.a ~ body.a ~ body.a }}", body=body)
    assert (inside.outcome, inside.body) == (Outcome.PROVIDER_ERROR, b"")


async def test_a_body_beyond_the_limit_has_no_fields() -> None:
    body = json.dumps({"a": "x" * MAX_READ}).encode()
    assert await rendered("{{ body.a | default('none') }}", body=body) == "none"


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ now() }}", "2023-05-24T07:00:00+07:00"),
        ("{{ now('%d/%m/%Y') }}", "24/05/2023"),
        ("lúc {{ now('%H:%M') }}", "lúc 07:00"),
        ("{{ lookup('people', body.id).name }}", "Đỗ An"),
        ("{{ lookup('people', '8').name | upper }}", "LÊ BÌNH"),
        ("{{ lookup('people', '9').name | default('không rõ') }}", "không rõ"),
        ("{{ lookup('people', body.id) }}", {"id": "7", "name": "Đỗ An"}),
    ],
)
async def test_the_calendar_and_the_tables_are_at_hand(template: str, value: object) -> None:
    assert await rendered(template) == value


def test_rendering_stops_as_soon_as_a_reply_grows_beyond_its_limit() -> None:
    call = a_call(body=json.dumps({"a": "x" * (MAX_READ - 100)}).encode())
    values = values_of(call, a_service(), 0.0)
    with pytest.raises(ValueError, match="a reply is at most"):
        compile_reply(["{{ body.a }}"] * 5)(values)
