"""What was asked for: flag, then environment, then default; read once, handed down.

Only `lgsp/app` and the command line read this; everything below receives the values it needs.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lgsp.errors import SettingsError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST_RETENTION = 31
"""In days: the ledger keeps a whole month."""
SHIPPED = Path(__file__).parent / "config"
"""The configuration inside the wheel, read-only."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener stands."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_any(self) -> bool:
        """Whether it stands for every address of this machine, and so is nobody's name."""
        return self.host in {"0.0.0.0", "::", ""}  # noqa: S104 - recognised here, refused elsewhere


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process of lgsp can be told besides its catalogue."""

    config: Path
    state: Path
    name: str = "gw1"
    listen: Address = Address("127.0.0.1", 8280)
    admin: Address = Address("127.0.0.1", 8290)
    metrics: Address | None = None
    """Where metrics and health stand alone, for a Prometheus elsewhere; `None`: on the admin port only."""
    broker: str | None = None
    """`None`: the embedded bus; else an `amqp://` address."""
    broker_user: str | None = None
    broker_password: str | None = None
    broker_ca: Path | None = None
    """The authority that the broker's certificate comes from; `None`: those of the system."""
    broker_certificate: Path | None = None
    """What we show to a broker that wants to see a certificate, with its key."""
    answerers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Broker users of connectors processes, each with the services that it answers for; `()`: all."""
    open: bool = False
    tls: bool = False
    tls_names: tuple[str, ...] = ()
    """Names of this machine that its certificate carries beside loopback's."""
    tls_certificate: Path | None = None
    """What the gateway shows to callers, with its key; `None`: what our own test authority makes."""
    client_authority: Path | None = None
    """The authority of the certificates by which consumers may be known."""
    token_key: str | None = None
    """The key that signs tokens, in PEM, the same on all gateways; `None`: one of this state directory's own."""
    seed: int = 2023
    calm: bool = False
    keep: bool = False
    """Whether what stand-ins were told outlives the process."""
    max_body: int = 32 * 1024 * 1024
    max_in_flight: int = 2_000
    max_connections: int = 4_000
    """Of one address, at a gateway."""
    max_held: int = 256 * 1024 * 1024
    """Bytes of bodies that a gateway has in its hands at once."""
    prefetch: int = 256
    retention_days: int = 90
    """So long the ledger keeps single rows, at least."""
    capture_days: int = 30
    """So long captures stay in the state directory."""
    checkpoints: Path | None = None
    """Where copies of the ledger's checkpoints go; `None`: beside it."""
    journal_places: int = 32_768
    """So many transactions may be under way or wait to be written."""
    call_back: tuple[str, ...] = ()
    """Hosts (`host` or `host:port`) where consumers may be called back."""
    reach: tuple[str, ...] = LOOPBACK
    """Hosts (`host` or `host:port`) where real providers may be asked, and what follows an answer may be sent."""


def parse_address(text: str) -> Address:
    """`host:port`, `[v6]:port` or a bare port on loopback. Raises `SettingsError`."""
    host, _, port = text.rpartition(":")
    try:
        number = int(port)
    except ValueError:
        raise SettingsError(f"{text!r} is no address: write it as 127.0.0.1:8280") from None
    if not 0 <= number <= 65535:
        raise SettingsError(f"{text!r}: a port lies between 0 and 65535")
    return Address(host.strip("[]") or "127.0.0.1", number)


def parse_days(text: str, at_least: int = 1) -> int:
    """Days of `90d`. Raises `SettingsError`."""
    number = text.removesuffix("d")
    if not (text.endswith("d") and number.isascii() and number.isdigit() and len(number) < 7):
        raise SettingsError(f"{text!r} is no number of days: write it as 90d")
    if int(number) < at_least:
        raise SettingsError(f"{text} is too short: {at_least}d at least")
    return int(number)


def parse_size(text: str) -> int:
    """Bytes of `64KiB`, `256MiB` or `2GiB`. Raises `SettingsError`."""
    for unit, size in (("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)):
        number = text.removesuffix(unit)
        if text.endswith(unit) and number.isascii() and number.isdigit() and int(number):
            return int(number) * size
    raise SettingsError(f"{text!r} is no size: write it as 64KiB, 256MiB or 2GiB")


def parse_count(text: str, at_least: int = 1) -> int:
    """A whole number. Raises `SettingsError`."""
    if not (text.isascii() and text.isdigit()) or int(text) < at_least:
        raise SettingsError(f"{text!r} is no number of things: it is whole, and {at_least} or more")
    return int(text)


def find_config(flag: str | None, environment: Mapping[str, str], here: Path) -> Path:
    """The configuration in force: flag, `LGSP_CONFIG`, `./config` where it has a `services.yaml`, the shipped one.

    Raises `SettingsError` when a directory that was named has no `services.yaml`.
    """
    named = flag or environment.get("LGSP_CONFIG")
    if named:
        return _with_services(Path(named))
    if (here / "config" / "services.yaml").is_file():
        return here / "config"
    return _with_services(shipped_config())


def shipped_config() -> Path:
    """The configuration that came with lgsp: the one inside the wheel, or that of a checkout."""
    return SHIPPED if SHIPPED.is_dir() else Path(__file__).parent.parent / "config"


def _with_services(directory: Path) -> Path:
    if not (directory / "services.yaml").is_file():
        raise SettingsError(
            f"{directory} has no services.yaml: name a configuration directory with --config, "
            "or make one with `lgsp init DIR`"
        )
    return directory


def find_state(flag: str | None, environment: Mapping[str, str], home: Path) -> Path:
    """Where state lies: flag, `LGSP_STATE_DIR`, `$XDG_STATE_HOME/lgsp`, `~/.local/state/lgsp`; it may not exist yet."""
    named = flag or environment.get("LGSP_STATE_DIR")
    if named:
        return Path(named)
    base = environment.get("XDG_STATE_HOME")
    return Path(base) / "lgsp" if base else home / ".local" / "state" / "lgsp"


def make_state(directory: Path) -> Path:
    """The state directory, made with mode 0700 where it was missing. Raises `SettingsError` if it cannot be used."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        raise SettingsError(
            f"the state directory {directory} cannot be used ({error.strerror}): name another with --state"
        ) from error
    return directory


def read_secret(name: str, environment: Mapping[str, str]) -> str | None:
    """A secret from the file that `NAME_FILE` names, or from `NAME`; `None` without either. Raises `SettingsError`."""
    path = environment.get(f"{name}_FILE")
    if not path:
        return environment.get(name)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{name}_FILE names {path}, which cannot be read: {error.strerror}") from error


def keep_secret(file: Path, make: Callable[[], bytes]) -> bytes:
    """The content of a secret's file, made with mode 0600 where it is missing; two processes at once get the same.

    Raises `SettingsError`.
    """
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.touch(mode=0o600)
            new.write_bytes(make())
            try:
                os.link(new, file)  # whole or not at all, and never over another's
            except FileExistsError:
                pass
            finally:
                new.unlink()
        return file.read_bytes()
    except OSError as error:
        raise SettingsError(f"the secret {file} cannot be read or made: {error.strerror}") from error


def refuse_open_by_accident(addresses: Mapping[str, Address], *, is_open: bool) -> None:
    """Raise `SettingsError` when a listener would stand beyond loopback without `--open`."""
    for what, address in addresses.items():
        if not address.is_loopback and not is_open:
            raise SettingsError(
                f"{what} would listen on {address}, beyond this machine, without TLS: "
                "add --open (LGSP_OPEN=yes) if that is meant"
            )


def environment() -> Mapping[str, str]:
    """The process's environment: the only place where it is read."""
    return os.environ
