"""The block `upstream:` of the YAML: the real provider behind a service."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from lgsp.catalogue.reader import Reader
from lgsp.catalogue.service import Upstream
from lgsp.catalogue.source import Node
from lgsp.model import Outcome

KEYS = (
    "url",
    "timeout",
    "connect_timeout",
    "retries",
    "headers",
    "headers_file",
    "authority",
    "certificate",
    "outcomes",
)
ANSWERED = (Outcome.OK, Outcome.BUSINESS_FAULT, Outcome.REJECTED, Outcome.PROVIDER_ERROR)
"""What an answer with some status can mean; that there is none is no status."""
MOST_RETRIES = 5
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUS = re.compile(r"[2-5](xx|[0-9]{2})")
_CONNECTION_S = ("connection", "content-length", "host", "transfer-encoding", "upgrade")


def read_upstream(reader: Reader, node: Node, where: str) -> Upstream:
    """The upstream of a service. Values of headers are secrets: no problem repeats one."""
    readers: dict[str, Callable[[Node, str], Any]] = {
        "url": lambda node, where: read_url(reader, node, where).rstrip("/"),
        "timeout": lambda node, where: _above_zero(reader, node, where),
        "connect_timeout": lambda node, where: _above_zero(reader, node, where),
        "retries": lambda node, where: _retries(reader, node, where),
        "headers": lambda node, where: {name: SecretStr(value) for name, value in _headers(reader, node, where)},
        "headers_file": lambda node, where: _files(reader, node, where),
        "authority": reader.text,
        "certificate": reader.text,
        "outcomes": lambda node, where: _outcomes(reader, node, where),
    }
    found = {key: value for key, _, value in reader.entries(node, where, KEYS)}
    if "url" not in found and node.kind == "mapping":
        reader.note(node, where, "the key 'url' is missing")
    fields = {key: readers[key](value, f"{where} / {key}") for key, value in found.items()}
    for name in ("authority", "certificate"):
        if name in fields and not fields.get("url", "").startswith("https:"):
            reader.note(found[name], where, f"{name!r} is for an address with https://")
    for twice in fields.get("headers", {}).keys() & fields.get("headers_file", {}).keys():
        reader.note(found["headers_file"], where, f"the header {twice!r} stands in `headers` as well")
    return Upstream(**({"url": ""} | fields))


def read_url(reader: Reader, node: Node, where: str) -> str:
    """An address of somebody else's, without credentials; empty where it is none."""
    url = reader.text(node, where)
    try:
        parts = urlsplit(url)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or not (url.isascii() and url.isprintable()) or " " in url:
        reader.note(node, where, "this is no address: write it as https://host/path")
        return ""
    if "@" in parts.netloc:
        reader.note(node, where, "credentials do not stand in an address: give them in `headers` or `headers_file`")
    if parts.query or parts.fragment:
        reader.note(node, where, "an address ends with its path: query and fragment come with each call")
    return url


def _above_zero(reader: Reader, node: Node, where: str) -> float:
    seconds = reader.duration(node, where)
    if seconds <= 0:
        reader.note(node, where, "a timeout lies above 0 s")
        return 1.0
    return seconds


def _retries(reader: Reader, node: Node, where: str) -> int:
    number = reader.number(node, where)
    if number != int(number) or number > MOST_RETRIES:
        reader.note(node, where, f"retries are a whole number from 0 to {MOST_RETRIES}")
        return 0
    return int(number)


def _headers(reader: Reader, node: Node, where: str) -> list[tuple[str, str]]:
    made = []
    for name, key, value in reader.entries(node, where):
        _check_header(reader, key, where, name)
        if value.kind != "text" or not (value.text.isascii() and value.text.isprintable()):
            reader.note(value, where, f"the value of {name!r} is one line of ASCII text")
            continue
        rest = VARIABLE.sub("", value.text)
        if "${" in rest:
            reader.note(value, where, f"the value of {name!r} has a `${{` that is no ${{VARIABLE}} of the environment")
        if any(variable.startswith("LGSP_") for variable in VARIABLE.findall(value.text)):
            reader.note(value, where, "variables of lgsp itself are not sent to anybody")
        made.append((name.lower(), value.text))
    return made


def _files(reader: Reader, node: Node, where: str) -> dict[str, str]:
    made = {}
    for name, key, value in reader.entries(node, where):
        _check_header(reader, key, where, name)
        made[name.lower()] = reader.text(value, f"{where} / {name}")
    return made


def _check_header(reader: Reader, key: Node, where: str, name: str) -> None:
    if not _NAME.fullmatch(name) or name.lower() in _CONNECTION_S:
        reader.note(key, where, f"{name!r} is no header that can be set here")


def _outcomes(reader: Reader, node: Node, where: str) -> dict[str, Outcome]:
    words = [str(outcome) for outcome in ANSWERED]
    made = {}
    for name, key, value in reader.entries(node, where):
        if not _STATUS.fullmatch(name):
            reader.note(key, where, f'{name!r} is no status: write it as "404" or "4xx"')
        made[name] = Outcome(reader.choice(value, f"{where} / {name}", words))
    return made
