import re

import pytest

from lgsp.bus import topology


def made(*, cluster: bool = False) -> dict:
    users = [topology.gateway_user("gw1", "g"), topology.connectors_user("c.1", "c", ["s1", "s2"])]
    return topology.definitions(["s2", "s1"], users, salt=b"salt", cluster=cluster)


def test_the_document_is_the_same_every_time() -> None:
    assert made() == made()


def test_every_service_has_two_queues_bound_by_its_name() -> None:
    document = made()
    assert {queue["name"]: queue["arguments"] for queue in document["queues"]} == {
        "q.sync.s1": {"x-queue-type": "classic"},
        "q.async.s1": {"x-queue-type": "quorum"},
        "q.sync.s2": {"x-queue-type": "classic"},
        "q.async.s2": {"x-queue-type": "quorum"},
    }
    assert {(b["source"], b["routing_key"], b["destination"]) for b in document["bindings"]} == {
        ("lgsp.req", "s1", "q.sync.s1"),
        ("lgsp.async", "s1", "q.async.s1"),
        ("lgsp.req", "s2", "q.sync.s2"),
        ("lgsp.async", "s2", "q.async.s2"),
    }
    assert {queue["arguments"]["x-queue-type"] for queue in made(cluster=True)["queues"]} == {"quorum"}


def test_exchanges_are_those_of_the_design() -> None:
    assert {exchange["name"]: exchange["type"] for exchange in made()["exchanges"]} == {
        "lgsp.req": "direct",
        "lgsp.async": "direct",
        "lgsp.reply": "direct",
        "lgsp.result": "direct",
        "lgsp.control": "fanout",
        "lgsp.dlx": "headers",
    }


def test_one_policy_matches_a_queue() -> None:
    names = ["q.sync.s1", "q.async.s1", "q.reply.gw1", "q.result.gw1", "q.control.gw1"]
    patterns = [policy["pattern"] for policy in made()["policies"]]
    assert [sum(bool(re.search(pattern, name)) for pattern in patterns) for name in names] == [1] * 5


@pytest.mark.parametrize(
    ("user", "right", "name", "may"),
    [
        ("gw1", "configure", "q.reply.gw1", True),
        ("gw1", "configure", "q.reply.gw11", False),
        ("gw1", "configure", "q.sync.s1", False),
        ("gw1", "write", "lgsp.req", True),
        ("gw1", "write", "lgsp.reply", False),
        ("gw1", "read", "q.reply.gw1", True),
        ("gw1", "read", "q.sync.s1", False),
        ("c.1", "configure", "q.sync.s1", False),
        ("c.1", "configure", "q.control.c.1", True),
        ("c.1", "configure", "q.control.cx1", False),
        ("c.1", "write", "lgsp.reply", True),
        ("c.1", "write", "lgsp.req", False),
        ("c.1", "write", "amq.default", False),
        ("c.1", "read", "q.sync.s1", True),
        ("c.1", "read", "q.sync.s11", False),
        ("c.1", "read", "q.reply.gw1", False),
    ],
)
def test_each_role_may_do_what_it_needs_and_no_more(user: str, right: str, name: str, may: bool) -> None:  # noqa: FBT001 - a row
    [permission] = [each for each in made()["permissions"] if each["user"] == user]
    assert bool(re.search(permission[right], name)) is may


def test_a_password_is_hashed_as_rabbitmq_does() -> None:
    # The worked example of RabbitMQ's documentation: salt 908DC60A, password test12.
    assert (
        topology.password_hash("test12", bytes.fromhex("908DC60A"))
        == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
    )
    hashes = {user["password_hash"] for user in made()["users"]}
    assert len(hashes) == 2
    assert "g" not in {user.get("password") for user in made()["users"]}
