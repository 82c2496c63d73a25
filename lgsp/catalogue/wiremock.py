"""A services file from WireMock's mappings: what can be said in ours is converted, the rest is named with its reason."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from lgsp.catalogue.draft import head, keyed, narrowed, quoted, safe
from lgsp.catalogue.parse import wrong_name
from lgsp.catalogue.pattern import compile_pattern
from lgsp.catalogue.replies import LONGEST_DELAY
from lgsp.catalogue.source import Source
from lgsp.errors import CatalogueError

_USUAL_PRIORITY = 5
_ABSENT = ("EMPTY_RESPONSE", "CONNECTION_RESET_BY_PEER")
_OWN_HEADERS = {"content-length", "transfer-encoding", "connection", "date"}
_REQUEST = {"method", "url", "urlPath", "urlPathTemplate", "urlPattern", "urlPathPattern"}
_REQUEST |= {"pathParameters", "queryParameters", "headers", "bodyPatterns"}
_RESPONSE = {"status", "statusMessage", "jsonBody", "body", "base64Body", "bodyFileName", "headers"}
_RESPONSE |= {"fixedDelayMilliseconds", "delayDistribution", "fault", "transformers", "transformerParameters"}
_MAPPING = {"id", "uuid", "name", "priority", "request", "response", "metadata", "persistent", "insertionIndex"}
_ANY_SEGMENT = "[^/]"
_JSON_PATH = re.compile(r"\$((?:\.[A-Za-z_]\w*|\[\d+\])+)")
_NAME = re.compile(r"[^\[\]. ]+")
When = dict[str, object]


class Report(Protocol):
    """Where it is told what was read, and what was left out at which place for which reason."""

    read: int

    def skip(self, position: str, reason: str) -> None:
        """Leave out what was just read."""
        ...


@dataclass(slots=True)
class _Rule:
    """One mapping, converted. `path` holds its segments, `None` where a value stands; tests of those are by place."""

    position: str
    name: str
    priority: int
    number: int
    method: str
    path: tuple[str | None, ...]
    when: When
    at: Mapping[int, object]
    names: Mapping[int, str]
    reply: dict[str, object]
    latency: Mapping[str, object] | None = None


def from_wiremock(service: str, sources: Iterable[Source], report: Report, open_file: Callable[[str], bytes]) -> str:
    """The file. `open_file` gives what a `bodyFileName` names, or raises `ValueError` in words.

    Raises `CatalogueError` for a file that is no JSON, and where no mapping could be converted.
    """
    groups: dict[tuple[str, tuple[str | None, ...]], list[_Rule]] = {}
    for number, (position, mapping) in enumerate(_mappings(sources)):
        report.read += 1
        try:
            rule = _rule(position, number, mapping, open_file)
        except ValueError as error:
            report.skip(position, str(error))
            continue
        groups.setdefault((rule.method, rule.path), []).append(rule)
    lines: list[str] = []
    for rules in groups.values():
        lines += _operation(_reached(sorted(rules, key=lambda rule: (rule.priority, -rule.number)), report))
    if not lines:
        raise CatalogueError(["no mapping could be converted: each is named above with its reason"])
    return "\n".join([*head(service, ()), f"{service}:", f"  title: {quoted(service)}", "  operations:", *lines]) + "\n"


def is_wiremock(data: bytes) -> bool:
    """Whether a file holds mappings: one, or a list under `mappings`."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and ("mappings" in value or {"request", "response"} <= value.keys())


def _mappings(sources: Iterable[Source]) -> Iterator[tuple[str, Any]]:
    """Each mapping with its position."""
    for source in sources:
        try:
            value = json.loads(source.data)
        except json.JSONDecodeError as error:
            raise CatalogueError(
                [f"{source.name}:{error.lineno}:{error.colno}: this is no JSON: {error.msg}"]
            ) from error
        except (ValueError, RecursionError) as error:
            raise CatalogueError([f"{source.name}:1:1: this is no JSON: {error}"]) from error
        several = value.get("mappings") if isinstance(value, dict) else None
        if not isinstance(several, list):
            yield source.name, value
            continue
        yield from ((f"{source.name}: mapping {number}", mapping) for number, mapping in enumerate(several, 1))


def _rule(position: str, number: int, mapping: object, open_file: Callable[[str], bytes]) -> _Rule:
    """Raises `ValueError` with the reason why a mapping is left out."""
    found = _object(mapping, "a mapping")
    _only(found, _MAPPING)
    asked, said = _object(found.get("request"), "`request`"), _object(found.get("response"), "`response`")
    _only(asked, _REQUEST)
    _only(said, _RESPONSE)
    method = str(asked.get("method", "ANY")).upper()
    path, at, names, when = _where(asked)
    name = f"{method} /" + "/".join("{x}" if segment is None else segment for segment in path)
    if problem := wrong_name(name.replace("{x}", "x")):
        raise ValueError(problem)
    for place, words in (("query", "queryParameters"), ("headers", "headers")):
        for word, test in _object(asked.get(words, {}), f"`{words}`").items():
            if not _NAME.fullmatch(word):
                raise ValueError(f"{words}: {word!r} is no name that a condition can have")
            when[f"{place}.{word.lower() if place == 'headers' else word}"] = _test(test)
    for test in _list(asked.get("bodyPatterns", []), "`bodyPatterns`"):
        when |= _of_body(_object(test, "a body pattern"))
    reply, latency = _reply(said, open_file)
    title = str(found.get("name") or f"mapping-{number + 1}")
    return _Rule(position, title, _priority(found), number, method, path, when, at, names, reply, latency)


def _priority(mapping: Mapping[str, Any]) -> int:
    priority = mapping.get("priority", _USUAL_PRIORITY)
    if not isinstance(priority, int):
        raise ValueError(f"priority {priority!r} is no number")  # noqa: TRY004 - a mapping that is wrong, not a call
    return priority


def _only(found: Mapping[str, Any], known: set[str]) -> None:
    strange = sorted(found.keys() - known)
    if strange:
        raise ValueError(f"there is nothing like {', '.join(strange)} here")


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is an object")  # noqa: TRY004 - as above
    return value


def _list(value: object, what: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{what} is a list")  # noqa: TRY004 - as above
    return value


def _where(asked: Mapping[str, Any]) -> tuple[tuple[str | None, ...], dict[int, object], dict[int, str], When]:
    """Segments of the path, tests and names of those that are values, and what its query has to be."""
    kinds = [kind for kind in ("url", "urlPath", "urlPathTemplate", "urlPattern", "urlPathPattern") if kind in asked]
    if len(kinds) != 1:
        raise ValueError(
            "a request without a path matches everything: name its path" if not kinds else "it has two paths"
        )
    text = str(asked[kinds[0]])
    names: dict[int, str] = {}
    at: dict[int, object] = {}
    when: When = {}
    path: tuple[str | None, ...]
    if kinds[0] in {"url", "urlPath"}:
        parts = urlsplit(text)
        when = {f"query.{name}": value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
        path = tuple(parts.path.split("/")[1:])
    elif kinds[0] == "urlPathTemplate":
        segments = text.split("/")[1:]
        names = {n: s[1:-1] for n, s in enumerate(segments) if s.startswith("{") and s.endswith("}")}
        path = tuple(None if n in names else s for n, s in enumerate(segments))
        for name, test in _object(asked.get("pathParameters", {}), "`pathParameters`").items():
            place = next((n for n, known in names.items() if known == name), None)
            if place is None:
                raise ValueError(f"there is no {{{name}}} in {text}")
            at[place] = _test(test)
    else:
        path, at = _of_pattern(text)
    return path, at, names, when


def _of_pattern(text: str) -> tuple[tuple[str | None, ...], dict[int, object]]:
    """A pattern of a path, segment by segment; one that goes over a slash is none of ours."""
    hidden = text.removeprefix("^").removesuffix("$").replace(_ANY_SEGMENT, "\x00")
    if "\\?" in hidden:
        raise ValueError(f"the pattern {text!r} is about the query too: use queryParameters")
    path: list[str | None] = []
    at: dict[int, object] = {}
    for place, segment in enumerate(hidden.split("/")[1:]):
        pattern = segment.replace("\x00", _ANY_SEGMENT)
        plain = pattern.replace("\\.", ".").replace("\\-", "-")
        if re.fullmatch(r"[A-Za-z0-9_~.-]+", plain) and "." not in pattern.replace("\\.", ""):
            path.append(plain)
            continue
        if segment.count("(") != segment.count(")") or re.search(r"\.[*+]|^[^(]*\|", segment):
            raise ValueError(f"the pattern {text!r} may go over a slash: name each segment")
        path.append(None)
        if pattern not in {f"{_ANY_SEGMENT}+", f"{_ANY_SEGMENT}*"}:
            at[place] = {"matches": _whole(pattern)}
    return tuple(path), at


def _whole(pattern: str) -> str:
    """A pattern that takes all of a value, as WireMock's do."""
    whole = f"^(?:{pattern})$"
    compile_pattern(whole)
    return whole


def _test(test: object) -> object:
    """A test of a text."""
    match test:
        case {"equalTo": str(text), **rest} if not any(rest.values()):
            return text
        case {"matches": str(pattern), **rest} if not rest:
            return {"matches": _whole(pattern)}
        case {"contains": str(text), **rest} if not rest:
            return {"matches": re.escape(text)}
        case {"absent": True, **rest} if not rest:
            return {"exists": False}
    raise ValueError(f"there is no test like {_short(test)} here")


def _of_body(test: Mapping[str, Any]) -> When:
    """Conditions on a JSON body."""
    match test:
        case {"equalToJson": wanted, **rest}:
            value = _parsed(wanted)
            if rest.get("ignoreArrayOrder") and "[" in json.dumps(value):
                raise ValueError("a list in any order is no condition here")
            if "json-unit" in json.dumps(value):
                raise ValueError("placeholders in JSON are no conditions here")
            return dict(_leaves(value, "body")) if rest.get("ignoreExtraElements") else {"body": {"equals": value}}
        case {"matchesJsonPath": str(way), **rest} if not rest:
            return {f"body{_way(way)}": {"exists": True}}
        case {"matchesJsonPath": {"expression": str(way), **inner}, **rest} if not rest:
            tested = _test(inner)
            if isinstance(tested, str) and re.fullmatch(r"-?\d{1,15}", tested):
                return {f"body{_way(way)}": {"one_of": [tested, int(tested)]}}
            return {f"body{_way(way)}": tested}
    raise ValueError(f"there is no test of a body like {_short(dict(test))} here")


def _parsed(wanted: object) -> object:
    if not isinstance(wanted, str):
        return wanted
    try:
        return json.loads(wanted)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"equalToJson holds no JSON: {error}") from error


def _leaves(value: object, place: str) -> Iterator[tuple[str, object]]:
    """Each value of a document that is no document itself, by its way."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None or not value:
        yield place, {"equals": value}
        return
    for name, member in inner:
        if not _NAME.fullmatch(str(name)):
            raise ValueError(f"{name!r} is no name that a condition can have")
        yield from _leaves(member, f"{place}.{name}")


def _way(way: str) -> str:
    found = _JSON_PATH.fullmatch(way)
    if not found:
        raise ValueError(f"the JSON path {way!r} is more than a way to one value")
    return re.sub(r"\[(\d+)\]", r".\1", found[1])


def _reply(
    said: Mapping[str, Any], open_file: Callable[[str], bytes]
) -> tuple[dict[str, object], Mapping[str, object] | None]:
    """A reply as a rule has it, and the latency that it asks for."""
    fault = said.get("fault")
    if fault is not None and str(fault) not in _ABSENT:
        raise ValueError(f"fault {fault} has nothing like it here")
    reply: dict[str, object] = {"outcome": "unreachable"} if fault else {}
    status = said.get("status", 200)
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise ValueError(f"status {status!r} is no HTTP status")
    if status != 200 and not fault:
        reply["status"] = status
    headers = {} if fault else _headers(said)
    body = None if fault else _body(said, headers, open_file)
    transformers = _list(said.get("transformers") or [], "`transformers`")
    if "response-template" in transformers and "{{" in json.dumps([body, headers]):
        raise ValueError("its reply is a template of WireMock's: write it with our expressions")
    if headers:
        reply["headers"] = safe(headers)
    if "fixedDelayMilliseconds" in said:
        reply["delay"] = _delay(said["fixedDelayMilliseconds"])
    if body is not None:
        reply["body"] = safe(body)
    return reply, _latency(said.get("delayDistribution"))


def _headers(said: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _object(said.get("headers", {}), "`headers`").items():
        if name.lower() in _OWN_HEADERS:
            continue
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise ValueError(f"header {name!r} is not one text")
        found[name.lower()] = value
    return found


def _body(said: Mapping[str, Any], headers: dict[str, str], open_file: Callable[[str], bytes]) -> object:
    """The body: JSON as values, else text, whose type is plain unless it says else."""
    if "jsonBody" in said:
        return narrowed(said["jsonBody"])
    try:
        if "base64Body" in said:
            text = base64.b64decode(str(said["base64Body"]), validate=True).decode()
        elif "bodyFileName" in said:
            text = open_file(str(said["bodyFileName"])).decode()
        else:
            text = str(said.get("body", ""))
    except UnicodeDecodeError:
        raise ValueError("a body that is no text has no place here") from None
    if not text:
        return None
    media = headers.get("content-type", "")
    if text.lstrip()[:1] in {"{", "["} and (not media or "json" in media):
        try:
            return narrowed(json.loads(text))
        except (ValueError, RecursionError):
            pass  # it is text that only begins like JSON
    if "json" in media:
        raise ValueError("its body is called JSON and is none")
    if not text.lstrip().startswith("<"):
        headers.setdefault("content-type", "text/plain; charset=utf-8")
    return text


def _delay(milliseconds: object) -> str:
    if not isinstance(milliseconds, int | float) or not 0 <= milliseconds <= LONGEST_DELAY * 1000:
        raise ValueError(f"a delay of {milliseconds!r} ms is more than {LONGEST_DELAY:g} s, or none")
    return f"{milliseconds:.3f}".rstrip("0").rstrip(".") + "ms"


def _latency(distribution: object) -> Mapping[str, object] | None:
    match distribution:
        case None:
            return None
        case {"type": "uniform", "lower": int() | float() as lower, "upper": int() | float() as upper, **rest} if (
            not rest
        ):
            return {"uniform": [_delay(lower), _delay(upper)]}
        case {"type": "lognormal", "median": int() | float() as median, "sigma": int() | float() as sigma, **rest} if (
            median > 0 and 0 <= sigma <= 5 and set(rest) <= {"maxValue"}
        ):
            law: dict[str, object] = {"p50": _delay(median), "p99": _ms(median * math.exp(2.3263478740408408 * sigma))}
            return law | ({"max": _delay(rest["maxValue"])} if "maxValue" in rest else {})
    raise ValueError(f"there is no latency like {_short(distribution)} here")


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.3f}ms"


def _reached(rules: Sequence[_Rule], report: Report) -> list[_Rule]:
    """The rules up to the first that takes everything; the operation's latency is that of all of them, or of none."""
    kept: list[_Rule] = []
    for rule in rules:
        if kept and not kept[-1].when and not kept[-1].at:
            report.skip(rule.position, f"it is never reached: {kept[-1].position} comes before it and takes everything")
        elif kept and rule.latency != kept[0].latency:
            report.skip(rule.position, f"its latency is another than that of {kept[0].position}: an operation has one")
        else:
            kept.append(rule)
    return kept


def _operation(rules: Sequence[_Rule]) -> Iterator[str]:
    first = rules[0]
    names: dict[int, str] = {}
    for place, segment in enumerate(first.path):
        if segment is None:
            given = next((rule.names[place] for rule in rules if place in rule.names), "")
            fit = re.fullmatch(r"[A-Za-z_]\w*", given) and given not in names.values()
            names[place] = given if fit else f"value_{place + 1}"
    path = "/".join(f"{{{names[place]}}}" if segment is None else segment for place, segment in enumerate(first.path))
    yield f"    {quoted(f'{first.method} /{path}')}:"
    if first.latency is not None:
        yield f"      latency: {{{', '.join(_law(first.latency))}}}"
    yield "      replies:"
    seen: set[str] = set()
    for rule in rules:
        name = rule.name if rule.name not in seen else f"{rule.name} ({rule.number + 1})"
        seen.add(name)
        yield f"        - name: {quoted(name)}"
        when = rule.when | {f"path.{names[place]}": test for place, test in rule.at.items()}
        if when:
            yield from keyed("          when", when)
        for key, value in rule.reply.items():
            yield from keyed(f"          {key}", value)


def _law(latency: Mapping[str, object]) -> Iterator[str]:
    for key, value in latency.items():
        yield f"{key}: [{', '.join(value)}]" if isinstance(value, list) else f"{key}: {value}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
