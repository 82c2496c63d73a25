from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import Unwatched, a_service
from pydantic import SecretStr

from lgsp.catalogue.service import Service, Upstream
from lgsp.clock import ManualClock
from lgsp.errors import CatalogueError
from lgsp.runtime.provider import Upstreams


def a_real(url: str = "https://moj.example.vn/v2", **block: Any) -> Service:
    return a_service("svc", mode="proxy", where="services.yaml:7", upstream=Upstream(url=url, **block))


def world(*allowed: str, directory: Path = Path(), **environment: str) -> Upstreams:
    return Upstreams(ManualClock(), Unwatched(), seed=7, allowed=allowed, environment=environment, directory=directory)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://moj.example.vn/v2", ["moj.example.vn"]),
        ("https://MOJ.example.vn/v2", ["Moj.Example.vn"]),
        ("https://moj.example.vn/v2", ["other", "moj.example.vn:443"]),
        ("http://moj.example.vn", ["moj.example.vn:80"]),
        ("http://moj.example.vn:8000", ["moj.example.vn:8000"]),
        ("http://[::1]:8000", ["::1"]),
    ],
)
def test_a_host_on_the_list_is_reached(url: str, allowed: list[str]) -> None:
    assert world(*allowed).of(a_real(url)).upstream.url == url


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://moj.example.vn/v2", []),
        ("https://moj.example.vn/v2", ["example.vn"]),
        ("https://moj.example.vn.evil.example/v2", ["moj.example.vn"]),
        ("https://moj.example.vn/v2", ["moj.example.vn:80"]),
        ("http://127.0.0.1:8290", ["127.0.0.1:8000"]),
    ],
)
def test_any_other_is_refused_when_the_service_is_loaded(url: str, allowed: list[str]) -> None:
    with pytest.raises(CatalogueError, match=r"services\.yaml:7: svc / upstream / url: .* --reach .* \(LGSP_REACH\)"):
        world(*allowed).of(a_real(url))


def test_every_secret_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "two").write_text("a\nb")
    (tmp_path / "tên").write_text("bí mật")
    service = a_real(
        headers={"a": SecretStr("hush ${NONE_SUCH} ${THERE}")},
        headers_file={"b": "gone", "c": "two", "d": "tên"},
    )
    with pytest.raises(CatalogueError) as caught:
        world("moj.example.vn", directory=tmp_path, THERE="hush").of(service)
    assert [problem.partition("upstream / ")[2] for problem in caught.value.problems] == [
        "headers / a: the environment has no NONE_SUCH: set it, or take it out",
        "headers_file / b: gone cannot be read: No such file or directory",
        "headers_file / d: tên holds more than one line of ASCII text",
        "header c: its value is not one line of ASCII text",
    ]
    assert "hush" not in str(caught.value)


def test_a_value_of_the_environment_cannot_break_the_header() -> None:
    with pytest.raises(CatalogueError, match="header a: its value is not one line"):
        world("moj.example.vn", X="a\r\nHost: b").of(a_real(headers={"a": SecretStr("${X}")}))


def test_a_rotated_secret_makes_a_new_provider_and_an_old_one_stays(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("one")
    made, service = world("moj.example.vn", directory=tmp_path), a_real(headers_file={"x": "key"})
    first = made.of(service)
    assert made.of(service) is first
    key.write_text("two")
    assert made.of(service) is not first
    assert made.of(service).headers == {"x": "two"}


def test_a_mode_without_an_upstream_is_refused_in_words() -> None:
    with pytest.raises(CatalogueError, match="mode proxy needs an `upstream`"):
        world().of(a_service("svc", mode="proxy", where="services.yaml:7"))
