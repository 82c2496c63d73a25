"""Real providers: where they are, what they want to see, and whether they are asked at the moment."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self
from urllib.parse import urlsplit

import aiohttp
import structlog

from lgsp.breaker import USUAL, Circuit
from lgsp.catalogue.service import Service, Upstream
from lgsp.catalogue.upstream import VARIABLE
from lgsp.clock import Clock
from lgsp.errors import CatalogueError, ProviderError, SettingsError, Unreachable
from lgsp.model import Outcome, Tap
from lgsp.trust import context_of

log = structlog.get_logger()
MAX_REPLY = 32 * 1024 * 1024
_FAILED = frozenset({Outcome.PROVIDER_ERROR, Outcome.TIMEOUT, Outcome.UNREACHABLE})


class Watch(Protocol):
    """Told of what happens to a provider. Nothing here may block or raise."""

    def provider(self, service: str) -> None:
        """A service has a real provider."""
        ...

    def attempt(self, service: str, outcome: Outcome) -> None:
        """One HTTP request to the provider ended."""
        ...

    def circuit(self, service: str, *, is_open: bool) -> None:
        """Its breaker opened or closed."""
        ...


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    # aiohttp repeats a PUT or DELETE by itself when one of its own errors says that the connection broke: ours do not.
    try:
        return await handler(request)
    except aiohttp.ConnectionTimeoutError as error:
        raise Unreachable("connect_timeout") from error
    except aiohttp.ClientConnectorError as error:
        raise Unreachable("provider_down") from error
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
        raise ProviderError("receive_failed") from error


class Provider:
    """One real provider: where it is, its secrets, its breaker. Its `repr` shows no secret.

    `files`: what its authority's and our own certificate's files hold.
    """

    def __init__(
        self,
        service: Service,
        upstream: Upstream,
        headers: Mapping[str, str],
        files: tuple[bytes, ...],
        tls: ssl.SSLContext | Literal[True],
        world: Upstreams,
    ) -> None:
        self.service = service
        self.upstream = upstream
        self.headers = headers
        self.files = files
        self.tls = tls
        self._distrust = ""
        self._world = world
        self._circuit = Circuit(USUAL)

    def __repr__(self) -> str:
        return f"<Provider {self.service.id} at {urlsplit(self.upstream.url).netloc}, {self._circuit!r}>"

    def admit(self) -> int:
        """The turn of a call that may go. Raises `Unreachable`, reason `suspended`, while the breaker is open."""
        turn = self._circuit.admit(self._world.clock.now())
        if turn is None:
            raise Unreachable("suspended", f"{self.service.id} is suspended after failures")
        return turn

    def distrust(self, wrong: str) -> None:
        """Name what is wrong with a certificate, once; nothing where nothing is."""
        if wrong and wrong != self._distrust:
            log.warning("provider not trusted", service=self.service.id, url=self.upstream.url, why=wrong)
            self._distrust = wrong

    def ended(self, turn: int, outcome: Outcome | None) -> None:
        """Note how an admitted call ended; `None` where it was given up."""
        now = self._world.clock.now()
        failed = None if outcome is None else outcome in _FAILED
        changed = self._circuit.ended(turn, now, failed=failed, began=now)
        if outcome is not None:
            self._world.watch.attempt(self.service.id, outcome)
        if changed:
            is_open = self._circuit.is_open
            self._world.watch.circuit(self.service.id, is_open=is_open)
            log.warning("circuit opened" if is_open else "circuit closed", service=self.service.id, outcome=outcome)


class Upstreams:
    """The way out of a process: its HTTP clients, and the providers it may reach.

    `allowed`: hosts, as `host` or `host:port`; any other is refused when its service is loaded. `environment` and
    `directory`: where secrets come from. Nothing is fetched before it was entered.
    """

    def __init__(
        self,
        clock: Clock,
        watch: Watch,
        taps: Sequence[Tap] = (),
        *,
        seed: int,
        allowed: Collection[str],
        environment: Mapping[str, str],
        directory: Path,
        max_reply: int = MAX_REPLY,
    ) -> None:
        self.clock = clock
        self.watch = watch
        self.taps = taps
        self.seed = seed
        self.max_reply = max_reply
        self._allowed = {host.lower() for host in allowed}
        self._environment = environment
        self._directory = directory
        self._providers: dict[str, Provider] = {}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    def __repr__(self) -> str:
        return f"<Upstreams {list(self._providers.values())}>"

    async def __aenter__(self) -> Self:
        for reuses in (True, False):
            self._sessions[reuses] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=256, force_close=not reuses),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=("Content-Type",),
                headers={"User-Agent": "lgsp", "Accept-Encoding": "identity"},
                middlewares=(_once,),
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            await session.close()

    def session(self, *, reuses: bool) -> aiohttp.ClientSession:
        """The client for requests that may be repeated; or, on a fresh connection each, for those that may not.

        A kept connection can die just as a request goes out, and nobody knows then how far it came.
        """
        return self._sessions[reuses]

    def of(self, service: Service) -> Provider:
        """The provider of a service; the same one, with its breaker, as long as nothing about it changed.

        Raises `CatalogueError` for a host that is not allowed and for a secret that is not there; never shows one.
        """
        upstream = service.upstream
        if upstream is None:
            raise CatalogueError([f"{service.where}: {service.id}: mode {service.mode} needs an `upstream`"])
        self._check_host(service, upstream)
        headers, files = self._headers(service, upstream), self._files(service, upstream)
        known = self._providers.get(service.id)
        if known is None or (known.upstream, known.headers, known.files) != (upstream, headers, files):
            known = self._providers[service.id] = Provider(
                service, upstream, headers, files, self._tls(service, upstream), self
            )
            self.watch.provider(service.id)
        return known

    def _files(self, service: Service, upstream: Upstream) -> tuple[bytes, ...]:
        """What the files of its TLS hold: another content makes another provider."""
        try:
            return tuple(file.read_bytes() for file in self._named(upstream) if file)
        except OSError as error:
            problem = f"{error.filename} cannot be read: {error.strerror}"
            raise CatalogueError([f"{service.where}: {service.id} / upstream / {problem}"]) from error

    def _tls(self, service: Service, upstream: Upstream) -> ssl.SSLContext | Literal[True]:
        if not upstream.url.startswith("https:"):
            return True  # aiohttp's word for its default, which plain HTTP does not look at
        try:
            return context_of(*self._named(upstream))
        except SettingsError as error:
            raise CatalogueError([f"{service.where}: {service.id} / upstream / {error}"]) from error

    def _named(self, upstream: Upstream) -> list[Path | None]:
        return [self._directory / file if file else None for file in (upstream.authority, upstream.certificate)]

    def _check_host(self, service: Service, upstream: Upstream) -> None:
        parts = urlsplit(upstream.url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if not {host, f"{host}:{port}"} & self._allowed:
            problem = f"{host}:{port} is no host that this process may reach: start it with --reach {host} (LGSP_REACH)"
            raise CatalogueError([f"{service.where}: {service.id} / upstream / url: {problem}, if that is meant"])

    def _headers(self, service: Service, upstream: Upstream) -> dict[str, str]:
        problems: list[str] = []
        made: dict[str, str] = {}
        for name, secret in upstream.headers.items():
            text = secret.get_secret_value()
            problems += [
                f"headers / {name}: the environment has no {variable}: set it, or take it out"
                for variable in VARIABLE.findall(text)
                if variable not in self._environment
            ]
            made[name] = VARIABLE.sub(lambda found: self._environment.get(found[1], ""), text)
        for name, file in upstream.headers_file.items():
            try:
                made[name] = (self._directory / file).read_text(encoding="ascii").strip()
            except OSError as error:
                problems.append(f"headers_file / {name}: {file} cannot be read: {error.strerror}")
            except UnicodeDecodeError:
                problems.append(f"headers_file / {name}: {file} holds more than one line of ASCII text")
        problems += [
            f"header {name}: its value is not one line of ASCII text"
            for name, value in made.items()
            if not (value.isascii() and value.isprintable())
        ]
        if problems:
            raise CatalogueError([f"{service.where}: {service.id} / upstream / {problem}" for problem in problems])
        return made
