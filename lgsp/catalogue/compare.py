"""Whether a reply is what its example says. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from lgsp.catalogue.service import ExampleReply
from lgsp.model import Outcome


def differences(wanted: ExampleReply, status: int, outcome: Outcome | None, body: bytes) -> list[str]:
    """What differs, each with its place; nothing where the reply is as the example has it.

    Without an `outcome` it is not compared, nor is a body that the example leaves out.
    """
    found = []
    if status != wanted.status:
        found.append(f"status: {status}, not {wanted.status}")
    if outcome is not None and outcome is not wanted.outcome:
        found.append(f"outcome: {outcome}, not {wanted.outcome}")
    if wanted.body is None:
        return found
    if isinstance(wanted.body, str):
        text = body.decode(errors="replace")
        return found if text == wanted.body else [*found, f"body: {_short(text)}, not {_short(wanted.body)}"]
    try:
        got = json.loads(body)
    except ValueError:
        return [*found, f"body: {_short(body.decode(errors='replace'))} is no JSON"]
    return [*found, *_unlike(wanted.body, got, "body", subset=wanted.compare == "subset")]


def _unlike(wanted: object, got: object, where: str, *, subset: bool) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        for name in wanted:
            if name in got:
                yield from _unlike(wanted[name], got[name], f"{where}.{name}", subset=subset)
            else:
                yield f"{where}.{name} is missing"
        if not subset:
            yield from (f"{where}.{name} is too much" for name in got if name not in wanted)
    elif isinstance(wanted, list | tuple) and isinstance(got, list) and len(wanted) == len(got):
        for number, pair in enumerate(zip(wanted, got, strict=True)):
            yield from _unlike(*pair, f"{where}.{number}", subset=subset)
    elif wanted != got or isinstance(wanted, bool) is not isinstance(got, bool):
        yield f"{where}: {_short(json.dumps(got, ensure_ascii=False))}, not {_short(json.dumps(wanted, ensure_ascii=False, default=list))}"


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
