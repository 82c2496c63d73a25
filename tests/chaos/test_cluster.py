"""Where there can be no cluster, it is said why."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster import why_not


def test_without_ip_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert why_not() == "there is no `ip`: install iproute2"


def test_where_namespaces_are_not_allowed_it_says_what_the_system_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ip = tmp_path / "ip"
    ip.write_text("#!/bin/sh\necho 'mkdir /run/netns failed: Permission denied' >&2; exit 1\n")
    ip.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert why_not() == "network namespaces are not allowed here: mkdir /run/netns failed: Permission denied"


def test_where_they_are_allowed_nothing_is_left_of_the_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ip = tmp_path / "ip"
    ip.write_text(f'#!/bin/sh\necho "$1 $2" >> {tmp_path}/asked\n')
    ip.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert why_not() == ""
    assert (tmp_path / "asked").read_text().split("\n") == ["netns add", "netns del", ""]
