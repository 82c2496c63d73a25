from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any, Self

import pytest
from builders import a_request, a_rule, a_service, an_operation, nowhere

from lgsp.bus.memory import MemoryBus
from lgsp.catalogue.service import Catalogue, Comparison, Condition, Form, RequestRule, Rule
from lgsp.clock import ManualClock
from lgsp.errors import TimedOut
from lgsp.model import Outcome, Reply, Request
from lgsp.runtime.host import Host
from lgsp.runtime.replies import step_of
from lgsp.runtime.state import States


class Watch:
    def busy(self, service: str, change: int) -> None: ...

    def duration(self, service: str, seconds: float) -> None: ...


def when(written: str, value: str) -> tuple[Condition, ...]:
    of, _, name = written.partition(".")
    return (Condition(written=written, of=of, name=(name,), tests=(Comparison(word="equals", value=value),)),)  # type: ignore[arg-type]  # one of the four


class Stage:
    """One operation with its rules behind a host on a clock that the test moves."""

    def __init__(self, *rules: Rule, **fields: Any) -> None:
        self.clock = ManualClock()
        self.service = a_service("svc", an_operation("POST /x/{id}", replies=rules, **fields))
        self.states = States(self.clock)
        self.bus = MemoryBus(self.clock)
        catalogue = Catalogue({"svc": self.service})
        self.host = Host(self.bus, catalogue, self.clock, Watch(), self.states, nowhere(self.clock), seed=1)

    async def __aenter__(self) -> Self:
        await self.states.__aenter__()
        await self.bus.__aenter__()
        await self.host.serve()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.bus.__aexit__(None, None, None)
        await self.states.__aexit__(None, None, None)

    async def ask(self, path: str = "/x/1", **fields: Any) -> Reply:
        return await self.bus.request(self.request(path, **fields), timeout=30)

    @staticmethod
    def request(path: str = "/x/1", **fields: Any) -> Request:
        return a_request(operation="POST /x/{id}", path=path, **fields)


def body(reply: Reply) -> Any:
    return json.loads(reply.body)


async def silence(asked: Awaitable[Reply]) -> bool:
    """Whether nobody answered."""
    try:
        await asked
    except TimedOut:
        return True
    return False


async def test_the_first_rule_that_fits_answers_with_all_it_says() -> None:
    refused = Form(
        status=404,
        outcome=Outcome.BUSINESS_FAULT,
        headers={"x-reason": "no {{ path.id }}"},
        body={"code": "NOT_FOUND", "id": "{{ path.id }}"},
    )
    async with Stage(a_rule(refused, name="no", when=when("path.id", "0")), a_rule(Form(body="fine"))) as stage:
        reply = await stage.ask("/x/0")
        assert (reply.status, reply.outcome, body(reply)) == (404, "business_fault", {"code": "NOT_FOUND", "id": "0"})
        assert reply.headers == {"x-reason": "no 0", "content-type": "application/json; charset=utf-8"}
        assert body(await stage.ask("/x/1")) == "fine"


async def test_where_no_rule_fits_it_is_the_providers_error() -> None:
    async with Stage(a_rule(when=when("path.id", "0"))) as stage:
        reply = await stage.ask("/x/1")
    assert (reply.outcome, reply.status, reply.reason) == (Outcome.PROVIDER_ERROR, 502, "no_reply_fits")


@pytest.mark.parametrize(
    ("form", "content", "media"),
    [
        (Form(), b"", None),
        (Form(body="<a>{{ path.id }}</a>"), b"<a>1</a>", "text/xml; charset=utf-8"),
        (Form(body="x {{ path.id }}"), b'"x 1"', "application/json; charset=utf-8"),
        (Form(body="x {{ path.id }}", headers={"content-type": "text/plain"}), b"x 1", "text/plain"),
        (
            Form(body=[1, "{{ path.id }}"], headers={"content-type": "application/problem+json"}),
            b'[1,"1"]',
            "application/problem+json",
        ),
    ],
)
async def test_a_body_has_its_type(form: Form, content: bytes, media: str | None) -> None:
    async with Stage(a_rule(form)) as stage:
        reply = await stage.ask()
    assert (reply.body, reply.headers.get("content-type")) == (content, media)


async def test_a_header_cannot_be_broken_in_two() -> None:
    async with Stage(a_rule(Form(headers={"x-a": "{{ body.a }}"}))) as stage:
        reply = await stage.ask(body=b'{"a": "b\\r\\nset-cookie: x"}')
    assert (reply.outcome, reply.headers) == (Outcome.PROVIDER_ERROR, {})


async def test_a_late_reply_comes_late_and_not_beyond_the_budget() -> None:
    async with Stage(a_rule(Form(body="late", delay=20.0))) as stage, asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(stage.ask())
        await stage.clock.advance(19.9)
        assert not asked.done()
        await stage.clock.advance(0.2)
        assert body(asked.result()) == "late"
        short = tasks.create_task(silence(stage.bus.request(stage.request(), timeout=5)))
        await stage.clock.advance(5.5)
        assert short.result()


async def test_a_rule_can_let_nobody_answer() -> None:
    async with (
        Stage(
            a_rule(Form(outcome=Outcome.UNREACHABLE), name="a", when=when("path.id", "0")),
            a_rule(Form(outcome=Outcome.TIMEOUT)),
        ) as stage,
        asyncio.TaskGroup() as tasks,
    ):
        reply = await stage.ask("/x/0")
        assert (reply.outcome, reply.reason) == (Outcome.UNREACHABLE, "provider_down")
        silent = tasks.create_task(silence(stage.ask("/x/1")))
        await stage.clock.advance(31)
        assert silent.result()


STEPS = tuple(Form(body=word) for word in ("one", "two", "three"))


@pytest.mark.parametrize(
    ("then", "words"),
    [("stay", ["one", "two", "three", "three", "three"]), ("restart", ["one", "two", "three", "one", "two"])],
)
async def test_a_sequence_gives_one_step_after_the_other(then: str, words: list[str]) -> None:
    async with Stage(a_rule(*STEPS, then=then)) as stage:
        assert [body(await stage.ask()) for _ in range(5)] == words


async def test_each_key_and_each_consumer_has_its_own_count() -> None:
    async with Stage(a_rule(*STEPS)) as stage:
        assert body(await stage.ask("/x/1")) == "one"
        assert body(await stage.ask("/x/2")) == "one"
        assert body(await stage.ask("/x/1", consumer="other")) == "one"
        assert body(await stage.ask("/x/1")) == "two"


async def test_the_key_can_be_an_expression() -> None:
    async with Stage(a_rule(*STEPS, per="{{ body.ticket }}")) as stage:
        assert body(await stage.ask("/x/1", body=b'{"ticket": 7}')) == "one"
        assert body(await stage.ask("/x/2", body=b'{"ticket": 7}')) == "two"
        assert body(await stage.ask("/x/2", body=b'{"ticket": 8}')) == "one"
        assert (await stage.ask("/x/2")).outcome is Outcome.PROVIDER_ERROR


async def test_a_transaction_that_comes_twice_has_the_same_step() -> None:
    async with Stage(a_rule(*STEPS)) as stage:
        request = stage.request()
        replies = [await stage.host._versions["svc"].answer(request) for _ in range(2)]
        assert [reply.body for reply in replies if reply] == [b'"one"', b'"one"']
        assert body(await stage.ask()) == "two"


@pytest.mark.parametrize(("then", "steps"), [("stay", [0, 1, 1, 1]), ("restart", [0, 1, 0, 1])])
def test_the_step_of_the_nth_call(then: str, steps: list[int]) -> None:
    rule = a_rule(Form(), Form(), then=then)
    assert [step_of(rule, call) for call in range(1, 5)] == steps


SCHEMA = {"type": "object", "required": ["so"], "properties": {"so": {"type": "string"}}}
INVALID = Form(
    status=422,
    outcome=Outcome.REJECTED,
    body={"ma": "E1", "noi": "{{ violation.path }}", "loi": "{{ violation.says }}"},
)


@pytest.mark.parametrize(
    ("sent", "place", "says"),
    [
        (b"{}", "", "'so' is a required property"),
        (b'{"so": 1}', "so", "1 is not of type 'string'"),
        (b"", "", "the body is not JSON"),
        (b"[" * 900 + b"]" * 900, "", ""),
    ],
)
async def test_a_body_that_breaks_its_schema_is_refused_in_the_services_own_words(
    sent: bytes, place: str, says: str
) -> None:
    async with Stage(a_rule(), request=RequestRule(json_schema=SCHEMA, invalid=INVALID)) as stage:
        reply = await stage.ask(body=sent)
        assert (reply.status, reply.outcome) == (422, Outcome.REJECTED)
        assert (body(reply)["ma"], body(reply)["noi"]) == ("E1", place)
        assert says in body(reply)["loi"]
        assert (await stage.ask(body=b'{"so": "1"}')).status == 200


PENDING = (Form(body="begun"), Form(body="signed", after=20.0), Form(body="given", after=180.0))


def goes_on() -> tuple[Rule, ...]:
    return (
        a_rule(Form(body="started", status=202), name="start", when=when("query.do", "start"), starts="{{ path.id }}"),
        a_rule(*PENDING, name="phases", since="{{ path.id }}"),
        a_rule(Form(body="unknown", status=404, outcome=Outcome.BUSINESS_FAULT), name="unknown"),
    )


@pytest.mark.parametrize(
    ("later", "word"),
    [(0, "begun"), (19.9, "begun"), (20, "signed"), (179, "signed"), (180, "given"), (999, "given")],
)
async def test_what_was_started_goes_on_by_the_clock(later: float, word: str) -> None:
    async with Stage(*goes_on()) as stage:
        assert (await stage.ask(query="do=start")).status == 202
        await stage.clock.advance(later)
        assert [json.loads((await stage.ask()).body) for _ in range(3)] == [word] * 3


async def test_what_nobody_started_is_answered_by_the_next_rule() -> None:
    async with Stage(*goes_on()) as stage:
        await stage.ask("/x/1", query="do=start", consumer="a")
        assert json.loads((await stage.ask("/x/2", consumer="a")).body) == "unknown"
        assert json.loads((await stage.ask("/x/1", consumer="b")).body) == "unknown"
        assert json.loads((await stage.ask("/x/1", consumer="a")).body) == "begun"


async def test_the_same_transaction_asked_again_starts_nothing_anew_and_another_one_does() -> None:
    async with Stage(*goes_on()) as stage:
        await stage.ask(query="do=start", id="t")
        await stage.clock.advance(15)
        await stage.ask(query="do=start", id="t")
        await stage.clock.advance(5)
        assert json.loads((await stage.ask()).body) == "signed"
        await stage.ask(query="do=start", id="other")
        assert json.loads((await stage.ask()).body) == "begun"


async def test_where_no_rule_is_left_nothing_fits() -> None:
    async with Stage(goes_on()[1]) as stage:
        assert (await stage.ask()).reason == "no_reply_fits"


async def test_what_is_to_be_started_needs_its_name() -> None:
    async with Stage(a_rule(Form(body="x"), starts="{{ body.ma }}")) as stage:
        assert (await stage.ask()).reason == "provider_fault"
