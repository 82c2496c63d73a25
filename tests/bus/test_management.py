from __future__ import annotations

import pytest

from lgsp.bus.management import Management
from lgsp.bus.node import free_port
from lgsp.errors import BusUnavailable, SettingsError


def test_where_nobody_answers_it_says_so() -> None:
    with pytest.raises(BusUnavailable, match="no management API answers at http"):
        Management(f"http://127.0.0.1:{free_port()}", "admin", "geheim").read()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://broker.example:15672", "plain HTTP beyond this machine"),
        ("http://10.0.0.1", "plain HTTP beyond this machine"),
        ("amqp://127.0.0.1", "is no management API"),
        ("file:///etc/passwd", "is no management API"),
        ("127.0.0.1:15672", "is no management API"),
    ],
)
def test_no_password_goes_where_others_can_read_it(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Management(url, "admin", "geheim")


def test_it_shows_no_password() -> None:
    assert "geheim" not in repr(Management("https://broker.example:15671", "admin", "geheim"))
