"""A private RabbitMQ node as a child process: own directory, cookie and ports, on loopback only.

It lives no longer than its parent: a shell between the two waits for the end of a pipe, and then kills the group.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lgsp.errors import SettingsError

_SCRIPTS = ("/usr/lib/rabbitmq/lib", "/usr/local/opt/rabbitmq/sbin", "/opt/homebrew/opt/rabbitmq/sbin")
_GUARD = 'epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 </dev/null & "$@" </dev/null & read -r _; kill -9 0'
_HELLO = b"AMQP\x00\x00\x09\x01"
_BOOT = 60.0
_TOLD = "node.json"
"""What `rabbitmqctl` has to know of a node, in its directory."""


def find_server() -> Path:
    """The script that starts RabbitMQ, past the wrapper that changes to the system's user. Raises `SettingsError`."""
    for place in _SCRIPTS:
        found = sorted(Path(place).glob("**/sbin/rabbitmq-server")) or sorted(Path(place).glob("rabbitmq-server"))
        if found:
            return found[-1]
    anywhere = shutil.which("rabbitmq-server")
    if anywhere:
        return Path(anywhere)
    raise SettingsError(
        "RabbitMQ is not installed: install the package rabbitmq-server (apt-get install rabbitmq-server, "
        "brew install rabbitmq), or name a broker with --broker amqp://..."
    )


def command(directory: Path, *arguments: str) -> str:
    """What `rabbitmqctl` says to the arguments for the private node that lies in a directory, whoever started it.

    Raises `SettingsError`.
    """
    try:
        environment = json.loads((directory / _TOLD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{directory} is no directory of a private node of lgsp: {_TOLD} is missing there"
        ) from error
    done = subprocess.run(  # noqa: S603 - a program of the system's own package
        [str(find_server().with_name("rabbitmqctl")), "-n", environment["RABBITMQ_NODENAME"], *arguments],
        env=environment | {"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise SettingsError(f"rabbitmqctl {' '.join(arguments)}: {done.stderr or done.stdout}")
    return done.stdout


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PrivateNode:
    """One node. `definitions` is imported on its first boot; `metrics` turns on its Prometheus plugin, `management` its API.

    `tls`: its certificate with its key, and the authority of those whose own certificates it wants to see; then it also
    listens on `tls_port`, and its API on `management_tls_port`, which wants to see none.
    """

    def __init__(
        self,
        directory: Path,
        definitions: Mapping[str, Any],
        *,
        metrics: bool = False,
        management: bool = False,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        self.directory = directory
        self.port = free_port()
        self.metrics_port = free_port() if metrics else None
        self.management_port = free_port() if management else None
        self.tls_port = free_port() if tls else None
        self.management_tls_port = free_port() if tls and management else None
        self._tls = tls
        self._definitions = definitions
        self._name = f"lgsp-{secrets.token_hex(4)}@localhost"
        self._epmd = free_port()
        self._dist = free_port()
        self._guard: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        state = "running" if self._guard and self._guard.poll() is None else "stopped"
        return f"<PrivateNode {self._name} on 127.0.0.1:{self.port}, {state}>"

    def url(self, user: str, password: str, vhost: str = "lgsp") -> str:
        """The node's AMQP address for a user."""
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}/{vhost}"

    def start(self) -> None:
        """Boot; return when it takes connections. Raises `SettingsError` with the end of its log if it does not."""
        server = find_server()
        self._prepare()
        with (self.directory / "boot.log").open("ab") as log:
            self._guard = subprocess.Popen(  # noqa: S603 - a script of the system's own package
                ["/bin/sh", "-c", _GUARD, "lgsp-rabbitmq", str(server)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
                cwd=self.directory,
            )
        self._wait()

    def stop(self) -> None:
        """End the node and everything it started, at once. Its data stay for the next `start`."""
        guard, self._guard = self._guard, None
        if guard is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(guard.pid, signal.SIGKILL)
        guard.wait()
        if guard.stdin:
            guard.stdin.close()

    def command(self, *arguments: str) -> str:
        """What `rabbitmqctl` says to the arguments. Raises `SettingsError` when it fails."""
        return command(self.directory, *arguments)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            f"load_definitions = {self.directory / 'definitions.json'}",
            "log.file.level = warning",
            "log.console = false",
            "loopback_users = none",
            "disk_free_limit.absolute = 50MB",
        ]
        if self._tls:
            own, authority = self._tls
            settings += [
                f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}",
                f"ssl_options.cacertfile = {authority}",
                f"ssl_options.certfile = {own}",
                f"ssl_options.keyfile = {own}",
                "ssl_options.verify = verify_peer",
                "ssl_options.fail_if_no_peer_cert = true",
            ]
        plugins = []
        if self.management_port:
            plugins.append("rabbitmq_management")
            settings += ["management.tcp.ip = 127.0.0.1", f"management.tcp.port = {self.management_port}"]
        if self._tls and self.management_tls_port:
            own, authority = self._tls
            settings += [
                "management.ssl.ip = 127.0.0.1",
                f"management.ssl.port = {self.management_tls_port}",
                f"management.ssl.cacertfile = {authority}",
                f"management.ssl.certfile = {own}",
                f"management.ssl.keyfile = {own}",
            ]
        if self.metrics_port:
            plugins.append("rabbitmq_prometheus")
            settings += ["prometheus.tcp.ip = 127.0.0.1", f"prometheus.tcp.port = {self.metrics_port}"]
            settings.append("collect_statistics_interval = 1000")  # what a scrape sees of a queue is as old as this
        (self.directory / "definitions.json").write_text(json.dumps(self._definitions), encoding="utf-8")
        (self.directory / "rabbitmq.conf").write_text("\n".join(settings) + "\n", encoding="utf-8")
        (self.directory / "enabled_plugins").write_text(f"[{','.join(plugins)}].\n", encoding="utf-8")
        (self.directory / _TOLD).write_text(json.dumps(self._environment()), encoding="utf-8")
        cookie = self.directory / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(secrets.token_hex(16), encoding="utf-8")
            cookie.chmod(0o400)

    def _environment(self) -> dict[str, str]:
        here = self.directory
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": str(here),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd),
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(here / "none.config"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_PID_FILE": str(here / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "generated"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(here / "feature_flags"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            "RABBITMQ_CTL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _wait(self) -> None:
        end = time.monotonic() + _BOOT
        while time.monotonic() < end:
            if self._guard is None or self._guard.poll() is not None:
                break
            others = filter(None, (self.tls_port, self.management_port, self.management_tls_port))
            if _speaks_amqp(self.port) and all(map(_listens, others)):
                return
            time.sleep(0.05)  # a broker that boots tells nobody when it is done
        tail = self._log_tail()
        self.stop()
        raise SettingsError(f"the private RabbitMQ node did not start within {_BOOT:g} s; its log ends with:\n{tail}")

    def _log_tail(self) -> str:
        logs = [self.directory / "boot.log", *sorted((self.directory / "log").glob("*.log"))]
        lines = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()]
        return "\n".join(lines[-12:])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _speaks_amqp(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(_HELLO)
            return connection.recv(1) == b"\x01"
    except OSError:
        return False
