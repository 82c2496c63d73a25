"""A real provider over HTTPS: who is trusted, and who we are to it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import structlog
from builders import a_service
from providers import POST, Noted, Prompt, stage, status

from lgsp.catalogue.service import Upstream
from lgsp.clock import SystemClock
from lgsp.edge.tls import hand_out, make_authority, make_certificate
from lgsp.errors import CatalogueError
from lgsp.model import Outcome
from lgsp.runtime.provider import Upstreams


def a_server(tmp_path: Path, content: bytes, clients: Path | None = None) -> ssl.SSLContext:
    """What a provider listens with; with `clients`, it wants to see a certificate of that authority."""
    (tmp_path / "shown.pem").write_bytes(content)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tmp_path / "shown.pem")
    if clients is not None:
        made.load_verify_locations(clients)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


@pytest.mark.parametrize(
    ("who", "says"),
    [
        ("expired", "its certificate has expired"),
        ("another name", "its certificate is for another name"),
        ("another authority", "its certificate comes from an authority that is not trusted here"),
    ],
)
async def test_a_provider_that_is_not_the_one_meant_is_unreachable_and_named(
    tmp_path: Path, who: str, says: str
) -> None:
    now, names = SystemClock().now(), ["127.0.0.1"]
    authority = hand_out(tmp_path, {}, (), now)["authority"]
    pem = (tmp_path / "authority.pem").read_bytes()
    shown = {
        "expired": lambda: make_certificate(pem, names, now - 3 * 86_400, days=1),
        "another name": lambda: make_certificate(pem, ["moj.example.org"], now),
        "another authority": lambda: make_certificate(make_authority(now), names, now),
    }[who]()
    async with stage(status(200), tls=a_server(tmp_path, shown), authority=str(authority)) as made:
        with structlog.testing.capture_logs() as logs:
            replies = [await made.ask(POST), await made.ask(POST)]
        assert [(reply.outcome, reply.reason) for reply in replies] == [(Outcome.UNREACHABLE, "provider_down")] * 2
        assert made.came == []
        [log] = [log for log in logs if log["event"] == "provider not trusted"]
        assert (log["service"], log["why"].startswith(says)) == ("svc", True)


async def test_a_provider_is_asked_over_tls_with_our_certificate_and_refuses_us_without(tmp_path: Path) -> None:
    made = hand_out(tmp_path / "tls", {"provider": ()}, ["us"], SystemClock().now())
    tls = a_server(tmp_path, made["provider"].read_bytes(), clients=made["authority"])
    authority = str(made["authority"])
    async with stage(status(200), tls=tls, authority=authority, certificate=str(made["us"])) as shown:
        assert (await shown.ask()).body == b"says 200"
        assert shown.came[0].get_extra_info("peercert")["subjectAltName"] == (("DNS", "us"),)
    async with stage(status(200), tls=tls, authority=authority) as bare:
        assert (await bare.ask()).outcome in {Outcome.PROVIDER_ERROR, Outcome.UNREACHABLE}
        assert bare.came == []


async def test_a_plain_listener_is_not_asked_plainly(tmp_path: Path) -> None:
    made = hand_out(tmp_path, {}, (), SystemClock().now())
    async with stage(status(200)) as plain:
        url = plain.upstream.url.replace("http:", "https:")
        plain.upstream = Upstream(url=url, authority=str(made["authority"]), retries=0)
        assert (await plain.ask(POST)).outcome is Outcome.UNREACHABLE
        assert plain.came == []


def test_files_that_hold_no_certificate_are_named_when_the_service_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("no certificate")
    for name, says in (("none", "cannot be read"), ("bad", "holds no authority's certificate")):
        world = Upstreams(Prompt(), Noted(), seed=7, allowed=["x"], environment={}, directory=tmp_path)
        service = a_service("svc", mode="proxy", upstream=Upstream(url="https://x", authority=name), where="s.yaml:1")
        with pytest.raises(CatalogueError, match=f"s.yaml:1: svc / upstream / .*{says}"):
            world.of(service)
