from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.examples import fits
from lgsp.catalogue.parse import parse_services, read_catalogue, wrong_name
from lgsp.catalogue.service import Fixed, Form, Lognormal, Mixture, Percentiles, Service, Uniform
from lgsp.catalogue.source import Source
from lgsp.errors import CatalogueError
from lgsp.model import Outcome

NINE_LINES = """vehicle-registry:
  title: Đăng ký phương tiện
  operations:
    GET /vehicles/{plate}:
      reply:
        plate: "{{ path.plate }}"
        owner: "{{ fake.name }}"
  latency: {p50: 80ms, p99: 900ms}
  errors: {provider_error: 1%, timeout: 0.2%}
"""

FULL = """registry:
  title: {vi: Đăng ký, en: Registry}
  owner: Bộ Công an
  tier: central
  route: ndxp
  context: /registry/v1.0.0
  aliases: [/registry/1.0]
  timeout: 10s
  objective: 95.5%
  mode: simulate
  connector: connectors.registry
  share: 1.5%
  latency: {p50: 80ms, p99: 900ms, max: 9s}
  errors: {provider_error: 1%}
  operations:
    POST /search/{kind}:
      summary: {vi: Tìm, en: Search}
      idempotent: true
      delivery: sync
      evidence: documented
      source: S1
      weight: 60
      latency: {fixed: 40ms}
      errors: {timeout: 0.5%}
      examples:
        found:
          request: {path: /search/a, query: a=1, headers: {Accept: text/plain}, body: {soHieu: "049", nam: 2023}}
          reply: {status: 404, outcome: business_fault, compare: subset, body: {ma: "201"}}
"""


def parse(text: str | bytes, name: str = "services.yaml") -> dict[str, Service]:
    data = text if isinstance(text, bytes) else text.encode()
    return parse_services([Source(name, data)], has_module=lambda module: module == "connectors.registry")


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        parse(text)
    return caught.value.problems


def test_nine_lines_are_a_service_with_every_default() -> None:
    [service] = parse(NINE_LINES).values()
    assert (service.id, service.title.vi, service.title.en) == ("vehicle-registry",) + ("Đăng ký phương tiện",) * 2
    assert (service.context, service.timeout, service.objective) == ("/vehicle-registry", 30.0, 0.97)
    assert (service.mode, service.tier, service.route, service.connector) == ("simulate", "provincial", "local", None)
    assert service.latency is not None
    assert service.latency.distribution == Lognormal(p50=0.08, p99=0.9)
    assert service.errors is not None
    assert service.errors.rates == {Outcome.PROVIDER_ERROR: 0.01, Outcome.TIMEOUT: 0.002}
    [operation] = service.operations.values()
    assert (operation.name, operation.method, operation.template) == (
        "GET /vehicles/{plate}",
        "GET",
        "/vehicles/{plate}",
    )
    assert (operation.idempotent, operation.delivery, operation.evidence) == (True, "sync", "assumed")
    [rule] = operation.replies
    assert rule.steps == (Form(body={"plate": "{{ path.plate }}", "owner": "{{ fake.name }}"}),)
    assert (rule.when, rule.where) == ((), "services.yaml:6")


def test_every_key_of_a_full_service_is_read() -> None:
    service = parse(FULL)["registry"]
    assert (service.title.vi, service.title.en, service.owner) == ("Đăng ký", "Registry", "Bộ Công an")
    assert (service.tier, service.route, service.context) == ("central", "ndxp", "/registry/v1.0.0")
    assert (service.aliases, service.timeout, service.objective) == (("/registry/1.0",), 10.0, 0.955)
    assert (service.connector, service.share, service.where) == ("connectors.registry", 0.015, "services.yaml:1")
    operation = service.operations["POST /search/{kind}"]
    assert (operation.idempotent, operation.evidence, operation.source, operation.weight) == (
        True,
        "documented",
        "S1",
        60,
    )
    assert operation.latency is not None
    assert operation.latency.distribution == Fixed(seconds=0.04)
    [example] = operation.examples
    assert (example.request.path, example.request.query) == ("/search/a", "a=1")
    assert example.request.headers == {"accept": "text/plain", "content-type": "application/json"}
    assert example.request.body == b'{"soHieu":"049","nam":2023}'
    assert (example.reply.status, example.reply.outcome, example.reply.compare) == (404, "business_fault", "subset")
    assert example.reply.body == {"ma": "201"}


TEN_MISTAKES = """vehicles:
  title: Phương tiện
  latancy: {p50: 80ms, p99: 900ms}
  errors: {provider_error: 0,2%}
  timeout: 30
  objective: 90%
  mode: off
  operations:
    GET /vehicles/{plate}:
      evidence: documentd
      idempotent: yes
    FETCH /vehicles:
      summary: x
    GET /owners:
      examples:
        one:
          reply: {body: {id: 049200000123}}
  title: Xe
"""


def test_ten_mistakes_are_ten_problems_each_at_its_line_with_its_mend() -> None:
    found = problems(TEN_MISTAKES)
    assert [problem.partition(": ")[0] for problem in found] == [
        "services.yaml:3:3",
        "services.yaml:4:28",
        "services.yaml:5:12",
        "services.yaml:6:14",
        "services.yaml:7:9",
        "services.yaml:10:17",
        "services.yaml:11:19",
        "services.yaml:12:5",
        "services.yaml:17:30",
        "services.yaml:18:3",
    ]
    assert "unknown key 'latancy'; did you mean 'latency'?\n    write: latency: {p50: 80ms, p99: 900ms}" in found[0]
    assert "decimal comma\n    write: errors: {provider_error: 0.2%}" in found[1]
    assert "30ms or 30s?" in found[2]
    assert "below 93.1%" in found[3]
    assert "'off' is none of simulate, proxy, spy, disabled" in found[4]
    assert "did you mean 'documented'?\n    write: evidence: documented" in found[5]
    assert "neither true nor false\n    write: idempotent: true" in found[6]
    assert "'FETCH /vehicles' is no operation" in found[7]
    assert 'write: reply: {body: {id: "049200000123"}}' in found[8]
    assert "second time, first in line 2" in found[9]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("  title:\tXe", "a tab stands here"),
        ("  title: Xe\N{NO-BREAK SPACE}máy", "a no-break space stands here"),
        ("  title: “Xe”", "a curly quote stands here"),
        ("  title: &a Xe", "the anchor &a is refused"),
        ("  title: *a", "the alias *a is refused"),
        ("  title: !!str Xe", "the tag"),
        ("  title: 049", "049 is quoted"),
        ("  title: off", "off is quoted"),
        ("  title: 12:30", "base of 60"),
        ("  title: 2023-05-24", "a date"),
        ("  title: 1.10", "a text belongs here"),
        ("  title: {{ path.x }}", "a template is quoted"),
        ("  title: {de: Auto}", "unknown key 'de'"),
        ("  <<: {title: x}", "merge keys are refused"),
        ("  503: x", "the key 503 is quoted"),
        ("  tier: Central", "did you mean 'central'?"),
        ("  context: vehicles/", "is no context"),
        ("  timeout: 90s", "at most 60 s"),
        ("  timeout: 0s", "above 0 s"),
        ("  share: 101%", "more than 100%"),
        ("  share: 1", "1%?"),
        ("  connector: connectors.nothing", "no module 'connectors.nothing'"),
        ("  latency: {p50: 900ms, p99: 80ms}", "p99 not below it"),
        ("  latency: {p50: 900ms}", "a latency is"),
        ("  latency: {uniform: [2s, 1s]}", "[lowest, highest]"),
        ("  latency: {fixed: 2s, max: 1s}", "below its max"),
        ("  latency: {percentiles: {p50: 2s, p99: 1s}}", "never fall"),
        ("  latency: {mixture: []}", "a mixture has parts"),
        ("  errors: {ok: 1%}", "unknown key 'ok'"),
        ("  errors: {timeout: 60%, rejected: 50%}", "more than 100%"),
        ("  errors: 1%", "a mapping"),
        ("  aliases: /x", "a list belongs here"),
        ("  owner: [x]", "a text belongs here"),
    ],
)
def test_what_yaml_or_people_would_misread_is_refused_at_its_line(line: str, says: str) -> None:
    found = problems(f"vehicles:\n{line}\n  operations: [GET /x]\n" + ("  title: Xe\n" if "title" not in line else ""))
    assert any(problem.startswith("services.yaml:2:") and says in problem for problem in found), found


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("GET /a/{x}: {}\n    GET /a/{y}: {}", "are the same path"),
        ("GET /a/{x}/{x}: {}", "a parameter's name twice"),
        ("GET /a/x{y}: {}", "neither a word nor one {parameter}"),
        ("GET a: {}", "is no operation"),
        ("GET /a: {evidence: seen}", "names its source"),
        ("GET /a/{x}: {examples: {one: {reply: {status: 200}}}}", "gives a concrete `path`"),
        ("GET /a/{x}: {examples: {one: {request: {path: /b}}}}", "no concrete path"),
        ("GET /a: {examples: {one: {reply: {status: 99}}}}", "no HTTP status"),
        ("GET /a: {examples: {one: {reply: {outcome: good}}}}", "none of ok"),
        ("GET /a: {delivery: async}", "none of sync"),
        ("GET /a: {reply: {a: 1, a: 2}}", "second time"),
        ("GET /a: {weight: -1}", "no number"),
    ],
)
def test_a_wrong_operation_is_refused(entry: str, says: str) -> None:
    found = problems(f"vehicles:\n  title: Xe\n  operations:\n    {entry}\n")
    assert any(says in problem for problem in found), found


def test_mistakes_of_all_files_come_at_once_and_no_context_is_given_twice() -> None:
    service = "title: x\n  operations: [GET /x]\n"
    with pytest.raises(CatalogueError) as caught:
        parse_services(
            [
                Source("services.yaml", f"a:\n  context: /c\n  {service}".encode()),
                Source("services.d/b.yaml", f"b:\n  context: /c\n  {service}a:\n  tier: x\n  {service}".encode()),
            ],
            has_module=lambda _: False,
        )
    assert [problem.partition(": ")[2] for problem in caught.value.problems] == [
        "b: the context /c belongs to a",
        "a: there is a service 'a' already, in services.yaml:1",
        "a / tier: 'x' is none of central, provincial",
    ]


def test_a_context_of_the_gateway_is_refused() -> None:
    [problem] = problems("vehicles:\n  title: Xe\n  context: /docs\n  operations: [GET /x]\n")
    assert problem == "services.yaml:1:1: vehicles: the context /docs belongs to the gateway"


def test_bom_crlf_and_decomposed_letters_are_accepted() -> None:
    decomposed = NINE_LINES.replace("Đăng ký", "Đăng ký").replace("\n", "\r\n")
    [service] = parse(b"\xef\xbb\xbf" + decomposed.encode()).values()
    assert service.title.vi == "Đăng ký phương tiện"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"a: [", "this is no YAML"),
        (b"a: b: c", "this is no YAML"),
        (b"[" * 40 + b"]" * 40, "deeper than 32 levels"),
        (b"[" * 3_000, "nesting depth"),
        (b"a: {}\n---\nb: {}", "a second document"),
        (b"x" * 1_100_000, "larger than"),
        (b"- 1", "a mapping"),
        (b"a: &a [x]\nb: [*a, *a]", "the alias *a"),
    ],
)
def test_what_is_no_catalogue_is_a_sentence(text: bytes, says: str) -> None:
    assert any(says in problem for problem in problems(text))


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_nothing_but_a_catalogue_error_comes_out_of_any_bytes(data: bytes) -> None:
    with suppress(CatalogueError):
        assert isinstance(parse(data), dict)


@given(st.data())
def test_a_full_service_with_one_thing_broken_is_refused_at_its_line(data: st.DataObject) -> None:
    lines = FULL.splitlines()
    number = data.draw(st.integers(1, len(lines) - 1))
    key, colon, value = lines[number].partition(":")
    if key.strip() in {"found", "POST /search/{kind}"}:  # names are free
        return
    lines[number] = f"{key}q{colon}{value}"
    found = problems("\n".join(lines))
    assert any(problem.startswith(f"services.yaml:{number + 1}:") for problem in found), found


def test_latencies_of_every_kind_are_read() -> None:
    text = """s:
  title: x
  latency:
    mixture:
      - {weight: 96, lognormal: {p50: 80ms, p99: 600ms}}
      - {weight: 4, uniform: [2s, 6s]}
    max: 9s
  operations:
    GET /a: {latency: {percentiles: {p50: 1s, p99.9: 3s}}}
"""
    service = parse(text)["s"]
    assert service.latency is not None
    mixture = service.latency.distribution
    assert isinstance(mixture, Mixture)
    assert [(part.weight, part.distribution) for part in mixture.parts] == [
        (96, Lognormal(p50=0.08, p99=0.6)),
        (4, Uniform(low=2, high=6)),
    ]
    assert service.latency.maximum == 9
    latency = service.operations["GET /a"].latency
    assert latency is not None
    assert latency.distribution == Percentiles(points=((50.0, 1.0), (99.9, 3.0)))


@pytest.mark.parametrize(
    ("template", "path", "whether"),
    [
        ("/a", "/a", True),
        ("/a", "/b", False),
        ("/a/{x}", "/a/1", True),
        ("/a/{x}", "/a/", False),
        ("/a/{x}", "/a/1/2", False),
        ("/a/{x}/b", "/a/1/b", True),
    ],
)
def test_a_path_fits_its_template(template: str, path: str, whether: bool) -> None:  # noqa: FBT001 - a row of the table
    assert fits(template, path) is whether


@given(st.from_regex(r"(GET|POST) (/(\{[a-z]{1,3}\}|[a-z]{1,5})){1,4}", fullmatch=True))
def test_a_name_is_right_unless_a_parameter_comes_twice(name: str) -> None:
    parameters = [segment for segment in name.split("/") if segment.startswith("{")]
    assert bool(wrong_name(name)) is (len(set(parameters)) < len(parameters))


def test_a_directory_is_read_with_its_drop_in_files(tmp_path: Path) -> None:
    (tmp_path / "services.d").mkdir()
    (tmp_path / "services.yaml").write_text("a:\n  title: A\n  operations: [GET /x]\n")
    (tmp_path / "services.d" / "vehicle.yaml").write_text(NINE_LINES)
    catalogue = read_catalogue(tmp_path)
    assert [service.id for service in catalogue] == ["a", "vehicle-registry"]
    assert catalogue.find("vehicle-registry").where == "services.d/vehicle.yaml:1"
