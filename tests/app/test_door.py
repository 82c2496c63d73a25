"""Every path of gateway and admin port, as they stand, with nothing and with each role's token: one that nobody decided on is red."""

from __future__ import annotations

import json
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lgsp import testing
from lgsp.app import asking, door
from lgsp.edge.admin import Admin
from lgsp.edge.answers import STATUS
from lgsp.edge.gateway import Gateway
from lgsp.edge.guard import Guard, Role
from lgsp.ledger.files import Files
from lgsp.ledger.reader import Reader

TOKENS = {Role.VIEWER: "made-up-viewer", Role.OPERATOR: "made-up-operator", Role.ADMIN: "made-up-admin"}
ANYBODY, VIEWER, OPERATOR, ADMIN = 0, Role.VIEWER, Role.OPERATOR, Role.ADMIN
DECIDED: dict[tuple[str, str], int] = {
    ("GET", "/"): VIEWER,
    ("GET", "/console/{name}"): VIEWER,
    ("GET", "/exchanges"): VIEWER,
    ("GET", "/lgsp/v1/console/events"): VIEWER,
    ("GET", "/lgsp/v1/console/me"): VIEWER,
    ("GET", "/lgsp/v1/console/services/{service}"): VIEWER,
    ("GET", "/lgsp/v1/exchanges"): VIEWER,
    ("DELETE", "/lgsp/v1/exchanges"): OPERATOR,
    ("GET", "/lgsp/v1/faults"): VIEWER,
    ("POST", "/lgsp/v1/faults"): OPERATOR,
    ("DELETE", "/lgsp/v1/faults"): OPERATOR,
    ("DELETE", "/lgsp/v1/faults/{name}"): OPERATOR,
    ("GET", "/lgsp/v1/parked"): VIEWER,
    ("GET", "/lgsp/v1/parked/{id}"): VIEWER,
    ("POST", "/lgsp/v1/parked/{id}"): OPERATOR,
    ("DELETE", "/lgsp/v1/parked/{id}"): ADMIN,
    ("GET", "/lgsp/v1/recording"): VIEWER,
    ("POST", "/lgsp/v1/recording/save"): ADMIN,
    ("POST", "/lgsp/v1/recording/start"): ADMIN,
    ("POST", "/lgsp/v1/recording/stop"): ADMIN,
    ("GET", "/lgsp/v1/transactions"): VIEWER,
    ("GET", "/lgsp/v1/transactions/{id}"): VIEWER,
    ("GET", "/livez"): ANYBODY,
    ("GET", "/login"): ANYBODY,
    ("GET", "/metrics"): VIEWER,
    ("GET", "/readyz"): ANYBODY,
    ("GET", "/transactions"): VIEWER,
}
"""Who may do what beyond loopback, said without the code that judges it; on loopback everybody may read."""
NO_BRACES = str.maketrans("", "", "{}")
CONTRACTS = "the contracts are public; what they are about is not"
OPEN = {
    "/docs": CONTRACTS,
    "/docs/docs.css": CONTRACTS,
    "/docs/docs.js": CONTRACTS,
    "/openapi.json": CONTRACTS,
}
"""What a gateway answers to anybody, and why."""


@dataclass(frozen=True, slots=True)
class Running:
    """A bus, and what stands in it."""

    url: str
    gateways: list[Gateway]
    admin: str
    admins: list[Admin]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the bus has its state."""
    return tmp_path_factory.mktemp("door")


@pytest.fixture(scope="module")
def running(place: Path) -> Iterator[Running]:
    """The admin port of a bus that takes itself for one beyond loopback, with all of its families."""
    made: list[Admin] = []
    gateways: list[Gateway] = []
    with pytest.MonkeyPatch.context() as patch:
        for role, token in TOKENS.items():
            patch.setenv(f"LGSP_{role.name}_TOKEN", token)

        def an_admin(*arguments: object, **named: object) -> Admin:
            made.append(Admin(*arguments, **named))  # type: ignore[arg-type]  # as they come
            return made[-1]

        def a_gateway(*arguments: object, **named: object) -> Gateway:
            gateways.append(Gateway(*arguments, **named))  # type: ignore[arg-type]  # as they come
            return gateways[-1]

        patch.setattr(asking, "Gateway", a_gateway)
        patch.setattr(tempfile, "tempdir", str(place))
        patch.setattr(door, "Admin", an_admin)
        patch.setattr(door, "Guard", lambda tokens, now, **_: Guard(tokens, now, loopback=False))
        with testing.bus() as bus:
            yield Running(bus.url, gateways, bus.admin, made)


def asked(url: str, method: str, token: str, order: dict[str, Any] | None = None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = b"no JSON" if order is None else json.dumps(order).encode()
    request = urllib.request.Request(url, method=method, headers=headers, data=body if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_every_path_is_decided(running: Running) -> None:
    [admin] = running.admins
    assert admin.decisions() == set(DECIDED)


def test_every_path_lets_in_exactly_who_may_and_each_refused_role_is_one_event(running: Running, place: Path) -> None:
    url = running.admin
    before = refusals(place)
    shown = {0: "", -1: "no-such-token"} | {int(role): token for role, token in TOKENS.items()}
    for (method, template), wanted in DECIDED.items():
        path = template.replace("{service}", "population").translate(NO_BRACES)
        got = {who: asked(url + path, method, token) for who, token in shown.items()}
        for who, (status, says) in got.items():
            refused = status == 401 or (status == 403 and "this wants the" in says)
            assert refused is (max(who, 0) < wanted), (method, template, who, status, says)
            assert status != 401 or who < 1, "a role that is not enough is told so"
    roles = [role for role in Role if role is not Role.ADMIN]
    assert refusals(place) - before == {
        (role.word, f"{method} {template}"): 1
        for (method, template), wanted in DECIDED.items()
        for role in roles
        if role < wanted
    }


def test_every_path_of_the_gateway_wants_to_know_who_asks_but_those_that_are_open(running: Running) -> None:
    [gateway] = running.gateways
    own = {path for method, path in gateway.decisions() if method == "*"}
    assert own == {"/token", "/revoke", STATUS, *OPEN}
    offered = {(method, template) for method, template in gateway.decisions() if method != "*"}
    assert len(offered) >= 126
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    offered |= {(method, path + "1" * path.endswith("/")) for path in own - set(OPEN) for method in methods}
    got = {each: asked(running.url + each[1].translate(NO_BRACES), each[0], "")[0] for each in offered}
    other = {each: status for each, status in got.items() if status not in {401, 403}}
    # Where tokens are, a request that is none is told so before anybody is asked for.
    desk = {(method, path): 400 if method == "POST" else 405 for method in methods for path in ("/token", "/revoke")}
    assert other == desk
    for path, fields in (("/token", "grant_type=client_credentials"), ("/revoke", "token=x")):
        form = urllib.request.Request(running.url + path, data=fields.encode())
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(form, timeout=5)
        assert refused.value.code == 401
        refused.value.close()
    for path in OPEN:
        assert asked(running.url + path, "GET", "")[0] == 200


def refusals(place: Path) -> Counter[tuple[str, str]]:
    """Who had a token that was not enough for what, and how many events say so."""
    [state] = place.glob("lgsp-*/state")
    events = Reader(Files(state, "gw1")).events()
    return Counter((event.who, event.subject) for event in events if event.what == "role.refused")


def test_what_is_done_is_an_event_with_who_did_it(running: Running, place: Path) -> None:
    url = running.admin
    [state] = place.glob("lgsp-*/state")
    before = len(list(Reader(Files(state, "gw1")).events()))
    fault = {"service": "population", "kind": "outage", "seconds": 60}
    done = [
        asked(f"{url}/lgsp/v1/recording/save", "POST", "made-up-admin", {"name": "kept"})[0],
        asked(f"{url}/lgsp/v1/faults", "POST", "made-up-operator", fault)[0],
        asked(f"{url}/lgsp/v1/faults", "POST", "made-up-viewer", fault)[0],
        asked(f"{url}/lgsp/v1/faults", "DELETE", "made-up-admin")[0],
    ]
    assert done == [200, 201, 403, 200]
    events = list(Reader(Files(state, "gw1")).events())[before:]
    done_by = [(event.who, event.what) for event in events if event.what != "role.refused"]
    assert done_by == [("admin", "recording.save"), ("operator", "fault.add"), ("admin", "fault.rm")]


def test_a_path_that_there_is_not_is_refused_without_being_written_down(running: Running, place: Path) -> None:
    url = running.admin
    before = refusals(place)
    for token in ("made-up-operator", "made-up-viewer", "", "no-such-token"):
        for _ in range(3):
            assert asked(f"{url}/no/such/path", "POST", token)[0] in {401, 403}
    assert refusals(place) - before == {("operator", "POST no such path"): 1, ("viewer", "POST no such path"): 1}
