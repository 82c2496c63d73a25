"""Three RabbitMQ nodes, each in a network namespace of its own: one cluster whose nodes can die and whose network can be cut.

          +-- veth -- 10.203.x.11  n1
bridge ---+-- veth -- 10.203.x.12  n2       a node is cut off by taking its end at the bridge down
          +-- veth -- 10.203.x.13  n3

The addresses exist on this machine's own bridge only.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from lgsp.bus.node import find_server

NODES = ("n1", "n2", "n3")
_PORT = 5672
_UP, _PATIENCE = 240.0, 60.0
_TICK = 8
"""Seconds: what RabbitMQ calls `net_ticktime`; its own default is 60."""
_GUARD = 'epmd </dev/null & "$@" </dev/null & read -r _; kill -9 0'
_CONF = """\
listeners.tcp.1 = {address}:5672
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.randomized_startup_delay_range.min = 0
cluster_formation.randomized_startup_delay_range.max = 1
cluster_partition_handling = pause_minority
loopback_users = none
log.file.level = warning
log.console = false
disk_free_limit.absolute = 50MB
"""


def why_not() -> str:
    """Why there can be no cluster here; empty where there can."""
    ip = shutil.which("ip")
    if ip is None:
        return "there is no `ip`: install iproute2"
    name = f"lgsp-try-{os.getpid()}"
    tried = subprocess.run([ip, "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"network namespaces are not allowed here: {tried.stderr.strip()}"
    subprocess.run([ip, "netns", "del", name], check=True)
    return ""


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@dataclass
class _Node:
    name: str
    address: str
    space: str
    veth: str
    directory: Path
    guard: subprocess.Popen[bytes] | None = None

    @property
    def rabbit(self) -> str:
        return f"rabbit@{self.address}"

    def environment(self) -> dict[str, str]:
        here = self.directory
        return {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": str(here),
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_NODENAME": self.rabbit,
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(here / "none.config"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_PID_FILE": str(here / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "generated"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(here / "feature_flags"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel net_ticktime {_TICK} +sbwt none",
        }

    def start(self) -> None:
        """Boot; it is up when the cluster says so."""
        with (self.directory / "boot.log").open("ab") as log:
            self.guard = subprocess.Popen(
                ["ip", "netns", "exec", self.space, "/bin/sh", "-c", _GUARD, "lgsp-rabbitmq", str(find_server())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self.environment(),
                start_new_session=True,
                cwd=self.directory,
            )

    def kill(self) -> None:
        guard, self.guard = self.guard, None
        if guard is not None:
            with suppress(ProcessLookupError):
                os.killpg(guard.pid, signal.SIGKILL)
            guard.wait()
            if guard.stdin:
                guard.stdin.close()

    def command(self, *arguments: str) -> str:
        """What `rabbitmqctl` says."""
        program = str(find_server().with_name("rabbitmqctl"))
        done = subprocess.run(
            ["ip", "netns", "exec", self.space, program, "--longnames", "-n", self.rabbit, *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)} on {self.name}: {done.stderr or done.stdout}")
        return done.stdout

    def running(self) -> set[str]:
        """The nodes of the cluster that run, as this one sees it."""
        try:
            told: Mapping[str, Any] = json.loads(self.command("-q", "--formatter", "json", "cluster_status"))
        except (RuntimeError, ValueError, subprocess.TimeoutExpired):
            return set()
        return set(told["running_nodes"])


@dataclass
class Cluster:
    """Made, started and removed as a whole. `definitions` are imported when all nodes are one cluster."""

    directory: Path
    definitions: Mapping[str, Any]
    nodes: dict[str, _Node] = field(default_factory=dict)
    started_again: int = 0
    """How often a node had to be started again because it did not find back by itself."""
    _undo: ExitStack = field(default_factory=ExitStack)

    @property
    def places(self) -> list[tuple[str, int]]:
        """Where the nodes listen."""
        return [(node.address, _PORT) for node in self.nodes.values()]

    def start(self) -> None:
        """Return when three nodes are one cluster with everything that the run needs on it."""
        with ExitStack() as undo:
            self._lay_network(undo)
            cookie = secrets.token_hex(16)
            for node in self.nodes.values():
                self._prepare(node, cookie)
                undo.callback(node.kill)
                node.start()
            for node in self.nodes.values():
                self._wait(node)
            file = self.directory / "definitions.json"
            file.write_text(json.dumps(self.definitions))
            self.command("import_definitions", str(file))
            self._undo = undo.pop_all()

    def stop(self) -> None:
        """Nothing of it is left but its files."""
        self._undo.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def command(self, *arguments: str) -> str:
        """What `rabbitmqctl` of the first node that lives says."""
        return next(node for node in self.nodes.values() if node.guard is not None).command(*arguments)

    def kill(self, name: str) -> None:
        """At once."""
        self.nodes[name].kill()

    def revive(self, name: str) -> None:
        """Return when it is one of the cluster again."""
        self.nodes[name].start()
        self._wait(self.nodes[name])

    def cut(self, name: str) -> None:
        """Nobody reaches it any more, and it reaches nobody."""
        _ip("link", "set", self.nodes[name].veth, "down")

    def heal(self, name: str) -> None:
        """Return when all see all again."""
        _ip("link", "set", self.nodes[name].veth, "up")
        for node in self.nodes.values():
            self._wait(node)

    def _wait(self, node: _Node) -> None:
        """Until it sees all that live. One that does not come back is started again, as an operator would."""
        wanted = {each.rabbit for each in self.nodes.values() if each.guard is not None}
        began = patience = time.monotonic()
        while not wanted <= node.running():
            now = time.monotonic()
            if now - began > _UP:
                log = (node.directory / "boot.log").read_text(errors="replace")
                raise RuntimeError(f"{node.name} is not one of the cluster after {_UP:g} s: {log[-2000:]}")
            if now - patience > _PATIENCE:
                patience = now
                self.started_again += 1
                node.kill()
                node.start()
            time.sleep(0.5)  # a broker tells nobody when it has joined

    def _lay_network(self, undo: ExitStack) -> None:
        mark = os.getpid() % 250
        bridge, net = f"lgspbr{mark}", f"10.203.{mark}"
        _ip("link", "add", bridge, "type", "bridge")
        undo.callback(_ip, "link", "del", bridge)
        _ip("addr", "add", f"{net}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for number, name in enumerate(NODES, 1):
            node = _Node(name, f"{net}.1{number}", f"lgsp{mark}-{name}", f"lgv{mark}-{name}", self.directory / name)
            inner = ("-n", node.space)
            _ip("netns", "add", node.space)
            undo.callback(_ip, "netns", "del", node.space)
            _ip("link", "add", node.veth, "type", "veth", "peer", "name", "eth0", "netns", node.space)
            _ip("link", "set", node.veth, "master", bridge)
            _ip("link", "set", node.veth, "up")
            _ip(*inner, "link", "set", "lo", "up")
            _ip(*inner, "addr", "add", f"{node.address}/24", "dev", "eth0")
            _ip(*inner, "link", "set", "eth0", "up")
            self.nodes[name] = node

    def _prepare(self, node: _Node, cookie: str) -> None:
        node.directory.mkdir(parents=True, mode=0o700)
        members = [
            f"cluster_formation.classic_config.nodes.{number} = {each.rabbit}\n"
            for number, each in enumerate(self.nodes.values(), 1)
        ]
        (node.directory / "rabbitmq.conf").write_text(_CONF.format(address=node.address) + "".join(members))
        (node.directory / "enabled_plugins").write_text("[].\n")
        (node.directory / ".erlang.cookie").write_text(cookie)
        (node.directory / ".erlang.cookie").chmod(0o400)
