from __future__ import annotations

import time
from pathlib import Path

import pytest

from lgsp.catalogue.parse import parse_services, read_catalogue
from lgsp.catalogue.replies import outcome_of
from lgsp.catalogue.service import Comparison, Condition, Form, Operation
from lgsp.catalogue.source import Source
from lgsp.errors import CatalogueError
from lgsp.model import Outcome

HEAD = """svc:
  title: x
  data:
    people: {csv: people.csv, key: id}
  operations:
    POST /x/{id}:
"""
FILES = {"people.csv": b"id,name\n1,An\n", "schema.json": b'{"type": "object"}'}


def open_file(beside: str, name: str) -> bytes:
    assert beside == "services.yaml"
    if name not in FILES:
        raise ValueError("it cannot be read: No such file or directory")
    return FILES[name]


def operation(text: str) -> Operation:
    """The operation of some lines, indented to stand below its name (line 6)."""
    whole = HEAD + "".join(f"      {line}\n" for line in text.splitlines())
    parsed = parse_services([Source("services.yaml", whole.encode())], has_module=lambda _: False, open_file=open_file)
    return parsed["svc"].operations["POST /x/{id}"]


def problems(text: str) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        operation(text)
    return caught.value.problems


RULES = """replies:
  - name: not-found
    when:
      path.id: {matches: "^0{3}"}
      query.page: "1"
      headers.X-SystemId: {exists: true}
      body.years: {from: 1990, below: 2024.5}
      body.items.0.kind: {one_of: [a, 7, true]}
      "people[body.id].name": {equals: An}
      people[path.id]: {exists: false}
    status: 404
    headers: {X-Reason: "{{ path.id }}"}
    delay: 200ms
    body: {code: NOT_FOUND}
  - sequence:
      - {status: 202}
      - {body: {done: true}}
    per: "{{ path.id }}"
    then: restart
"""


def test_every_key_of_a_rule_is_read() -> None:
    first, second = operation(RULES).replies
    assert (first.name, first.where, second.name, second.where) == (
        "not-found",
        "services.yaml:8",
        "rule-2",
        "services.yaml:21",
    )
    assert first.steps == (
        Form(
            status=404,
            outcome=Outcome.BUSINESS_FAULT,
            headers={"x-reason": "{{ path.id }}"},
            delay=0.2,
            body={"code": "NOT_FOUND"},
        ),
    )
    assert [(c.written, c.of, c.name, c.table, c.column) for c in first.when] == [
        ("path.id", "path", ("id",), None, None),
        ("query.page", "query", ("page",), None, None),
        ("headers.X-SystemId", "headers", ("x-systemid",), None, None),
        ("body.years", "body", ("years",), None, None),
        ("body.items.0.kind", "body", ("items", "0", "kind"), None, None),
        ("people[body.id].name", "body", ("id",), "people", "name"),
        ("people[path.id]", "path", ("id",), "people", None),
    ]
    assert [c.tests for c in first.when] == [
        (Comparison(word="matches", value="^0{3}"),),
        (Comparison(word="equals", value="1"),),
        (Comparison(word="exists", value=True),),
        (Comparison(word="from", value=1990.0), Comparison(word="below", value=2024.5)),
        (Comparison(word="one_of", value=("a", 7, True)),),
        (Comparison(word="equals", value="An"),),
        (Comparison(word="exists", value=False),),
    ]
    assert [form.status for form in second.steps] == [202, 200]
    assert (second.per, second.then) == ("{{ path.id }}", "restart")


def test_the_whole_body_can_be_a_condition() -> None:
    [rule] = operation("replies: [{when: {body: {exists: true}}}]").replies
    assert rule.when == (Condition(written="body", of="body", name=(), tests=(Comparison(word="exists", value=True),)),)


def test_a_request_schema_is_read_from_the_yaml_or_a_file_beside_it() -> None:
    inline = operation("request: {schema: {type: object}, invalid: {status: 422, body: {ma: '1'}}}").request
    assert inline is not None
    assert (inline.json_schema, inline.invalid.status, inline.invalid.outcome, inline.invalid.body) == (
        {"type": "object"},
        422,
        Outcome.REJECTED,
        {"ma": "1"},
    )
    beside = operation("request: {schema: schema.json}").request
    assert beside is not None
    assert (beside.json_schema, beside.invalid.status) == ({"type": "object"}, 400)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "ok"), (302, "ok"), (400, "rejected"), (404, "business_fault"), (429, "rejected"), (500, "provider_error")],
)
def test_a_status_stands_for_an_outcome(status: int, outcome: str) -> None:
    assert outcome_of(status) == outcome


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("reply: x\nreplies: [{body: y}]", 8, "`reply` or `replies`, not both"),
        ("reply:\n  a:\n    - '{{ nobody }}'", 9, "'nobody' is none of path"),
        ("replies:\n  - body:\n      a: '{{ range(9) }}'", 9, "'range' is none of now, lookup"),
        ("replies:\n  - headers:\n      a: '{% if 1 %}'", 9, "is no template"),
        ("replies:\n  - body: '{{ lookup(\"nobody\", 1) }}'", 8, "there is no table 'nobody' under `data` (people)"),
        ("replies: []", 7, "one reply at least"),
        ("replies:\n  - body: a\n  - body: b", 9, "takes everything"),
        ("replies:\n  - {name: a, when: {path.id: x}}\n  - {name: a}", 9, "a rule 'a' already"),
        ("replies:\n  - statsu: 200", 8, "unknown key 'statsu'; did you mean 'status'?"),
        ("replies:\n  - status: 99", 8, "no HTTP status"),
        ("replies:\n  - outcome: good", 8, "none of ok"),
        ("replies:\n  - outcome: bus_error", 8, "none of ok"),
        ("replies:\n  - delay: 5", 8, "needs its unit"),
        ("replies:\n  - delay: 2m", 8, "at most 60 s"),
        ("replies:\n  - headers: {'a b': c}", 8, "no header that a reply can set"),
        ("replies:\n  - headers: {Content-Length: '1'}", 8, "no header that a reply can set"),
        ("replies:\n  - {headers: {content-type: text/xml}, body: {a: 1}}", 8, "a body of text/xml is a text"),
        ("replies:\n  - when: {plate: x}", 8, "names no value"),
        ("replies:\n  - when: {path: x}", 8, "names no value"),
        ("replies:\n  - when: {cookie.a: x}", 8, "names no value"),
        ("replies:\n  - when: {'nobody[path.id]': x}", 8, "no table 'nobody' under `data` (people)"),
        ("replies:\n  - when: {query.a: 1}", 8, "is quoted"),
        ("replies:\n  - when: {query.a: {equal: x}}", 8, "unknown key 'equal'; did you mean 'equals'?"),
        ("replies:\n  - when: {query.a: {}}", 8, "a condition has one of"),
        ("replies:\n  - when: {query.a: {one_of: []}}", 8, "never true"),
        ("replies:\n  - when: {query.a: {one_of: x}}", 8, "a list belongs here"),
        ("replies:\n  - when: {query.a: {matches: (}}", 8, "is no pattern"),
        ("replies:\n  - when: {query.a: {matches: (a+)+$}}", 8, "could take very long"),
        ("replies:\n  - when: {query.a: {from: x}}", 8, "no number"),
        ("replies:\n  - when: {query.a: {exists: 'yes'}}", 8, "neither true nor false"),
        ("replies:\n  - sequence: [{body: a}]", 8, "two steps at least"),
        ("replies:\n  - {body: a, sequence: [{body: a}, {body: b}]}", 8, "in each step of the sequence"),
        ("replies:\n  - sequence: [{body: a}, {after: 1s, body: b}]", 8, "`after` belongs to a rule with `since`"),
        ("replies:\n  - {since: x, sequence: [{body: a}, {body: b}]}", 8, "each step comes later"),
        ("replies:\n  - {since: x, sequence: [{after: 2s}, {after: 1s}]}", 8, "each step comes later"),
        (
            "replies:\n  - {since: x, then: stay, sequence: [{body: a}, {after: 1s}]}",
            8,
            "with `since` steps come by time",
        ),
        ("replies:\n  - {since: x, per: y, sequence: [{body: a}, {after: 1s}]}", 8, "with `since` steps come by time"),
        ("replies:\n  - {starts: '{{ x }}', body: a}", 8, "'x' is none of"),
        ("replies:\n  - {since: x, after: 1s, body: a}", 8, "unknown key 'after'"),
        ("replies:\n  - {per: x, body: a}", 8, "`per` belongs to a `sequence`"),
        ("replies:\n  - {then: stay, body: a}", 8, "`then` belongs to a `sequence`"),
        ("replies:\n  - {then: again, sequence: [{body: a}, {body: b}]}", 8, "none of stay, restart"),
        ("replies:\n  - {per: '{{ x }}', sequence: [{body: a}, {body: b}]}", 8, "'x' is none of"),
        ("replies: x", 7, "a list belongs here"),
        ("replies: [x]", 7, "a mapping"),
        ("request: {}", 7, "the key 'schema' is missing"),
        ("request:\n  schema: {type: objekt}", 8, "no JSON Schema"),
        ("request:\n  schema: nobody.json", 8, "cannot be read"),
        ("request:\n  schema: people.csv", 8, "Expecting value"),
        ("request:\n  schema: {type: object}\n  invalid: {status: x}", 9, "no HTTP status"),
    ],
)
def test_what_is_wrong_is_refused_at_its_line(text: str, line: int, says: str) -> None:
    found = problems(text)
    assert any(problem.startswith(f"services.yaml:{line}:") and says in problem for problem in found), found


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("{csv: nobody.csv, key: id}", "nobody.csv: it cannot be read"),
        ("{csv: people.csv, key: nobody}", "no column 'nobody'"),
        ("{csv: people.csv}", "`csv`, its file, and `key`"),
        ("people.csv", "a mapping"),
    ],
)
def test_a_wrong_table_is_refused_at_its_line(table: str, says: str) -> None:
    text = f"svc:\n  title: x\n  operations: [GET /x]\n  data:\n    people: {table}\n"
    with pytest.raises(CatalogueError) as caught:
        parse_services([Source("services.yaml", text.encode())], has_module=lambda _: False, open_file=open_file)
    assert any(p.startswith("services.yaml:5:") and says in p for p in caught.value.problems), caught.value.problems


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "link.csv"])
def test_a_file_from_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (tmp_path / "secret.csv").write_text("id\n1\n")
    (config / "link.csv").symlink_to(tmp_path / "secret.csv")
    (config / "services.yaml").write_text(
        f"svc:\n  title: x\n  data: {{t: {{csv: {name}, key: id}}}}\n  operations: [GET /x]\n"
    )
    with pytest.raises(CatalogueError, match="beside the YAML, or below it"):
        read_catalogue(config)


def test_the_zone_of_the_calendar_is_every_services(tmp_path: Path) -> None:
    (tmp_path / "services.yaml").write_text("svc:\n  title: x\n  operations: [GET /x]\n")
    assert read_catalogue(tmp_path).find("svc").zone == "UTC"
    (tmp_path / "calendar.yaml").write_text("zone: Asia/Ho_Chi_Minh\n")
    assert read_catalogue(tmp_path).find("svc").zone == "Asia/Ho_Chi_Minh"
    (tmp_path / "calendar.yaml").write_text("zone: Asia/Nowhere\n")
    with pytest.raises(CatalogueError, match=r"calendar.yaml:1:7: zone: 'Asia/Nowhere' is no time zone"):
        read_catalogue(tmp_path)


def test_a_thousand_rules_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    rules = "".join(
        f"        - name: r{n}\n          when: {{path.id: 'x{n}', body.a: {{matches: '^a{n}'}}}}\n"
        f"          status: 404\n          body: {{code: 'E{n}', id: '{{{{ path.id }}}}', at: '{{{{ now() }}}}'}}\n"
        for n in range(1_000)
    )
    text = HEAD + "      replies:\n" + rules
    start = time.perf_counter()
    parsed = parse_services([Source("services.yaml", text.encode())], has_module=lambda _: False, open_file=open_file)
    took = time.perf_counter() - start
    assert len(parsed["svc"].operations["POST /x/{id}"].replies) == 1_000
    with capsys.disabled():
        print(f"\n1,000 rules read and checked in {took:.2f} s")
