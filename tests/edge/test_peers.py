from __future__ import annotations

import pytest

from lgsp.edge.peers import is_within, networks_of


@pytest.mark.parametrize(
    ("address", "written", "inside"),
    [
        ("10.1.2.3", ["10.1.0.0/16"], True),
        ("10.2.2.3", ["10.1.0.0/16"], False),
        ("10.2.2.3", ["10.1.0.0/16", "10.2.2.3"], True),
        ("::ffff:10.1.2.3", ["10.1.0.0/16"], True),
        ("2001:db8::1", ["2001:db8::/32"], True),
        ("2001:db8::1", ["10.0.0.0/8"], False),
        ("", ["0.0.0.0/0"], False),
        ("/run/socket", ["0.0.0.0/0"], False),
        ("10.1.2.3", [], False),
    ],
)
def test_where_an_address_lies(address: str, written: list[str], inside: bool) -> None:  # noqa: FBT001 - a table
    assert is_within(address, networks_of(written)) is inside
