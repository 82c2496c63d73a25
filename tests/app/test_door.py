"""Every path of the admin port, with nothing, with a wrong token and with each role's: a path that nobody decided on is red."""

from __future__ import annotations

import json
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lgsp import testing
from lgsp.app import door
from lgsp.edge.admin import Admin
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


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the bus has its state."""
    return tmp_path_factory.mktemp("door")


@pytest.fixture(scope="module")
def running(place: Path) -> Iterator[tuple[str, list[Admin]]]:
    """The admin port of a bus that takes itself for one beyond loopback, with all of its families."""
    made: list[Admin] = []
    with pytest.MonkeyPatch.context() as patch:
        for role, token in TOKENS.items():
            patch.setenv(f"LGSP_{role.name}_TOKEN", token)

        def an_admin(*arguments: object, **named: object) -> Admin:
            made.append(Admin(*arguments, **named))  # type: ignore[arg-type]  # as they come
            return made[-1]

        patch.setattr(tempfile, "tempdir", str(place))
        patch.setattr(door, "Admin", an_admin)
        patch.setattr(door, "Guard", lambda tokens, now, **_: Guard(tokens, now, loopback=False))
        with testing.bus() as bus:
            yield bus.admin, made


def asked(url: str, method: str, token: str, order: dict[str, Any] | None = None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = b"no JSON" if order is None else json.dumps(order).encode()
    request = urllib.request.Request(url, method=method, headers=headers, data=body if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_every_path_is_decided(running: tuple[str, list[Admin]]) -> None:
    _, [admin] = running
    assert admin.decisions() == set(DECIDED)


def test_every_path_lets_in_exactly_who_may_and_each_refused_role_is_one_event(
    running: tuple[str, list[Admin]], place: Path
) -> None:
    url, _ = running
    before = refusals(place)
    shown = {0: "", -1: "no-such-token"} | {int(role): token for role, token in TOKENS.items()}
    for (method, template), wanted in DECIDED.items():
        path = template.replace("{service}", "population").replace("{", "").replace("}", "")
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


def refusals(place: Path) -> Counter[tuple[str, str]]:
    """Who had a token that was not enough for what, and how many events say so."""
    [state] = place.glob("lgsp-*/state")
    events = Reader(Files(state, "gw1")).events()
    return Counter((event.who, event.subject) for event in events if event.what == "role.refused")


def test_what_is_done_is_an_event_with_who_did_it(running: tuple[str, list[Admin]], place: Path) -> None:
    url, _ = running
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


def test_a_path_that_there_is_not_is_refused_without_being_written_down(
    running: tuple[str, list[Admin]], place: Path
) -> None:
    url, _ = running
    before = refusals(place)
    for token in ("made-up-operator", "made-up-viewer", "", "no-such-token"):
        for _ in range(3):
            assert asked(f"{url}/no/such/path", "POST", token)[0] in {401, 403}
    assert refusals(place) - before == {("operator", "POST no such path"): 1, ("viewer", "POST no such path"): 1}
