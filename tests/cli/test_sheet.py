from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from builders import a_service, an_operation
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.consumer import Consumer, Limit
from lgsp.catalogue.service import Example, ExampleReply, ExampleRequest, Operation, Text
from lgsp.catalogue.shape import shape_of
from lgsp.cli import main
from lgsp.cli.sheet import WORDS, advice_on, as_text, curl_of, fields_of, sheet_of, token_curl
from lgsp.edge.faults import Fault, every_fault
from lgsp.model import Outcome

URL = "http://127.0.0.1:8280"
CALLER = Consumer(id="so-tp", key="key1", organisation="000.00.31.H47", subscriptions=("svc GET /x",))


def an_example(path: str = "/x", reply: object = None, **asked: Any) -> Example:
    return Example(name="found", request=ExampleRequest(path=path, **asked), reply=ExampleReply(body=reply))


def text_of(*operations: Operation, consumer: Consumer = CALLER, language: Any = "en", **fields: Any) -> str:
    made = sheet_of(a_service("svc", *operations, **fields), consumer, URL, None, language, max_body=2**20)
    return as_text(made, language)


def test_it_says_who_where_and_by_whom() -> None:
    text = text_of(an_operation(), owner="STP", title=Text(vi="Một", en="One"), aliases=("/alias",))
    assert text.startswith("# Connection guide: One (`svc`)\n")
    for line in (
        "- For the consumer: `so-tp`, organisation 000.00.31.H47",
        "- Owner: STP",
        f"- Address: {URL}/svc (also at {URL}/alias)",
        f"- OpenAPI document: {URL}/openapi.json, page: {URL}/docs?lang=en",
        "- the gateway waits at most 30 s",
        "- a body is at most 1 MiB",
    ):
        assert line in text.splitlines()
    assert "# Hướng dẫn kết nối: Một" in text_of(an_operation(), title=Text(vi="Một", en="One"), language="vi")


def test_it_says_of_each_operation_whether_this_consumer_may_call_it() -> None:
    text = text_of(an_operation("GET /x"), an_operation("POST /x"))
    assert "x (allowed; safe to repeat; assumed)" in text
    assert "x (not subscribed to it: 403, 900910; do not repeat by yourself; assumed)" in text
    assert "not subscribed to the service: 403, 900908" in text_of(an_operation(), consumer=Consumer(id="other"))


def test_limits_are_those_that_count_for_this_service() -> None:
    limits = (Limit(scope="*", count=100, seconds=60), Limit(scope="svc", count=5, seconds=1), Limit(scope="b", count=9, seconds=1))  # fmt: skip
    text = text_of(an_operation(), consumer=CALLER.model_copy(update={"limits": limits}))
    assert [line for line in text.splitlines() if line.startswith("- calls")] == [
        "- calls at most 100 per 60 s (`*`)",
        "- calls at most 5 per 1 s (`svc`)",
    ]


def test_fields_come_with_type_and_whether_they_are_always_there() -> None:
    schema = shape_of([{"a": 1, "b": {"c": None}, "d": [{"e": "x"}]}, {"a": 1.5, "b": {"c": "x"}}])
    assert list(fields_of(schema)) == [
        ("a", "number", True),
        ("b", "object", True),
        ("b.c", "null | string", True),
        ("d", "array", False),
        ("d[].e", "string", False),
    ]
    assert list(fields_of(shape_of([[{"a": 1}]]))) == [("[].a", "integer", False)]
    assert list(fields_of({"anyOf": [shape_of([{"a": 1}]), {"$ref": "#/Fault"}]})) == [("a", "integer", True)]
    assert list(fields_of({})) == []


def test_a_reply_and_its_test_data_are_told() -> None:
    example = an_example("/x/a%20b", {"id": "1"}, query="q=%C4%83", body=b'{"n": 1}')
    text = text_of(an_operation("POST /x/{id}", examples=(example,)))
    assert "| Reply 200: field | type | always |\n| --- | --- | --- |\n| `id` | string | yes |" in text
    assert '| found | `id=a b · q=ă · {"n": 1}` | 200 ok |' in text


sent = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)


@given(query=st.text("abc&=%20'\"$` ", max_size=12), body=sent, value=st.text("abc'\"$` \\", max_size=8))
def test_a_curl_says_the_same_to_a_shell_whatever_stands_in_it(query: str, body: str, value: str) -> None:
    example = an_example(query=query, headers={"x-a": value, "x-empty": ""}, body=body.encode())
    operation = an_operation("POST /x")
    words = shlex.split(curl_of(URL, a_service("svc", operation), operation, example).replace("\\\n", ""))
    assert words[:7] == ["curl", "-sS", "-D", "-", "-o", "reply.bin", "-X"]
    assert f"{URL}/svc/x" + (f"?{query}" if query else "") in words
    assert (f"x-a: {value}" if value else "x-a;") in words
    assert "x-empty;" in words
    assert ("--data-binary" in words) == bool(body)
    assert not body or words[-1] == body


@pytest.mark.parametrize(
    ("method", "body", "how"),
    [("GET", {}, "-i -X GET"), ("GET", None, "-D - -o reply.bin -X GET"), ("HEAD", None, "-I")],
)
def test_a_curl_shows_what_a_terminal_can_show(method: str, body: object, how: str) -> None:
    operation = an_operation(f"{method} /x")
    assert curl_of(URL, a_service(), operation, an_example(reply=body)).startswith(f"curl -sS {how} {URL}/svc/x")


def test_an_operation_without_an_example_has_its_bare_curl() -> None:
    operation = an_operation("GET /x/{id}")
    assert curl_of(URL, a_service(), operation, None).startswith(f"curl -sS -i -X GET '{URL}/svc/x/{{id}}'")


def test_a_secret_is_never_printed_only_its_file(tmp_path: Path) -> None:
    file = tmp_path / "a secret"
    file.write_text("hush")
    lines = token_curl(URL, CALLER, file, "en")
    assert lines.startswith(f"SECRET=$(cat '{file}')\n")
    assert '-u key1:"$SECRET"' in lines
    assert "hush" not in lines
    assert "put the secret" in token_curl(URL, CALLER, None, "en")


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault(401, 900901, ""), "do_token"),
        (Fault(403, 900908, ""), "do_rights"),
        (Fault(429, 900803, "", 1), "do_slow"),
        (Fault(429, 900805, ""), "do_rights"),
        (Fault(400, 400, ""), "do_mend"),
        (Fault(503, 303001, "", 30), "do_retry"),
        (Fault(504, 101504, "", 5, maybe_executed=True), "do_check"),
        (Fault(502, 101510, "", maybe_executed=True), "do_report"),
    ],
)
def test_each_kind_of_error_has_its_advice(fault: Fault, word: str) -> None:
    assert advice_on(fault) == (word, fault.retry_after or 0)


def test_every_error_of_the_gateway_stands_in_it_with_what_to_do() -> None:
    rows = re.findall(r"(?m)^\| (\d{3}) \| (\d+) \| ([^|]+) \| ([^|]+) \|$", text_of(an_operation()))
    assert {(int(status), int(code)) for status, code, _, _ in rows} == {(f.status, f.code) for f in every_fault()}
    assert all(meaning.strip() and do.strip() and "{" not in do for _, _, meaning, do in rows)


def test_every_word_stands_in_both_languages() -> None:
    for word, text in WORDS.items():
        assert text.vi, word
        assert text.en, word
        assert text.vi != text.en, word
        assert text.vi.count("{") == text.en.count("{"), word


def run(*arguments: str, monkeypatch: pytest.MonkeyPatch, **env: str) -> tuple[int, str, str]:
    from lgsp.cli import lgsp

    result = CliRunner().invoke(lgsp, ["services", "sheet", *arguments], env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        monkeypatch.setattr("sys.argv", ["lgsp", "services", "sheet", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), result.stdout, str(result.exception)
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_it_in_the_language_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = ["land-tax", "--state", str(tmp_path)]
    assert run(*where, monkeypatch=monkeypatch, LANG="vi_VN.UTF-8")[1].startswith("# Hướng dẫn kết nối")
    assert run(*where, monkeypatch=monkeypatch, LANG="en_US.UTF-8")[1].startswith("# Connection guide")
    assert run(*where, "--lang", "vi", monkeypatch=monkeypatch, LANG="en_US")[1].startswith("# Hướng dẫn kết nối")
    code, out, _ = run(*where, "--json", "--gateway", f"{URL}/", monkeypatch=monkeypatch)
    assert code == 0
    assert json.loads(out)["address"].startswith(f"{URL}/")
    assert {row["outcome"] for operation in json.loads(out)["operations"] for row in operation["tests"]} <= set(Outcome)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody"], "no service 'nobody'"),
        (["land-tax", "--consumer", "x"], "there is no consumer 'x'; there are demo"),
    ],
)
def test_what_is_not_there_is_said_in_words(arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run(*arguments, monkeypatch=monkeypatch)
    assert code == 2
    assert says in err
