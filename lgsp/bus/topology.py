"""What stands on the broker: one pure function from services and roles to RabbitMQ's own definitions document.

    gateway   --lgsp.req     (direct, key = service)--> q.sync.<service>
              --lgsp.async   (direct, key = service)--> q.async.<service>
              --lgsp.control (fanout)---------------> q.control.<process>
    connector --lgsp.reply   (direct, key = reply_to)-> q.reply.<gateway>
              --lgsp.result  (direct, key = reply_to)-> q.result.<gateway>
    q.async.* --lgsp.dlx     (headers)--------------> q.result.<gateway>

Queue arguments hold only `x-queue-type`; everything else is policy, and policies protect, they carry no function.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

VHOST = "lgsp"
REQUEST, ASYNC, REPLY, RESULT, CONTROL, DLX = (
    "lgsp.req",
    "lgsp.async",
    "lgsp.reply",
    "lgsp.result",
    "lgsp.control",
    "lgsp.dlx",
)
_EXCHANGES = {REQUEST: "direct", ASYNC: "direct", REPLY: "direct", RESULT: "direct", CONTROL: "fanout", DLX: "headers"}
_PRIORITY = 10  # above an operator's catch-all policy, which would otherwise hide ours
_POLICIES: dict[str, tuple[str, dict[str, Any]]] = {
    "async": (
        r"^q\.async\.",
        {
            "delivery-limit": 20,
            "dead-letter-exchange": DLX,
            "overflow": "reject-publish",
            "max-length": 100_000,
            "max-length-bytes": 1_073_741_824,
        },
    ),
    "result": (
        r"^q\.result\.",
        {"delivery-limit": 1_000_000, "overflow": "reject-publish", "max-length-bytes": 1_073_741_824},
    ),
    "sync": (r"^q\.sync\.", {"message-ttl": 60_000, "max-length": 1_000, "overflow": "reject-publish"}),
    "reply": (
        r"^q\.reply\.",
        {"expires": 300_000, "message-ttl": 60_000, "max-length": 10_000, "overflow": "drop-head"},
    ),
    "control": (
        r"^q\.control\.",
        {"expires": 60_000, "message-ttl": 60_000, "max-length": 100, "overflow": "drop-head"},
    ),
}


def sync_queue(service: str) -> str:
    """The queue of a service's synchronous requests."""
    return f"q.sync.{service}"


def async_queue(service: str) -> str:
    """The queue of a service's store-and-forward requests."""
    return f"q.async.{service}"


def reply_queue(gateway: str) -> str:
    """The queue of the replies to a gateway."""
    return f"q.reply.{gateway}"


def result_queue(gateway: str) -> str:
    """The queue of what became of a gateway's store-and-forward requests."""
    return f"q.result.{gateway}"


def control_queue(process: str) -> str:
    """The queue of the orders to a process."""
    return f"q.control.{process}"


@dataclass(frozen=True, slots=True)
class User:
    """A broker user: what it may configure, write and read, as RabbitMQ's regular expressions."""

    name: str
    password: str
    configure: str
    write: str
    read: str
    tags: str = ""


def gateway_user(gateway: str, password: str) -> User:
    """The rights of a gateway: its own queues, nobody else's."""
    own = rf"q\.(reply|result|control)\.{_literal(gateway)}"
    return User(
        gateway,
        password,
        configure=f"^{own}$",
        write=rf"^(lgsp\.(req|async|control)|{own})$",
        read=rf"^({own}|lgsp\.(reply|result|dlx|control))$",
    )


def connectors_user(name: str, password: str, services: Iterable[str] = ()) -> User:
    """The rights of a connectors process: to read its services' queues (every service's, where none is named), and to answer."""
    own = rf"q\.control\.{_literal(name)}(\..*)?"
    queues = "|".join(_literal(service) for service in sorted(services)) or ".*"
    return User(
        name,
        password,
        configure=f"^{own}$",
        write=rf"^(lgsp\.reply|lgsp\.result|{own})$",
        read=rf"^(q\.(sync|async)\.({queues})|{own}|lgsp\.control)$",
    )


def administrator(name: str, password: str) -> User:
    """The rights of whoever provisions; never used at run time."""
    return User(name, password, ".*", ".*", ".*", tags="administrator")


def definitions(
    services: Sequence[str], users: Iterable[User], *, salt: bytes, cluster: bool = False
) -> dict[str, Any]:
    """RabbitMQ's definitions document: import it on boot or through its management API.

    `salt` (4 bytes or more) salts the password hashes; with `cluster` the synchronous queues are quorum queues too.
    """
    kinds = {"sync": "quorum" if cluster else "classic", "async": "quorum"}
    people = sorted(users, key=lambda user: user.name)
    names = sorted(services)
    return {
        "rabbit_version": "3.10.0",
        "vhosts": [{"name": VHOST}],
        "users": [_user(user, salt) for user in people],
        "permissions": [_permission(user) for user in people],
        "exchanges": [_exchange(name, kind) for name, kind in _EXCHANGES.items()],
        "queues": [_queue(f"q.{side}.{name}", kind) for name in names for side, kind in kinds.items()],
        "bindings": [
            _binding(source, f"q.{side}.{name}", name)
            for name in names
            for source, side in ((REQUEST, "sync"), (ASYNC, "async"))
        ],
        "policies": [_policy(name, pattern, what) for name, (pattern, what) in _POLICIES.items()],
    }


def password_hash(password: str, salt: bytes) -> str:
    """RabbitMQ's `rabbit_password_hashing_sha256`: base64 of salt and SHA-256 over salt and password."""
    salt = salt[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _user(user: User, salt: bytes) -> dict[str, Any]:
    return {
        "name": user.name,
        "password_hash": password_hash(user.password, hashlib.sha256(salt + user.name.encode()).digest()),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": user.tags,
    }


def _permission(user: User) -> dict[str, str]:
    rights = {"configure": user.configure, "write": user.write, "read": user.read}
    return {"user": user.name, "vhost": VHOST, **rights}


def _exchange(name: str, kind: str) -> dict[str, Any]:
    return {
        "name": name,
        "vhost": VHOST,
        "type": kind,
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": {},
    }


def _queue(name: str, kind: str) -> dict[str, Any]:
    arguments = {"x-queue-type": kind}
    return {"name": name, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": arguments}


def _binding(source: str, queue: str, key: str) -> dict[str, Any]:
    return {
        "source": source,
        "vhost": VHOST,
        "destination": queue,
        "destination_type": "queue",
        "routing_key": key,
        "arguments": {},
    }


def _policy(name: str, pattern: str, what: dict[str, Any]) -> dict[str, Any]:
    return {
        "vhost": VHOST,
        "name": f"lgsp-{name}",
        "pattern": pattern,
        "apply-to": "queues",
        "definition": what,
        "priority": _PRIORITY,
    }


def _literal(name: str) -> str:
    # Ids hold letters, digits and hyphens only; the dot of a process name is the one sign with a meaning.
    return name.replace(".", r"\.")
