"""The command line as a person meets it: results, sentences, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from builders import a_service, an_operation, shipped

from lgsp.catalogue.service import Service
from lgsp.cli import main
from lgsp.cli.call import prepare, resolve
from lgsp.errors import SettingsError

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """What is left of a command: as of a process, without one."""

    returncode: int
    stdout: str
    stderr: str


Lgsp = Callable[..., Done]


@pytest.fixture
def lgsp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Lgsp]:
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("LANG", "C")

    def run(*arguments: str) -> Done:
        monkeypatch.setattr("sys.argv", ["lgsp", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    yield run
    structlog.reset_defaults()  # a command may have put its logs where this test looks


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lgsp", *arguments], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )


def test_services_ls_is_a_list_of_objects_for_programs(lgsp: Lgsp) -> None:
    done = lgsp("services", "ls", "--json")
    services = json.loads(done.stdout)
    assert (done.returncode, len(services)) == (0, 28)
    first = services[0]
    assert (first["id"], first["tier"], first["context"]) == ("population", "central", "/population/v1.0.0")
    assert first["operations"][0]["name"] == "POST /xacThucThongTinCongDan"
    known = [operation for service in shipped() for operation in service.operations]
    assert [operation["name"] for service in services for operation in service["operations"]] == known


def test_services_show_has_the_evidence_of_each_operation(lgsp: Lgsp) -> None:
    done = lgsp("services", "show", "shared-catalog")
    assert done.returncode == 0
    assert "Danh mục dùng chung tỉnh / Provincial Catalogues" in done.stdout
    assert "documented" in done.stdout


def test_an_unknown_service_is_a_sentence_and_exit_2(lgsp: Lgsp) -> None:
    done = lgsp("services", "show", "nobody")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "lgsp: no service 'nobody' in the catalogue\n"


def test_ten_planted_mistakes_are_ten_lines_and_exit_2(lgsp: Lgsp, tmp_path: Path) -> None:
    lines = (REPOSITORY / "config" / "services.yaml").read_text().splitlines()

    def plant(find: str, put: str, after: int = 0) -> int:
        number = next(n for n in range(after, len(lines)) if find in lines[n])
        lines[number] = lines[number].replace(find, put)
        return number + 1

    planted = [
        plant("tier: central", "tier: centrl"),
        plant("timeout: 30s", "timeout: 30"),
        plant("errors: {timeout: 1.26%", "errors: {timeout: 1,26%"),
        plant("latency: {p50: 480ms", "latancy: {p50: 480ms"),
        plant("objective: 96.5%", "objective: 80%"),
        plant("route: vpcp", "route: off"),
        plant("evidence: assumed", "evidence: assumd"),
        plant("  owner: Bộ Tài chính", "  owner:\tBộ Tài chính"),
        plant("idempotent: true", "idempotent: yes", after=2000),
        plant("GET /dantocs:", "FETCH /dantocs:"),
    ]
    (tmp_path / "services.yaml").write_text("\n".join(lines))
    done = lgsp("services", "validate", "--config", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    found = [int(line.split(":")[1]) for line in done.stderr.splitlines() if line.startswith("services.yaml:")]
    assert found == sorted(planted)
    assert done.stderr.endswith("10 mistakes in the configuration; nothing was started\n")


def test_an_unknown_option_is_usage_and_exit_2(lgsp: Lgsp) -> None:
    done = lgsp("up", "--pase", "10")
    assert done.returncode == 2
    assert "No such option" in done.stderr


def test_listening_beyond_loopback_wants_the_word_open(lgsp: Lgsp) -> None:
    done = lgsp("up", "--listen", "0.0.0.0:0", "--admin", "127.0.0.1:0", "--for", "1")
    assert done.returncode == 2
    assert "add --open (LGSP_OPEN=yes) if that is meant" in done.stderr


@pytest.mark.parametrize("command", ["up", "gateway", "connectors"])
def test_metrics_beyond_loopback_want_it_too(lgsp: Lgsp, tmp_path: Path, command: str) -> None:
    done = lgsp(command, "--metrics", "0.0.0.0:9100", "--admin", "127.0.0.1:0", "--state", str(tmp_path))
    assert done.returncode == 2
    assert "the metrics port would listen on 0.0.0.0:9100" in done.stderr


@pytest.mark.real
def test_listening_beyond_loopback_by_https_wants_no_word_but_the_admin_port_does(tmp_path: Path) -> None:
    places = ("--state", str(tmp_path), "--for", "0.1", "--no-traffic")
    done = process("up", "--tls", "--listen", "0.0.0.0:0", "--admin", "127.0.0.1:0", *places)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert "gateway   https://0.0.0.0:" in done.stdout
    done = process("up", "--tls", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0", *places)
    assert done.returncode == 2
    assert "the admin port would listen on 0.0.0.0:0" in done.stderr


@pytest.mark.real
def test_a_broker_that_is_not_there_is_a_sentence_and_exit_3(tmp_path: Path) -> None:
    done = process("gateway", "--broker", "amqp://u:secret@127.0.0.1:1/lgsp", "--state", str(tmp_path))
    assert done.returncode == 3
    assert "no broker answers at amqp://u@127.0.0.1:1/lgsp" in done.stderr
    assert "secret" not in done.stderr


def test_init_copies_the_configuration_once(lgsp: Lgsp, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    assert lgsp("init", str(target)).returncode == 0
    assert (target / "services.yaml").read_bytes() == (REPOSITORY / "config" / "services.yaml").read_bytes()
    assert lgsp("services", "validate", "--config", str(target)).returncode == 0
    assert (target / "services.d").is_dir()
    assert (target / "consumers.d").is_dir()
    again = lgsp("init", str(target))
    assert again.returncode == 2
    assert "is not empty" in again.stderr


def test_definitions_keep_their_passwords_out_of_the_document(lgsp: Lgsp, tmp_path: Path) -> None:
    done = lgsp("bus", "definitions", "--secrets", str(tmp_path / "secrets"))
    document = json.loads(done.stdout)
    assert len(document["queues"]) == 2 * 28
    passwords = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    shared = {"admin-token", "token-key.pem", "alert-webhook-token", "alert-mail-password"}
    assert set(passwords) == shared | {"admin-password", "gateway-password", "connectors-password"}
    assert not any(password in done.stdout for password in passwords.values())
    assert {(tmp_path / "secrets" / name).stat().st_mode & 0o777 for name in passwords} == {0o640}
    assert lgsp("bus", "definitions", "--secrets", str(tmp_path / "secrets")).returncode == 0
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == passwords


def test_doctor_names_what_is_missing(lgsp: Lgsp, tmp_path: Path) -> None:
    (tmp_path / "services.yaml").write_text("a: {}\n")
    done = lgsp("doctor", "--config", str(tmp_path), "--state", str(tmp_path / "state"), "--json")
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert findings["python"]["well"]
    assert (findings["configuration"]["well"], findings["configuration"]["mend"]) == (False, "lgsp services validate")


def a_registry() -> Service:
    names = ("GET /vehicles/{plate}", "GET /vehicles/new", "POST /vehicles", "GET /owners/{id}/vehicles")
    return a_service("registry", *(an_operation(name) for name in names))


@pytest.mark.parametrize(
    ("text", "operation", "path"),
    [
        ("GET /vehicles/{plate}", "GET /vehicles/{plate}", None),
        ("GET /vehicles/30A-12345", "GET /vehicles/{plate}", "/vehicles/30A-12345"),
        ("get /vehicles/30A-12345", "GET /vehicles/{plate}", "/vehicles/30A-12345"),
        ("GET /vehicles/new", "GET /vehicles/new", None),
        ("new", "GET /vehicles/new", None),
    ],
)
def test_an_operation_is_named_whole_by_path_or_by_its_last_word(text: str, operation: str, path: str | None) -> None:
    found, concrete = resolve(a_registry(), text)
    assert (found.name, concrete) == (operation, path)


@pytest.mark.parametrize(
    ("text", "says"),
    [("vehicles", "more than one operation"), ("nothing", "no operation"), ("PUT /vehicles", "no operation")],
)
def test_what_names_no_operation_lists_what_there_is(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        resolve(a_registry(), text)
    assert "GET /owners/{id}/vehicles" in str(caught.value)


def test_a_call_without_example_wants_a_concrete_path() -> None:
    with pytest.raises(SettingsError, match="wants a concrete path"):
        prepare(a_registry(), "GET /vehicles/{plate}", None, None)


def test_a_call_takes_its_body_from_text_or_file(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_bytes(b'{"a":1}')
    assert prepare(a_registry(), "POST /vehicles", None, '{"b":2}').body == b'{"b":2}'
    from_file = prepare(a_registry(), "POST /vehicles", "x=1", f"@{tmp_path / 'body.json'}")
    assert (from_file.body, from_file.query, from_file.headers) == (
        b'{"a":1}',
        "x=1",
        {"content-type": "application/json"},
    )
