"""`lgsp bus` at a broker that somebody else has set up: what differs is named, brought right, and named again when meddled with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from click.testing import CliRunner, Result
from pika.exceptions import ChannelClosedByBroker

from lgsp.bus import topology
from lgsp.bus.node import PrivateNode
from lgsp.cli import lgsp
from lgsp.clock import SystemClock
from lgsp.edge.tls import hand_out
from lgsp.errors import BusUnavailable, SettingsError


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateNode]:
    """As it comes from the package: a `guest`, no virtual host of ours; and an administrator of the house."""
    people = topology.definitions(
        [], [topology.administrator("root", "r"), topology.administrator("guest", "guest")], salt=b"salt"
    )
    document = {"rabbit_version": "3.10.0", "vhosts": [{"name": "/"}], "users": people["users"]}
    place = tmp_path_factory.mktemp("node")
    tls = (hand_out(place / "tls", {"broker": ()}, (), SystemClock().now())["broker"], place / "tls" / "authority.crt")
    with PrivateNode(place, document, management=True, tls=tls) as running:
        yield running


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "services.yaml").write_text(
        "gis: {title: A, operations: [GET /x]}\nhealth: {title: A, operations: [GET /x]}\n"
    )
    return tmp_path


def run(config: Path, *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(
        lgsp, ["bus", *arguments, "--config", str(config), "--state", str(config / "state")], env=environment
    )


def test_a_process_is_of_services_that_there_are(config: Path) -> None:
    refused = run(config, "definitions", "--connectors", "mine=gis,heath").exception
    assert isinstance(refused, SettingsError)
    assert "heath is no service" in str(refused)


def test_each_connectors_process_reads_its_own(config: Path) -> None:
    document = json.loads(run(config, "definitions", "--connectors", "maps=gis", "--connectors", "rest=health").stdout)
    rights = {each["user"]: each["read"] for each in document["permissions"]}
    assert rights["maps"] == r"^(q\.(sync|async)\.(gis)|q\.control\.maps(\..*)?|lgsp\.control)$"
    assert set(rights) == {"admin", "gw1", "maps", "rest"}
    assert (config / "state" / "secrets" / "maps-password").stat().st_mode & 0o007 == 0


def test_a_broker_that_is_not_there_is_unreachable(config: Path) -> None:
    assert isinstance(run(config, "diff", "--management", "http://127.0.0.1:1").exception, BusUnavailable)


@pytest.mark.real
@pytest.mark.timeout(90)
def test_a_broker_is_brought_right_and_every_meddling_is_named(node: PrivateNode, config: Path) -> None:
    at = ("--management", f"http://127.0.0.1:{node.management_port}", "--connectors", "maps=gis")

    def differences(*arguments: str, **environment: str) -> tuple[int, Any]:
        done = run(config, *arguments, *at, "--json", **environment)
        told = json.loads(done.stdout)
        return done.exit_code, [(each["state"], each["kind"], *each["name"], *each["fields"]) for each in told]

    refused = run(config, "diff", *at).exception
    assert isinstance(refused, SettingsError)
    assert "does not let admin" in str(refused)
    root = {"LGSP_BROKER_USER": "root", "LGSP_BROKER_PASSWORD": "r"}
    code, missing = differences("diff", **root)
    assert (code, len(missing)) == (1, 1 + 6 + 4 + 4 + 5 + 3 + 3 + 1)
    assert missing[0] == ("missing", "vhost", "lgsp")
    assert ("missing", "queue", "q.sync.gis") in missing
    assert ("extra", "user", "guest") in missing

    assert differences("apply", **root) == (1, [("extra", "user", "guest")])
    assert differences("apply", "--remove") == (0, [])  # as the administrator that was just made
    assert differences("diff") == (0, [])
    assert "guest" not in node.command("list_users")

    passwords = {
        who: (config / "state" / "secrets" / f"{who}-password").read_text() for who in ("gateway", "maps", "admin")
    }
    with pika.BlockingConnection(pika.URLParameters(node.url("maps", passwords["maps"]))) as maps:
        assert maps.channel().basic_get("q.sync.gis")[0] is None
        with pytest.raises(ChannelClosedByBroker):
            maps.channel().basic_get("q.sync.health")
    with pika.BlockingConnection(pika.URLParameters(node.url("gw1", passwords["gateway"]))) as gateway:
        channel = gateway.channel()
        channel.confirm_delivery()
        channel.basic_publish(topology.REQUEST, "gis", b"kept", mandatory=True)

    node.command("set_permissions", "-p", "lgsp", "maps", ".*", ".*", ".*")
    node.command("clear_policy", "-p", "lgsp", "lgsp-sync")
    node.command("change_password", "gw1", "guessed")
    node.command("set_permissions", "-p", "lgsp", "root", ".*", ".*", ".*")
    meddled = [
        ("missing", "policy", "lgsp-sync"),
        ("different", "user", "gw1", "password"),
        ("different", "permission", "maps", "configure", "write", "read"),
        ("extra", "permission", "root"),
    ]
    assert differences("diff") == (1, meddled)
    assert differences("diff", "--also", "root") == (1, meddled[:-1])
    assert differences("apply", "--remove") == (0, [])

    (config / "services.yaml").write_text("health: {title: A, operations: [GET /x]}\n")
    at = (*at[:-1], "maps=health")
    gone = [("extra", *rest) for rest in (("queue", "q.async.gis"), ("queue", "q.sync.gis"))]
    gone += [
        ("extra", "binding", "lgsp.async", "q.async.gis", "gis"),
        ("extra", "binding", "lgsp.req", "q.sync.gis", "gis"),
    ]
    gone.append(("different", "permission", "maps", "read"))
    assert differences("diff") == (1, gone)
    stays = run(config, "apply", "--remove", *at).exception
    assert isinstance(stays, SettingsError), "a queue with somebody's request in it is not removed"
    assert "q.sync.gis" in str(stays)
    assert "messages" in node.command("list_queues", "-p", "lgsp", "name", "messages")


@pytest.mark.real
@pytest.mark.timeout(90)
def test_over_https_a_broker_is_brought_right_and_one_that_is_not_meant_hears_no_password(
    node: PrivateNode, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ("--management", f"http://127.0.0.1:{node.management_port}")
    secured = ("--management", f"https://localhost:{node.management_tls_port}")
    trusting = (*secured, "--ca", str(node.directory / "tls" / "authority.crt"))
    root = {"LGSP_BROKER_USER": "root", "LGSP_BROKER_PASSWORD": "r"}
    for proxy in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:1")

    another = hand_out(tmp_path / "another", {}, (), SystemClock().now())["authority"]
    for untrusting in ((), ("--ca", str(another))):
        refused = run(config, "apply", *secured, *untrusting, **root).exception
        assert isinstance(refused, BusUnavailable)
        assert "its certificate comes from an authority that is not trusted here" in str(refused)

    before = run(config, "diff", *trusting, "--json", **root)
    assert before.exit_code == 1
    assert len(json.loads(before.stdout)) > 0
    assert before.stdout == run(config, "diff", *plain, "--json", **root).stdout
    done = run(config, "apply", "--remove", *trusting, **root)
    assert (done.exit_code, done.stdout) == (0, "")
    assert run(config, "diff", *trusting).exit_code == 0, "as the administrator that was just made"
    node.command("clear_policy", "-p", "lgsp", "lgsp-sync")
    meddled = run(config, "diff", *trusting, "--json")
    [found] = json.loads(meddled.stdout)
    assert (meddled.exit_code, found["state"], found["name"]) == (1, "missing", ["lgsp-sync"])
