"""`lgsp services` as a registrar uses it, on a configuration of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from lgsp.capture.files import Writer
from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.catalogue.consumer import read_consumers
from lgsp.catalogue.parse import read_catalogue
from lgsp.cli import lgsp
from lgsp.cli.services.register import left_in
from lgsp.cli.words import speak
from lgsp.errors import CatalogueError, LgspError, SettingsError

BASE = "always:\n  title: Luôn có\n  operations: [GET /x]\n"
NEW = """vehicle-registry:
  title: Đăng ký phương tiện
  operations:
    GET /vehicles/{plate}:
      replies:
        - name: unknown
          when: {path.plate: {matches: "^00"}, query.deep: "1"}
          status: 404
          body: {ma: E04}
        - name: stolen
          when: {path.plate: 30A-1}
          body: {ma: "1"}
      examples:
        stolen: {request: {path: /vehicles/30A-1}, reply: {body: {ma: "1"}}}
        unknown: {request: {path: /vehicles/00, query: deep=1}, reply: {status: 404, outcome: business_fault, body: {ma: E04}}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    directory = tmp_path / "config"
    directory.mkdir()
    (directory / "services.yaml").write_text(BASE)
    (directory / "consumers.yaml").write_text("hue:\n  title: Huế\n  subscriptions: [always]\nother: {}\n")
    return directory


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "vehicle-registry.yaml"
    made.write_text(NEW)
    return made


def run(config: Path, *words: str, given: str | None = None) -> Result:
    state = config.parent / "state"
    return CliRunner().invoke(lgsp, [*words, "--config", str(config), "--state", str(state)], input=given)


def test_a_file_is_added_with_those_who_may_call_and_taken_away(config: Path, file: Path) -> None:
    result = run(config, "services", "add", str(file), "--subscribe", "hue", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"added": ["vehicle-registry"], "changed": [], "removed": [], "in_force": None}
    assert [service.id for service in read_catalogue(config)] == ["always", "vehicle-registry"]
    assert {who.id: who.subscriptions for who in read_consumers(config).values()} == {
        "hue": ("always", "vehicle-registry"),
        "other": (),
    }
    assert (config / "services.yaml").read_text() == BASE
    again = run(config, "services", "add", str(file))
    assert "nothing changed" in again.stderr
    gone = run(config, "services", "rm", "vehicle-registry")
    assert gone.exit_code == 0
    assert "its totals stay" in gone.stderr
    assert [service.id for service in read_catalogue(config)] == ["always"]
    assert list((config / "consumers.d").iterdir()) == []


def test_nothing_is_done_when_there_is_a_mistake(config: Path, file: Path) -> None:
    file.write_text(NEW.replace("title", "titel"))
    for command in ("add", "validate"):
        result = run(config, "services", command, str(file))
        assert isinstance(result.exception, CatalogueError)
        assert any("services.d/vehicle-registry.yaml:2:3:" in problem for problem in result.exception.problems)
    assert not (config / "services.d").exists()


def test_a_stranger_is_not_subscribed(config: Path, file: Path) -> None:
    result = run(config, "services", "add", str(file), "--subscribe", "huee")
    assert isinstance(result.exception, SettingsError)
    assert "there is no consumer 'huee'; did you mean 'hue'?" in str(result.exception)
    assert not (config / "services.d").exists()


def test_what_is_not_a_file_of_its_own_is_left_to_a_person(config: Path, file: Path) -> None:
    run(config, "services", "add", str(file))
    several = config / "services.d" / "vehicle-registry.yaml"
    several.write_text(NEW + BASE.replace("always", "beside"))
    for name, place in (("always", "services.yaml:1"), ("vehicle-registry", "services.d/vehicle-registry.yaml:1")):
        result = run(config, "services", "rm", name)
        assert isinstance(result.exception, SettingsError)
        assert f"{name} stands in {place}" in str(result.exception)
    assert several.exists()


def test_validate_says_what_there_is_or_what_is_wrong_as_json(config: Path, file: Path) -> None:
    assert json.loads(run(config, "services", "validate", str(file), "--json").stdout)["services"] == 2
    file.write_text(NEW.replace("title", "titel"))
    result = run(config, "services", "validate", str(file), "--json")
    assert result.exit_code == 2
    assert "titel" in json.loads(result.stdout)["problems"][1]


def test_examples_are_tests(config: Path, file: Path) -> None:
    run(config, "services", "add", str(file))
    result = run(config, "services", "test", "vehicle-registry", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (
        0,
        [
            {"operation": "GET /vehicles/{plate}", "example": "stolen", "differs": []},
            {"operation": "GET /vehicles/{plate}", "example": "unknown", "differs": []},
        ],
    )
    (config / "services.d" / "vehicle-registry.yaml").write_text(
        NEW.replace('body: {ma: "1"}\n', 'body: {ma: "2"}\n', 1)
    )
    result = run(config, "services", "test", "vehicle-registry")
    assert result.exit_code == 1
    assert 'body.ma: "2", not "1"' in result.stdout
    assert run(config, "services", "test", "always").exit_code == 4


@pytest.mark.parametrize(
    ("asked", "code", "says"),
    [
        ("GET /vehicles/30A-1", 0, ["no unknown", 'path.plate: matches "^00"; it is "30A-1"', "==> stolen"]),
        ("GET /vehicles/00", 1, ['query.deep: equals "1"; it is missing', "nearest misses: unknown, stolen (1 of"]),
        ("GET /vehicles/x", 1, ["no rule fits", "nearest misses: stolen (1 of"]),
    ],
)
def test_a_call_is_explained(config: Path, file: Path, asked: str, code: int, says: list[str]) -> None:
    run(config, "services", "add", str(file))
    result = run(config, "call", "vehicle-registry", asked, "--explain")
    assert result.exit_code == code
    for words in says:
        assert words in result.output
    data = json.loads(run(config, "call", "vehicle-registry", asked, "--explain", "--json").stdout)
    assert data["rule"] == ("stolen" if code == 0 else None)


def test_the_schema_is_printed(config: Path) -> None:
    schema = json.loads(run(config, "services", "schema").stdout)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_value_is_shown_with_its_origin(config: Path, file: Path) -> None:
    file.write_text(NEW + "  timeout: 5s\n")
    run(config, "services", "add", str(file))
    result = run(config, "services", "show", "vehicle-registry", "--effective", "--json")
    values = {value["key"]: (value["value"], value["origin"]) for value in json.loads(result.stdout)}
    name = "services.d/vehicle-registry.yaml"
    assert values["timeout"] == ("5s", f"{name}:16")
    assert values["objective"] == ("97%", "default")
    assert values["share"] == ("1%", "default")
    assert values["context"] == ("/vehicle-registry", "default: the id")
    assert values["connector"] == ("none", "default: the YAML's own replies")
    assert values["zone"] == ("UTC", "default, or calendar.yaml")
    assert values["GET /vehicles/{plate} / replies"] == ("2", f"{name}:6")
    assert values["GET /vehicles/{plate} / idempotent"] == ("true", "default of GET")
    assert values["GET /vehicles/{plate} / latency"] == ("none", "default: the service's")


def test_a_file_is_made_from_what_the_options_say(config: Path, tmp_path: Path) -> None:
    reply = '{\n  "soDangKy": "30A-12345",\n  "chuXe": {"hoTen": "Đỗ Thị Bích", "soDinhDanh": "049085001234"},\n  "ma": 12345678901234567890\n}'
    (tmp_path / "reply.json").write_text(reply)
    (tmp_path / "request.json").write_text('{"soDangKy": "30A-12345"}')
    result = run(
        config, "services", "new", "vehicles", "--title-vi", "Đăng ký: phương tiện", "--title-en", "Vehicles",
        "--owner", "Cục CSGT", "--operation", "POST /vehicles/search", "--request", str(tmp_path / "request.json"),
        "--reply", str(tmp_path / "reply.json"), "--address", "https://registry.example/api", "--consumer", "hue", "--share", "0.5%",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    service = read_catalogue(config).find("vehicles")
    assert (service.title.vi, service.title.en, service.owner, service.share) == (
        "Đăng ký: phương tiện",
        "Vehicles",
        "Cục CSGT",
        0.005,
    )
    assert service.upstream is not None
    assert "--subscribe hue" in (config / "services.d" / "vehicles.yaml").read_text()
    [rule] = service.operations["POST /vehicles/search"].replies
    wanted = json.loads(reply) | {"ma": "12345678901234567890"}
    assert rule.steps[0].body == wanted
    assert run(config, "services", "test", "vehicles").exit_code == 0


def test_a_pasted_xml_reply_is_answered_as_it_stands(config: Path, tmp_path: Path) -> None:
    (tmp_path / "reply.xml").write_text('<?xml version="1.0"?>\n<a>\n  <b>1</b>\n</a>\n')
    options = ("--operation", "GET /a/{x}", "--reply", str(tmp_path / "reply.xml"))
    assert run(config, "services", "new", "xml", *options).exit_code == 0
    assert run(config, "services", "test", "xml").exit_code == 0
    printed = run(config, "services", "new", "xml2", *options, "--output", "-")
    assert printed.stdout.startswith("# xml2, written by `lgsp services new`.")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["Bad"], "'Bad' is no id"),
        (["always"], "there is a service always already"),
        (["x"], "'' is no operation"),
        (["x", "--operation", "FETCH /a"], "is no operation"),
    ],
)
def test_what_cannot_be_a_service_is_refused(config: Path, words: list[str], says: str) -> None:
    result = run(config, "services", "new", *words)
    assert isinstance(result.exception, LgspError)
    assert says in str(result.exception)


def test_a_sample_that_is_no_json_is_refused(config: Path, tmp_path: Path) -> None:
    (tmp_path / "reply.json").write_text('{"a": }')
    result = run(config, "services", "new", "x", "--operation", "GET /a", "--reply", str(tmp_path / "reply.json"))
    assert isinstance(result.exception, CatalogueError)
    assert "begins like JSON and is none" in str(result.exception)


OPENAPI = """openapi: 3.1.0
info: {title: Kho dữ liệu, version: "1.0"}
paths:
  /items/{item-id}:
    get:
      summary: Một mục
      responses:
        "200":
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Item"}
        "404": {description: none}
    delete: {responses: {"204": {description: gone}}}
  /items:
    post:
      requestBody: {content: {application/json: {example: {ten: Bàn}}}}
      responses: {"201": {content: {application/json: {examples: {one: {value: {ma: "7"}}}}}}}
  /files/{name}.pdf:
    get: {responses: {}}
components:
  schemas:
    Item:
      allOf:
        - {type: object, properties: {ma: {type: string, example: "01"}, con: {$ref: "#/components/schemas/Item"}}}
        - {type: object, properties: {so: {type: [integer, "null"]}, nhan: {type: array, items: {enum: [A, B]}}}}
"""


def test_a_file_is_scaffolded_from_openapi(config: Path, tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text(OPENAPI)
    result = run(config, "services", "new", "store", "--from", str(tmp_path / "api.yaml"))
    assert result.exit_code == 0, result.output
    service = read_catalogue(config).find("store")
    assert service.title.vi == "Kho dữ liệu"
    assert list(service.operations) == ["GET /items/{item_id}", "DELETE /items/{item_id}", "POST /items"]
    one = service.operations["GET /items/{item_id}"]
    body = one.replies[0].steps[0].body
    assert isinstance(body, dict)
    assert (one.summary.vi, body["ma"], body["so"], body["nhan"]) == ("Một mục", "01", 0, ["A"])
    assert service.operations["POST /items"].examples[0].request.body == '{"ten":"Bàn"}'.encode()
    assert "left out" in (config / "services.d" / "store.yaml").read_text()
    assert run(config, "services", "test", "store").exit_code == 0


@pytest.mark.parametrize("text", ["[1, 2]", "info: {}", "openapi: 3.1.0\ninfo: {}\npaths: {}\n"])
def test_what_is_no_openapi_is_refused(config: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "api.yaml").write_text(text)
    result = run(config, "services", "new", "store", "--from", str(tmp_path / "api.yaml"))
    assert isinstance(result.exception, CatalogueError)


def test_it_speaks_vietnamese_when_asked(config: Path) -> None:
    try:
        result = run(config, "services", "validate", "--lang", "vi")
        assert result.stderr.strip().endswith("1 dịch vụ, 1 thao tác, không có lỗi")
    finally:
        speak("en")


def test_what_a_removed_service_leaves_is_read_from_the_metrics() -> None:
    metrics = (
        'lgsp_open_transactions{service="a"} 2.0\nlgsp_open_transactions{service="b"} 7.0\n'
        'lgsp_parked_transactions{service="a"} 3.0\n'
    )
    assert [left_in(metrics, name) for name in ("a", "b", "c")] == [(2, 3), (7, 0), (0, 0)]


LAW = """law:
  title: Luật
  timeout: 2s
  latency: {p50: 80ms, p99: 900ms}
  errors: {timeout: 1%}
  operations: [GET /x]
"""


def test_a_sample_is_laid_beside_what_the_file_promises(config: Path) -> None:
    (config / "services.yaml").write_text(LAW)
    result = run(config, "services", "test", "law", "--sample", "5000", "--seed", "3", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert {key: told[key] for key in ("service", "calls", "seed", "off")} == {
        "service": "law",
        "calls": 5000,
        "seed": 3,
        "off": 0,
    }
    assert [(each["what"], each["promised"]) for each in told["promises"]] == [
        ("p50", 0.08),
        ("p99", 0.9),
        ("timeout", 0.01),
    ]
    assert told["promises"][0]["drawn"] == pytest.approx(0.08, rel=0.1)


def test_what_the_timeout_cuts_off_is_a_finding(config: Path) -> None:
    (config / "services.yaml").write_text(LAW.replace("2s", "500ms"))
    result = run(config, "services", "test", "law", "--sample", "5000")
    assert result.exit_code == 1
    assert "OFF" in result.stdout
    assert "3 promises, 1 off" in result.stderr


@pytest.mark.parametrize(
    ("lines", "why"),
    [("", "neither latency nor errors"), ("  mode: disabled\n  latency: {fixed: 1s}\n", "mode simulates nothing")],
)
def test_nothing_to_draw_is_inconclusive(config: Path, lines: str, why: str) -> None:
    (config / "services.yaml").write_text(BASE + lines)
    result = run(config, "services", "test", "always", "--sample", "500")
    assert result.exit_code == 4
    assert why in result.stderr


def a_capture(file: Path, times: tuple[float, ...]) -> Path:
    with Writer.create(file, {}) as writer:
        for number in range(900):
            body = Body.of(json.dumps({"plate": f"30A-{number % 9}"}).encode())
            writer.write(
                Record(
                    t=number,
                    service="old" if number % 10 else "other",
                    request=Asked("GET", f"/vehicles/30A-{number % 9}"),
                    reply=Answered(200, body=body),
                    times={"total": int(times[number % len(times)] * 1e9)},
                )
            )
    return file


def test_a_service_is_learned_from_a_capture(config: Path, tmp_path: Path) -> None:
    capture = a_capture(tmp_path / "calls.lgsp.jsonl", (0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17))
    result = run(
        config, "services", "new", "learned", "--from", str(capture), "--where", "service=old", "--max-ks", "0.2"
    )
    assert result.exit_code == 0, result.output
    assert "810 calls, 1 operations: ok 810" in result.stderr
    assert "taken" in result.stderr
    assert list(read_catalogue(config).find("learned").operations) == ["GET /vehicles/{vehicle}"]
    assert run(config, "services", "test", "learned").exit_code == 0
    assert run(config, "services", "test", "learned", "--sample", "5000").exit_code == 0


def test_a_bad_fit_is_said_and_is_a_finding(config: Path, tmp_path: Path) -> None:
    capture = a_capture(tmp_path / "calls.lgsp.jsonl", (0.01, 0.5, 9.0))
    result = run(config, "services", "new", "learned", "--from", str(capture), "--output", "-")
    assert result.exit_code == 1
    assert "bad fit: no law is within" in result.stderr
    assert "percentiles" in result.stdout


def test_what_was_learned_is_told_to_programs(config: Path, tmp_path: Path) -> None:
    capture = a_capture(tmp_path / "calls.lgsp.jsonl", (0.1,))
    result = run(config, "services", "new", "learned", "--from", str(capture), "--json")
    told = json.loads(result.stdout)
    file = config / "services.d" / "learned.yaml"
    assert (result.exit_code, told["service"], told["well"], told["file"]) == (0, "learned", True, str(file))
    assert told["text"] == file.read_text()
    assert (told["calls"], told["operations"], told["outcomes"], told["skipped"]) == (900, 1, {"ok": 900}, [])
    [law] = told["laws"]
    assert (law["operations"], law["times"], law["taken"], law["distances"]["fixed"]) == ([], 900, "fixed", 0.0)


def test_a_draft_is_told_to_programs_and_nothing_is_written_where_that_is_meant(config: Path, tmp_path: Path) -> None:
    (tmp_path / "reply.json").write_text('{"a": 1}')
    words = ["services", "new", "plain", "--operation", "GET /a", "--reply", str(tmp_path / "reply.json")]
    words += ["--output", "-", "--json"]
    result = run(config, *words)
    told = json.loads(result.stdout)
    assert (result.exit_code, told["file"], told["well"]) == (0, None, True)
    assert told["text"].startswith("# plain, written by")
    assert not (config / "services.d" / "plain.yaml").exists()


def test_a_directory_without_captures_is_refused(config: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run(config, "services", "new", "learned", "--from", str(tmp_path / "empty"))
    assert isinstance(result.exception, SettingsError)


@pytest.mark.parametrize(("moment", "p50"), [("2026-03-02T09:00", 0.144), ("2026-03-02T12:00", 0.08)])
def test_a_sample_is_drawn_as_at_an_hour(config: Path, moment: str, p50: float) -> None:
    window = '  profile: [{from: "08:00", to: "10:00", days: [mon], latency: 1.8}]\n'
    (config / "services.yaml").write_text(LAW + window)
    result = run(config, "services", "test", "law", "--sample", "2000", "--at", moment, "--json")
    assert json.loads(result.stdout)["promises"][0]["promised"] == pytest.approx(p50)


def test_mappings_of_wiremock_become_a_service(config: Path, tmp_path: Path) -> None:
    there = tmp_path / "wiremock"
    (there / "mappings" / "deep").mkdir(parents=True)
    (there / "__files").mkdir()
    (there / "__files" / "one.json").write_text('{"ten": "Bàn"}')
    one = {"request": {"method": "GET", "urlPath": "/items"}, "response": {"bodyFileName": "one.json"}}
    out = {"request": {"method": "GET", "urlPath": "/out"}, "response": {"bodyFileName": "../../secret"}}
    (there / "mappings" / "one.json").write_text(json.dumps(one))
    (there / "mappings" / "deep" / "out.json").write_text(json.dumps({"mappings": [out]}))
    result = run(config, "services", "new", "shop", "--from", str(there))
    assert result.exit_code == 0, result.output
    assert "2 mappings read, 1 converted, 1 skipped" in result.stderr
    assert "skipped mappings/deep/out.json: mapping 1: ../../secret does not lie in __files" in result.stderr
    service = read_catalogue(config).find("shop")
    assert service.operations["GET /items"].replies[0].steps[0].body == {"ten": "Bàn"}
    strict = run(config, "services", "new", "again", "--from", str(there), "--strict", "--json")
    told = json.loads(strict.stdout)
    assert (strict.exit_code, told["well"]) == (1, False)
    assert told["read"] == told["converted"] + len(told["skipped"])
    assert told["skipped"]
