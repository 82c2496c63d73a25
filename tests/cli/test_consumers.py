"""`lgsp consumers` on a configuration of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lgsp.catalogue import secret as secrets_kept
from lgsp.catalogue.consumer import WRITTEN, Consumer, Limit, read_consumers
from lgsp.catalogue.secret import fits
from lgsp.cli import lgsp
from lgsp.errors import CatalogueError, LgspError, SettingsError


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets_kept, "LOG_N", 4)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "services.yaml").write_text("gis:\n  title: Bản đồ\n  operations: [GET /x, POST /x]\n")
    (tmp_path / "consumers.yaml").write_text("hand: {subscriptions: [gis]}\nhere: {local: true}\n")
    return tmp_path


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        lgsp, ["consumers", *arguments, "--config", str(config), "--state", str(config / "state")]
    )


def refused(config: Path, *arguments: str) -> str:
    error = run(config, *arguments).exception
    assert isinstance(error, LgspError), error
    return str(error)


def added(config: Path, *arguments: str) -> Any:
    done = run(config, "add", *arguments, "--json")
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


def test_a_consumer_is_added_with_a_secret_that_is_shown_once(config: Path) -> None:
    told = added(
        config,
        "desk",
        "--title",
        "Một cửa",
        "--organisation",
        "001.00.10.H47",
        "--subscribe",
        "gis GET /x",
        "--limit",
        "50/s",
        "--limit",
        "gis=100/m",
        "--calm",
        "--may-force",
    )
    consumer = read_consumers(config)["desk"]
    assert consumer.model_copy(update={"secrets": ()}) == Consumer(
        id="desk",
        title="Một cửa",
        organisation="001.00.10.H47",
        subscriptions=("gis GET /x",),
        limits=(Limit(scope="*", count=50, seconds=1.0), Limit(scope="gis", count=100, seconds=60.0)),
        behaviour="calm",
        may_force=True,
    )
    assert (told["id"], told["key"], told["live_secrets"], len(told["secret"])) == ("desk", "desk", 1, 43)
    assert fits(told["secret"], consumer.secrets[0])
    text = (config / "consumers.d" / "desk.yaml").read_text()
    assert text.startswith(WRITTEN)
    assert told["secret"] not in text


def test_in_words_the_secret_alone_is_the_result(config: Path) -> None:
    done = run(config, "add", "desk")
    assert fits(done.stdout.strip(), read_consumers(config)["desk"].secrets[0])
    assert "not shown again" in done.stderr
    assert done.stdout.strip() not in done.stderr


def test_credentials_that_a_client_already_has_are_taken_and_not_shown(config: Path) -> None:
    (config / "theirs").write_text("mật khẩu cũ\n")
    told = added(config, "desk", "--key", "6uWfUoTjxE_k", "--secret-file", str(config / "theirs"))
    consumer = read_consumers(config)["desk"]
    assert (consumer.client, told["key"]) == ("6uWfUoTjxE_k", "6uWfUoTjxE_k")
    assert "secret" not in told
    assert fits("mật khẩu cũ", consumer.secrets[0])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["Desk"], "an id begins with a small letter"),
        (["../desk"], "an id begins with a small letter"),
        (["hand"], "there is a consumer 'hand' already"),
        (["desk", "--key", "hand"], "the key 'hand' is that of the consumer 'hand' already"),
        (["desk", "--organisation", "H47"], "000.00.00.X00"),
        (["desk", "--subscribe", "gsi"], "no service or operation is called 'gsi'; did you mean 'gis'?"),
        (["desk", "--subscribe", "gis GET /y"], "did you mean 'gis GET /x'?"),
        (["desk", "--subscribe", "gis get /x"], "neither a service nor an operation"),
        (["desk", "--limit", "50"], "--limit 50: a limit needs its unit"),
        (["desk", "--limit", "gsi=50/s"], "no service or operation is called 'gsi'"),
        (["desk", "--secret-file", "absent"], "cannot be read from absent"),
        (["desk", "--secret-file", "/dev/null"], "/dev/null is empty"),
    ],
)
def test_a_mistake_adds_nothing(config: Path, arguments: list[str], says: str) -> None:
    assert says in refused(config, "add", *arguments)
    assert set(read_consumers(config)) == {"hand", "here"}
    assert not (config / "consumers.d").exists()


def test_nobody_is_added_twice(config: Path) -> None:
    added(config, "desk")
    before = (config / "consumers.d" / "desk.yaml").read_text()
    assert "consumers rm desk" in refused(config, "add", "desk")
    assert (config / "consumers.d" / "desk.yaml").read_text() == before


def test_a_secret_is_replaced_without_a_moment_in_which_none_is_valid(config: Path) -> None:
    first = added(config, "desk", "--subscribe", "gis")["secret"]

    def live() -> list[bool]:
        return [any(fits(secret, line) for line in read_consumers(config)["desk"].secrets) for secret in known]

    known = [first]
    for number, wanted in enumerate([[True, True], [False, True, True]]):
        done = run(config, "rotate", "desk", "--json")
        known.append(json.loads(done.stdout)["secret"])
        assert live() == wanted, number
    finished = json.loads(run(config, "rotate", "desk", "--finish", "--json").stdout)
    assert live() == [False, False, True]
    assert (finished["live_secrets"], "secret" in finished) == (1, False)
    assert read_consumers(config)["desk"].subscriptions == ("gis",)


def test_a_consumer_is_removed(config: Path) -> None:
    added(config, "desk")
    assert run(config, "rm", "desk").stderr == "desk is removed\n"
    assert set(read_consumers(config)) == {"hand", "here"}


@pytest.mark.parametrize("command", ["rm", "rotate"])
@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("hand", "was written by hand"),
        ("mine", "was written by hand"),
        ("here", "secrets/consumers/here and start again"),
        ("hnad", "there is no consumer 'hnad'; did you mean 'hand'?"),
    ],
)
def test_what_was_written_by_hand_is_not_touched(config: Path, command: str, who: str, says: str) -> None:
    (config / "consumers.d").mkdir()
    (config / "consumers.d" / "mine.yaml").write_text("mine: {}\n")
    before = {path: path.read_bytes() for path in config.rglob("*.yaml")}
    assert says in refused(config, command, who)
    assert {path: path.read_bytes() for path in config.rglob("*.yaml")} == before


def test_the_list_shows_no_hash_and_says_what_leads_nowhere(config: Path) -> None:
    added(config, "desk", "--subscribe", "gis")
    (config / "consumers.d" / "z.yaml").write_text(
        'z: {subscriptions: [gsi], disabled: true, organisation: "000.00.00.H47"}\n'
    )
    done = run(config, "ls", "--json")
    listed = {entry["id"]: entry for entry in json.loads(done.stdout)}
    assert list(listed) == ["hand", "here", "desk", "z"]
    assert (listed["desk"]["live_secrets"], listed["desk"]["subscriptions"]) == (1, ["gis"])
    assert listed["z"]["disabled"]
    assert "scrypt" not in done.stdout
    assert done.stderr == "lgsp: z: no service or operation is called 'gsi'\n"
    words = run(config, "ls").stdout
    assert "desk" in words
    assert "disabled" in words


def test_a_configuration_that_cannot_be_written_is_a_sentence(config: Path) -> None:
    (config / "consumers.d").write_text("a file where the directory should be")
    assert "lgsp init DIR" in refused(config, "add", "desk")


def test_a_broken_configuration_is_said_with_its_line(config: Path) -> None:
    (config / "consumers.yaml").write_text("a: {titel: x}\n")
    error = run(config, "ls").exception
    assert isinstance(error, CatalogueError)
    assert error.problems[0].startswith("consumers.yaml:1:5")
    assert isinstance(run(config, "add", "a").exception, (CatalogueError, SettingsError))
