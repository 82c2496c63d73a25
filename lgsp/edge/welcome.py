"""What a newcomer finds ready: consumers whose secrets are made here, and `curl`s that work."""

from __future__ import annotations

import hashlib
import secrets
import shlex
from pathlib import Path

from lgsp.catalogue.consumer import EVERYTHING, Consumer
from lgsp.catalogue.secret import hashed
from lgsp.catalogue.service import Catalogue
from lgsp.edge.tls import authority_file
from lgsp.model import Outcome
from lgsp.settings import keep_secret

DEMO, TESTER = "demo", "tester"
OURS = (
    Consumer(id=DEMO, title=DEMO, local=True, subscriptions=(EVERYTHING,)),
    Consumer(id=TESTER, title=TESTER, local=True, subscriptions=(EVERYTHING,), behaviour="calm", may_force=True),
)
"""The consumers that `up` brings where the configuration does not name them: one lifelike, one calm."""


def secret_file_of(state: Path, consumer: str) -> Path:
    """Where the secret of a `local` consumer lies."""
    return state / "secrets" / "consumers" / consumer


def a_token_curl(url: str, state: Path) -> str:
    """A `curl` that fetches a token for the calm consumer of this process."""
    file = shlex.quote(str(secret_file_of(state, TESTER).absolute()))
    return f'{_curl(url, state)} -u "{TESTER}:$(cat {file})" -d grant_type=client_credentials {url}/token'


def _curl(url: str, state: Path) -> str:
    """`curl`, which trusts this process's own authority where that is asked for."""
    trust = f" --cacert {shlex.quote(str(authority_file(state).absolute()))}" if url.startswith("https:") else ""
    return f"curl -s{trust}"


def a_curl(url: str, state: Path, catalogue: Catalogue) -> str:
    """A `curl` that works: the busiest service's first example that needs no body, with a token that it fetches itself."""
    bearer = f"""-H "Authorization: Bearer $({a_token_curl(url, state)} | sed -E 's/.*"access_token": ?"([^"]+)".*/\\1/')\""""
    for service in sorted(catalogue, key=lambda service: -service.share):
        for operation in service.operations.values():
            for example in operation.examples:
                if operation.method == "GET" and example.reply.outcome is Outcome.OK and not example.request.headers:
                    query = f"?{example.request.query}" if example.request.query else ""
                    return f"{_curl(url, state)} {bearer} '{url}{service.context}{example.request.path}{query}'"
    return f"{_curl(url, state)} {bearer} '{url}/'"


def with_secret(state: Path, consumer: Consumer) -> Consumer:
    """A `local` consumer with the secret that this state directory keeps for it, made where it is missing; any other as it is."""
    if not consumer.local:
        return consumer
    made = keep_secret(secret_file_of(state, consumer.id), lambda: secrets.token_urlsafe(32).encode())
    # Salted by itself, so that the same secret has the same line whenever it is read.
    line = hashed(made.decode().strip(), hashlib.sha256(made).digest()[:16])
    return consumer.model_copy(update={"secrets": (line, *consumer.secrets)})
