from __future__ import annotations

import json
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue

import pytest

from lgsp import testing
from lgsp.errors import CatalogueError
from lgsp.forwarding.signed import signed
from lgsp.model import Outcome
from lgsp.testing.fixture import lgsp_bus, lgsp_bus_of_the_session  # noqa: F401 - fixtures, as a tester's conftest names them

NINE_LINES = """
vehicle-registry:
  title: Đăng ký phương tiện
  operations:
    POST /vehicles:
      reply: {plate: "{{ body.plate }}"}
    GET /vehicles/{plate}:
      reply: {plate: "{{ path.plate }}"}
  errors: {provider_error: 50%}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "services.yaml").write_text(NINE_LINES)
    return tmp_path / "config"


def ask(bus: testing.Bus, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    form = f"grant_type=client_credentials&client_id={bus.key}&client_secret={bus.secret}".encode()
    with urllib.request.urlopen(f"{bus.url}/token", data=form, timeout=10) as answer:
        headers["Authorization"] = f"Bearer {json.load(answer)['access_token']}"
    request = urllib.request.Request(bus.url + path, data=body, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.read()


def test_a_test_asserts_what_its_system_sent(config: Path) -> None:
    with testing.bus(config) as bus:
        sent = json.dumps({"plate": "43A-1"}).encode()
        assert ask(bus, "POST", "/vehicle-registry/vehicles", sent, **{"Content-Type": "application/json"})[0] == 200
        for plate in ("43A-2", "43A-3"):
            status, body = ask(bus, "GET", f"/vehicle-registry/vehicles/{plate}?q=1")
            assert (status, json.loads(body)) == (200, {"plate": plate})
        first, *others = bus.calls("vehicle-registry")
        assert (first.operation, first.json, first.outcome, first.status) == (
            "POST /vehicles", {"plate": "43A-1"}, Outcome.OK, 200,
        )  # fmt: skip
        assert [(call.path, call.query) for call in others] == [("/vehicles/43A-2", "q=1"), ("/vehicles/43A-3", "q=1")]
        assert json.loads(others[1].reply) == {"plate": "43A-3"}
        assert len(bus.calls(operation="POST /vehicles")) == 1
        assert bus.calls("somebody-else") == []

        # The same over HTTP, for a test in any language.
        with urllib.request.urlopen(f"{bus.admin}/lgsp/v1/exchanges?service=vehicle-registry", timeout=10) as answer:
            told = json.load(answer)["exchanges"]
        assert [one["request"]["path"] for one in told] == ["/vehicles", "/vehicles/43A-2", "/vehicles/43A-3"]
        assert json.loads(told[0]["request"]["body"]) == {"plate": "43A-1"}
        assert (told[2]["outcome"], told[2]["reply"]["status"]) == ("ok", 200)

        bus.clear()
        assert bus.calls() == []


FOLLOWED = """
orders:
  title: Đơn hàng
  operations:
    POST /orders:
      reply: {phieu: "P-{{ body.ma }}"}
      follows:
        - {after: 10ms, post: "http://somebody.example/told"}
        - after: 20ms
          post: "ADDRESS/told"
          body: {phieu: "{{ reply.phieu }}"}
          secret_file: secret
"""


def test_a_provider_calls_back_where_it_may_and_nowhere_else(config: Path) -> None:
    came: SimpleQueue[tuple[str, dict[str, str], bytes]] = SimpleQueue()

    class Told(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.put((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Told) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            text = FOLLOWED.replace("ADDRESS", f"http://127.0.0.1:{server.server_address[1]}")
            (config / "services.yaml").write_text(text)
            (config / "secret").write_text("a secret of 26 characters.")
            with testing.bus(config) as bus:
                assert ask(bus, "POST", "/orders/orders", b'{"ma": "HS-1"}')[1] == b'{"phieu":"P-HS-1"}'
                path, headers, body = came.get(timeout=10)
                [call] = bus.calls()
                assert (path, body) == ("/told", b'{"phieu":"P-HS-1"}')
                id_, at = headers["webhook-id"], int(headers["webhook-timestamp"])
                assert id_ == f"{call.transaction}.2"
                assert headers["webhook-signature"] == signed(b"a secret of 26 characters.", id_, at, body)
                with urllib.request.urlopen(f"{bus.admin}/metrics", timeout=10) as answer:
                    counted = answer.read().decode()
        finally:
            server.shutdown()
            thread.join()
    # The first was refused before the second was due: its host is none that this process may reach.
    assert 'lgsp_follow_ups_total{result="refused",service="orders"} 1.0' in counted


def test_the_fixture_is_the_shipped_bus_and_begins_without_calls(lgsp_bus: testing.Bus) -> None:  # noqa: F811 - the fixture
    assert lgsp_bus.calls() == []
    status, body = ask(lgsp_bus, "GET", "/cmon/v1.0.0/dantocs/4")
    assert (status, json.loads(body)["tenGoi"]) == (200, "Cơ Tu")
    assert [call.path for call in lgsp_bus.calls("shared-catalog")] == ["/dantocs/4"]


def test_two_stand_side_by_side_on_one_machine(config: Path) -> None:
    with testing.bus(config) as one, testing.bus(config) as other:
        assert one.url != other.url
        ask(one, "GET", "/vehicle-registry/vehicles/1")
        assert (len(one.calls()), len(other.calls())) == (1, 0)


def test_a_mistake_in_the_configuration_is_raised_where_the_bus_was_asked_for(config: Path) -> None:
    (config / "services.yaml").write_text("vehicle-registry: {title: x, operations: {GET /a: {replies: 1}}}")
    with pytest.raises(CatalogueError), testing.bus(config):
        pass
