"""A private node: on loopback only, and gone with its parent."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pika
import pytest
from conftest import Broker

from lgsp.bus import node
from lgsp.errors import SettingsError


def test_without_rabbitmq_there_is_a_sentence_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_SCRIPTS", ("/nowhere",))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SettingsError, match="install the package rabbitmq-server"):
        node.find_server()


@pytest.mark.real
def test_it_boots_with_its_definitions_and_lets_only_its_users_in(broker: Broker) -> None:
    with broker.connect() as connection:
        connection.channel().exchange_declare("lgsp.req", "direct", passive=True)
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        pika.BlockingConnection(pika.URLParameters(broker.node.url("guest", "guest")))


@pytest.mark.real
def test_nothing_of_it_listens_beyond_loopback(broker: Broker) -> None:
    group = subprocess.run(["ps", "-eo", "pid=,pgid="], capture_output=True, text=True, check=True).stdout.split("\n")
    assert broker.node._guard
    mine = {line.split()[0] for line in group if line.split()[1:] == [str(broker.node._guard.pid)]}
    inodes = {
        link.readlink().name.partition("[")[2].rstrip("]")
        for pid in mine
        for link in Path(f"/proc/{pid}/fd").glob("*")
        if link.is_symlink() and str(link.readlink()).startswith("socket:")
    }
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    listening = {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}
    assert listening <= {"0100007F", "00000000000000000000000001000000"}
    assert "0100007F" in listening


@pytest.mark.real
@pytest.mark.timeout(60)
def test_it_goes_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import os, pathlib
        from lgsp.bus.node import PrivateNode
        from lgsp.bus import topology
        document = topology.definitions([], [topology.administrator("a", "a")], salt=b"salt")
        node = PrivateNode(pathlib.Path({str(tmp_path / "node")!r}), document)
        node.start()
        print(node._guard.pid, flush=True)
        os.kill(os.getpid(), 9)
    """)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=50)
    group = int(done.stdout)
    ended = subprocess.run(["tail", f"--pid={group}", "-f", "/dev/null"], timeout=10, check=False)
    assert ended.returncode == 0
