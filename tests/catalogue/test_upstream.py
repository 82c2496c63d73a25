from __future__ import annotations

import pytest

from lgsp.catalogue.parse import parse_services
from lgsp.catalogue.service import Service
from lgsp.catalogue.source import Source
from lgsp.errors import CatalogueError
from lgsp.model import Outcome


def a_file(block: str, mode: str = "proxy") -> Source:
    return Source("services.yaml", f"svc:\n  title: T\n  mode: {mode}\n  operations: [GET /x]\n{block}".encode())


def read(block: str, mode: str = "proxy") -> Service:
    return parse_services([a_file(block, mode)], has_module=lambda _: False)["svc"]


def problems(block: str, mode: str = "proxy") -> str:
    with pytest.raises(CatalogueError) as caught:
        read(block, mode)
    return "\n".join(caught.value.problems)


FULL = """
  upstream:
    url: https://moj.example.vn:8443/civil/v2/
    timeout: 8s
    connect_timeout: 500ms
    retries: 2
    headers: {Authorization: "Bearer ${MOJ_TOKEN}", X-Plain: abc}
    headers_file: {X-Secret: secrets/moj}
    authority: secrets/authority.crt
    certificate: secrets/us.pem
    outcomes: {"404": rejected, 5xx: business_fault}
"""


def test_the_whole_block_is_read() -> None:
    upstream = read(FULL).upstream
    assert upstream is not None
    assert (upstream.url, upstream.timeout, upstream.connect_timeout, upstream.retries) == (
        "https://moj.example.vn:8443/civil/v2",
        8.0,
        0.5,
        2,
    )
    assert {name: value.get_secret_value() for name, value in upstream.headers.items()} == {
        "authorization": "Bearer ${MOJ_TOKEN}",
        "x-plain": "abc",
    }
    assert upstream.headers_file == {"x-secret": "secrets/moj"}
    assert (upstream.authority, upstream.certificate) == ("secrets/authority.crt", "secrets/us.pem")
    assert upstream.outcomes == {"404": Outcome.REJECTED, "5xx": Outcome.BUSINESS_FAULT}


def test_an_address_is_enough() -> None:
    upstream = read("  upstream: {url: http://127.0.0.1:8000}").upstream
    assert upstream is not None
    assert (upstream.timeout, upstream.connect_timeout, upstream.retries) == (None, 3.0, 1)


def test_a_header_s_value_shows_nowhere() -> None:
    service = read("  upstream: {url: http://127.0.0.1, headers: {x-key: hush}}")
    assert "hush" not in repr(service)
    assert "hush" not in service.model_dump_json()


@pytest.mark.parametrize("mode", ["simulate", "disabled"])
def test_a_service_may_keep_its_upstream_for_later(mode: str) -> None:
    assert read("  upstream: {url: http://127.0.0.1}", mode).upstream is not None


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ("", "services.yaml:3:9: svc: mode proxy needs an `upstream` with its `url`"),
        ("  upstream: {timeout: 8s}", "the key 'url' is missing"),
        ("  upstream: x", "a mapping"),
        ("  upstream: {url: ftp://x}", "this is no address"),
        ("  upstream: {url: http//x}", "this is no address"),
        ("  upstream: {url: 'http://x:99999'}", "this is no address"),
        ("  upstream: {url: 'http://a b'}", "this is no address"),
        ("  upstream: {url: 'http://tên.vn'}", "this is no address"),
        ("  upstream: {url: 'http://u:hush@x'}", "credentials do not stand in an address"),
        ("  upstream: {url: 'http://x?a=1'}", "an address ends with its path"),
        ("  upstream: {url: http://x, timeout: 0s}", "a timeout lies above 0 s"),
        ("  upstream: {url: http://x, timeout: 8}", "a duration needs its unit"),
        ("  upstream: {url: http://x, retries: 6}", "retries are a whole number from 0 to 5"),
        ("  upstream: {url: http://x, retries: 1.5}", "retries are a whole number from 0 to 5"),
        ("  upstream: {url: http://x, retry: 1}", "did you mean 'retries'"),
        ("  upstream: {url: http://x, headers: {host: hush}}", "'host' is no header that can be set here"),
        ("  upstream: {url: http://x, headers: {a b: hush}}", "'a b' is no header that can be set here"),
        ('  upstream: {url: http://x, headers: {a: "hush\\n"}}', "the value of 'a' is one line of ASCII text"),
        ("  upstream: {url: http://x, headers: {a: [hush]}}", "the value of 'a' is one line of ASCII text"),
        ('  upstream: {url: http://x, headers: {a: "hush ${9}"}}', "that is no ${VARIABLE} of the environment"),
        ('  upstream: {url: http://x, headers: {a: "${LGSP_ADMIN_TOKEN}"}}', "not sent to anybody"),
        ("  upstream: {url: http://x, headers: {a: hush}, headers_file: {A: f}}", "stands in `headers` as well"),
        ("  upstream: {url: http://x, headers_file: {host: f}}", "'host' is no header"),
        ("  upstream: {url: http://x, authority: f}", "'authority' is for an address with https://"),
        ("  upstream: {url: http://x, certificate: f}", "'certificate' is for an address with https://"),
        ("  upstream: {url: http://x, outcomes: {abc: ok}}", "'abc' is no status"),
        ('  upstream: {url: http://x, outcomes: {"404": timeout}}', "'timeout' is none of ok"),
        ("  upstream: {url: http://x, outcomes: {404: ok}}", "quoted"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_without_the_secret(block: str, says: str) -> None:
    said = problems(block)
    assert says in said
    assert said.startswith("services.yaml:")
    assert "hush" not in said
