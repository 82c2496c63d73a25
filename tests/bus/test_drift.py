from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lgsp.bus import topology
from lgsp.bus.drift import drift

PASSWORDS = {"admin": "a", "gw1": "g", "connectors": "c"}
WANTED = topology.definitions(
    ["one", "two"],
    [
        topology.administrator("admin", "a"),
        topology.gateway_user("gw1", "g"),
        topology.connectors_user("connectors", "c", ["one"]),
    ],
    salt=b"salt",
)


def as_told() -> dict[str, Any]:
    """The same broker as RabbitMQ tells of it: other salts, tags as a list, and much that is not ours."""
    users = [
        topology.administrator("admin", "a"),
        topology.gateway_user("gw1", "g"),
        topology.connectors_user("connectors", "c", ["one"]),
    ]
    told = copy.deepcopy(topology.definitions(["one", "two"], users, salt=b"another"))
    for user in told["users"]:
        user["tags"] = [user["tags"]] if user["tags"] else []
    elsewhere = {"vhost": "/", "name": "q.sync.three", "durable": True, "auto_delete": False, "arguments": {}}
    told["queues"] += [elsewhere, elsewhere | {"vhost": "lgsp", "name": "q.reply.gw1"}]
    told["permissions"].append({"user": "somebody", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"})
    told["bindings"].append(
        {"source": "lgsp.reply", "vhost": "lgsp", "destination": "theirs", "destination_type": "queue"}
        | {"routing_key": "theirs", "arguments": {}}
    )
    return told


def found(change: Callable[[dict[str, Any]], object]) -> list[str]:
    told = as_told()
    change(told)
    return [" ".join(str(each).split()) for each in drift(WANTED, told, PASSWORDS)]


def named(things: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [thing] = [each for each in things if each.get("name", each.get("user")) == name]
    return thing


def test_what_other_programs_have_there_is_no_difference() -> None:
    assert drift(WANTED, as_told(), PASSWORDS) == []


def test_on_an_empty_broker_everything_is_missing() -> None:
    missing = drift(WANTED, {}, PASSWORDS)
    assert {each.state for each in missing} == {"missing"}
    assert len(missing) == sum(len(WANTED[each]) for each in WANTED if each != "rabbit_version")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda told: told["queues"].remove(named(told["queues"], "q.sync.one")), "missing queue q.sync.one"),
        (
            lambda told: named(told["queues"], "q.sync.one").update(durable=False),
            "different queue q.sync.one (durable)",
        ),
        (
            lambda told: named(told["queues"], "q.async.two").update(arguments={}),
            "different queue q.async.two (x-queue-type)",
        ),
        (lambda told: named(told["exchanges"], "lgsp.dlx").update(type="fanout"), "different exchange lgsp.dlx (type)"),
        (
            lambda told: named(told["policies"], "lgsp-sync").update(definition={}, priority=0),
            "different policy lgsp-sync (definition, priority)",
        ),
        (lambda told: named(told["users"], "gw1").update(tags=["monitoring"]), "different user gw1 (tags)"),
        (
            lambda told: named(told["users"], "gw1").update(password_hash=topology.password_hash("x", b"salt")),
            "different user gw1 (password)",
        ),
        (lambda told: named(told["users"], "gw1").update(password_hash="?"), "different user gw1 (password)"),
        (
            lambda told: named(told["permissions"], "connectors").update(read=".*"),
            "different permission connectors (read)",
        ),
        (
            lambda told: told["permissions"].append({"user": "spy", "vhost": "lgsp", "read": ".*"}),
            "extra permission spy",
        ),
        (lambda told: told["users"].append({"name": "guest", "tags": ["administrator"]}), "extra user guest"),
        (lambda told: told["queues"].append({"name": "q.sync.old", "vhost": "lgsp"}), "extra queue q.sync.old"),
        (
            lambda told: told["bindings"].append(
                {"source": "lgsp.req", "vhost": "lgsp", "destination": "spy", "routing_key": "one"}
            ),
            "extra binding lgsp.req spy one",
        ),
        (lambda told: told["policies"].append({"name": "mine", "vhost": "lgsp"}), "extra policy mine"),
    ],
)
def test_each_change_is_named_and_nothing_else(change: Callable[[dict[str, Any]], object], says: str) -> None:
    assert found(change) == [says]


def test_rights_that_are_somebodys_own_affair_are_no_difference() -> None:
    told = as_told()
    told["permissions"].append({"user": "spy", "vhost": "lgsp", "read": ".*"})
    assert drift(WANTED, told, PASSWORDS, ["spy"]) == []
