"""HTTPS by a test authority: trusted by whoever has its certificate, by nobody else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from builders import Unstored
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lgsp.clock import SystemClock
from lgsp.dispatch import Dispatcher
from lgsp.edge.access import Access
from lgsp.edge.audit import Audit
from lgsp.edge.gateway import Gateway
from lgsp.edge.incoming import TransactionIds
from lgsp.edge.routes import Routes
from lgsp.edge.tls import authority_file, make_authority, make_certificate, serving
from lgsp.edge.tokens import Tokens, make_key
from lgsp.errors import SettingsError

NOW = 1_684_886_400.0


def the_certificate(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def test_a_certificate_carries_its_names_and_is_signed_by_the_authority() -> None:
    authority = make_authority(NOW)
    made = the_certificate(make_certificate(authority, ["api.example.org", "10.1.2.3", "::1", "api.example.org"], NOW))
    made.verify_directly_issued_by(the_certificate(authority))
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["api.example.org"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("10.1.2.3"), ip_address("::1")]
    begins = datetime.fromtimestamp(NOW, UTC) - timedelta(hours=1)
    assert (made.not_valid_before_utc, made.not_valid_after_utc) == (begins, begins + timedelta(days=397))
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    own = the_certificate(authority).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (own.ca, own.path_length) == (True, 0)


def test_a_name_that_is_none_is_a_sentence() -> None:
    with pytest.raises(SettingsError, match="--tls-name"):
        make_certificate(make_authority(NOW), ["máy chủ"], NOW)


@pytest.mark.parametrize("bad", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_an_authority_that_cannot_be_read_is_a_sentence(tmp_path: Path, bad: bytes) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "authority.pem").write_bytes(bad)
    with pytest.raises(SettingsError, match="remove tls/ and start again"):
        serving(tmp_path, "gw1", [], NOW)


def test_an_authority_with_another_kind_of_key_is_a_sentence() -> None:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate = the_certificate(make_authority(NOW)).public_bytes(Encoding.PEM)
    with pytest.raises(SettingsError, match="remove tls/ and start again"):
        make_certificate(key + certificate, ["localhost"], NOW)


def test_the_authority_is_made_once_and_everything_is_nobody_elses(tmp_path: Path) -> None:
    serving(tmp_path, "gw1", [], NOW)
    first = {path.name: path.read_bytes() for path in (tmp_path / "tls").iterdir()}
    serving(tmp_path, "gw1", ["api.example.org"], NOW)
    second = {path.name: path.read_bytes() for path in (tmp_path / "tls").iterdir()}
    assert set(first) == set(second) == {"authority.pem", "authority.crt", "gw1.pem"}
    assert {name for name in first if first[name] != second[name]} == {"gw1.pem"}
    assert b"PRIVATE" not in authority_file(tmp_path).read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()} == {0o600}


class Quiet:
    """A watch that notes how often somebody was answered."""

    answered = 0

    def http(self, *_: object) -> None:
        self.answered += 1

    def inflight(self, *_: object) -> None: ...

    def shed(self, *_: object) -> None: ...

    def impatient(self, *_: object) -> None: ...

    def turned_away(self, *_: object) -> None: ...


@asynccontextmanager
async def a_gateway(state: Path, names: tuple[str, ...] = ()) -> AsyncIterator[tuple[int, Quiet]]:
    """One that listens by HTTPS and has one path of its own; there is no service, and so no dispatcher."""

    async def hello(_: web.BaseRequest, __: bytes) -> web.Response:
        return web.Response(text="hello")

    clock, watch, nobody = SystemClock(), Quiet(), cast("Dispatcher", None)
    new_id = TransactionIds(clock)
    access = Access(Tokens(make_key(), new_id), clock)
    gateway = Gateway(
        nobody,
        Unstored(),
        Routes([]),
        access,
        watch,
        new_id,
        Audit(clock),
        own={"/hello": hello},
        names=names,
        max_body=1_000,
        max_in_flight=10,
    )
    port = await gateway.start("127.0.0.1", 0, serving(state, "gw1", names, clock.now()))
    try:
        yield port, watch
    finally:
        await gateway.stop()


async def test_who_trusts_the_authority_is_answered_and_who_does_not_is_not(tmp_path: Path) -> None:
    async with a_gateway(tmp_path, ("api.example.org",)) as (port, watch), aiohttp.ClientSession() as session:
        trusting = ssl.create_default_context(cafile=authority_file(tmp_path))
        trusting.verify_flags |= ssl.VERIFY_X509_STRICT
        for name in ("localhost", "127.0.0.1"):
            async with session.get(f"https://{name}:{port}/hello", ssl=trusting) as answer:
                assert (answer.status, await answer.text()) == (200, "hello")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"https://localhost:{port}/hello")
        url, host = f"https://127.0.0.1:{port}/hello", {"Host": "api.example.org"}
        async with session.get(url, ssl=trusting, headers=host, server_hostname="api.example.org") as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(url, ssl=trusting, headers=host, server_hostname="api.example.com")
        assert watch.answered == 3


async def test_who_speaks_plainly_to_it_learns_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with a_gateway(tmp_path) as (port, watch):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = await reader.read()
        writer.close()
        assert b"HTTP/" not in got
        assert [record for record in caplog.records if record.levelname != "DEBUG"] == []
        assert watch.answered == 0
