"""The hop to the broker: only with the broker that was meant, and never plainly when TLS was asked for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from builders import a_reply, a_request
from structlog.testing import capture_logs

from lgsp.bus import topology
from lgsp.bus.control import RabbitControl
from lgsp.bus.node import PrivateNode
from lgsp.bus.provision import provision
from lgsp.bus.rabbitmq import RabbitBus
from lgsp.bus.secure import context, with_files
from lgsp.clock import SystemClock
from lgsp.edge.tls import hand_out, make_authority, make_certificate
from lgsp.errors import BusUnavailable, SettingsError
from lgsp.model import Reply, Request

PLAIN = "amqp://u:p@127.0.0.1/lgsp"


@pytest.mark.parametrize("url", [PLAIN, "amqps://u:p@127.0.0.1/lgsp?no_verify_ssl=1"])
def test_nothing_is_ever_trusted_unseen(url: str) -> None:
    with pytest.raises(SettingsError):
        context(with_files(url, Path("ca"), None))


def test_files_go_with_the_address(tmp_path: Path) -> None:
    made = hand_out(tmp_path, {}, ["us"], SystemClock().now())
    url = with_files("amqps://u:p@broker/lgsp?heartbeat=5", made["authority"], made["us"])
    assert url.startswith("amqps://u:p@broker/lgsp?heartbeat=5&cafile=")
    secured = context(url)
    assert secured is not None
    assert (secured.verify_mode, secured.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(secured.get_ca_certs()) == 1
    assert context(PLAIN) is None
    assert with_files(PLAIN, None, None) == PLAIN


@asynccontextmanager
async def a_stranger(certificate: Path) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Something that listens with this certificate, and what it hears."""
    heard: list[bytes] = []
    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(certificate)

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=secured) as server:
        yield server.sockets[0].getsockname()[1], heard


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("expired", "its certificate has expired"),
        ("early", "its certificate is not valid yet"),
        ("another name", "its certificate is for another name"),
        ("another authority", "its certificate comes from an authority that is not trusted here"),
        ("a client", "its certificate does not hold"),
    ],
)
async def test_whoever_is_not_the_broker_hears_nothing_and_is_named(tmp_path: Path, who: str, says: str) -> None:
    now, names = SystemClock().now(), ["localhost", "127.0.0.1"]
    authority = make_authority(now)
    shown = {
        "expired": lambda: make_certificate(authority, names, now - 3 * 86_400, days=1),
        "early": lambda: make_certificate(authority, names, now + 86_400),
        "another name": lambda: make_certificate(authority, ["broker.example.org"], now),
        "another authority": lambda: make_certificate(make_authority(now), names, now),
        "a client": lambda: make_certificate(authority, names, now, is_client=True),
    }[who]()
    (tmp_path / "shown.pem").write_bytes(shown)
    (tmp_path / "authority.pem").write_bytes(authority)
    async with a_stranger(tmp_path / "shown.pem") as (port, heard):
        url = with_files(f"amqps://u:geheim@127.0.0.1:{port}/lgsp", tmp_path / "authority.pem", None)
        with capture_logs() as logs, pytest.raises(BusUnavailable, match=says) as refused:
            await RabbitBus(url, "gw", SystemClock()).__aenter__()
        assert "geheim" not in str(refused.value)
        [log] = [log for log in logs if log["event"] == "broker not trusted"]
        assert log["why"].startswith(says)
        with pytest.raises(BusUnavailable, match=says):
            await RabbitControl(url, "gw").__aenter__()
        with pytest.raises(BusUnavailable, match=says):
            await provision(url, ["svc"])
    assert not any(heard)


@pytest.mark.real
@pytest.mark.timeout(90)
async def test_requests_go_over_tls_with_a_certificate_of_ours_and_not_without(tmp_path: Path) -> None:
    made = hand_out(tmp_path / "tls", {"broker": ()}, ["us"], SystemClock().now())
    document = topology.definitions(["svc"], [topology.administrator("tests", "tests")], salt=b"salt")

    async def echo(request: Request) -> Reply:
        return a_reply(request, body=request.body)

    with PrivateNode(tmp_path / "node", document, tls=(made["broker"], made["authority"])) as node:
        bare = f"amqps://tests:tests@localhost:{node.tls_port}/lgsp"
        url, clock = with_files(bare, made["authority"], made["us"]), SystemClock()
        await provision(url, ["other"])
        async with RabbitBus(url, "gw", clock) as asking, RabbitBus(url, "conn", clock, asks=False) as serving:
            await serving.serve("other", echo)
            body = b"x" * 300_000
            assert (await asking.request(a_request(service="other", body=body), timeout=15)).body == body
            said = node.command("list_connections", "ssl", "ssl_protocol", "peer_cert_subject")
            assert said.count("CN=us") == 2
            async with RabbitControl(url, "gw") as control:
                await control.tell(b"{}")
        with pytest.raises(BusUnavailable, match="it does not take our certificate, or wants one"):
            await RabbitBus(with_files(bare, made["authority"], None), "gw", clock).__aenter__()
        with pytest.raises(BusUnavailable, match="authority that is not trusted"):
            await RabbitBus(bare, "gw", clock).__aenter__()
        with pytest.raises(BusUnavailable, match="TLS with it does not come about"):
            await RabbitBus(url.replace(str(node.tls_port), str(node.port)), "gw", clock).__aenter__()
