import pytest

from lgsp.edge.names import is_our_name, is_our_origin, is_same_origin


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8280", "localhost", "localhost:80", "[::1]", "[::1]:8280", "LocalHost:1"]
)
def test_loopback_has_these_names(host: str) -> None:
    assert is_our_name(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":8280",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:٣",
        "127.0.0.1:80:80",
        "127.0.0.1.example.org",
        "localhost.example.org",
        "example.org",
        "example.org:127.0.0.1",
        "localhost@example.org",
        "0.0.0.0",
        "10.0.0.1:8280",
        "::1",
        "[::1",
        "[::2]",
        " localhost",
    ],
)
def test_any_other_name_is_somebody_elses(host: str) -> None:
    assert not is_our_name(host)


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8290", "http://localhost", "https://[::1]:8290"])
def test_pages_of_loopback_are_ours(origin: str) -> None:
    assert is_our_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "localhost",
        "http://example.org",
        "ftp://localhost",
        "http://localhost.example.org",
        "file://",
        "http://",
    ],
)
def test_any_other_page_is_not(origin: str) -> None:
    assert not is_our_origin(origin)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://127.0.0.1:8290", "127.0.0.1:8290", True),
        ("http://LOCALHOST:8290", "localhost:8290", True),
        ("http://localhost:3000", "localhost:8290", False),
        ("http://127.0.0.1:8290", "localhost:8290", False),
        ("null", "", False),
        ("null", "127.0.0.1:8290", False),
    ],
)
def test_a_page_of_the_same_host_and_port_is_our_own(origin: str, host: str, *, same: bool) -> None:
    assert is_same_origin(origin, host) is same
