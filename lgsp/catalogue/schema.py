"""The format of a services file as JSON Schema 2020-12, for editors: what it refuses, the reader refuses too.

The reader sees more (paths that are the same, templates, lines); a schema sees what one value by itself can be.
"""

from __future__ import annotations

from typing import Any, get_args

from lgsp.catalogue.follow import KEYS, MOST, NEEDED
from lgsp.catalogue.limits import NEVER
from lgsp.catalogue.parse import MIXABLE
from lgsp.catalogue.replies import OUTCOMES, TESTS
from lgsp.catalogue.service import Day, Delivery, Evidence, Mode, Per, Route, Tier
from lgsp.catalogue.upstream import ANSWERED
from lgsp.model import Outcome

Schema = dict[str, Any]
DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$"}
RATE: Schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"}
TEXT: Schema = {"type": "string"}
FREQUENCY: Schema = {"type": "string", "pattern": "^0*[1-9][0-9]*/[smhd]$"}
NUMBER: Schema = {"type": "number", "minimum": 0}
COUNT: Schema = {"type": "integer", "minimum": 1}
STATUS: Schema = {"type": "integer", "minimum": 100, "maximum": 599}
CONTEXT: Schema = {"type": "string", "pattern": r"^(/[A-Za-z0-9._~-]+)+$"}
ADDRESS: Schema = {"type": "string", "pattern": "^https?://[^ ?#@]+$"}
HEADERS: Schema = {
    "type": "object",
    "patternProperties": {r"^[A-Za-z0-9-]+$": TEXT, "^x-": True},
    "additionalProperties": False,
}
_LITERAL = r"[A-Za-z0-9._~-]+"
_PARAMETER = r"\{[A-Za-z_][A-Za-z0-9_]*\}"
OPERATION = rf"^(GET|HEAD|POST|PUT|PATCH|DELETE) /(({_LITERAL}|{_PARAMETER})(/({_LITERAL}|{_PARAMETER}))*)?$"
_VALUE = r"(path|query|headers|body)\.[^\[\]]+"
CONDITION = rf"^(body|{_VALUE}|[A-Za-z_]\w*\[(body|{_VALUE})\](\.[^\[\].]+)?)$"


def format_schema() -> Schema:
    """The schema of `services.yaml` and of each file in `services.d/`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lgsp services",
        "type": ["object", "null"],
        "patternProperties": {"^[a-z][a-z0-9-]{0,62}$": {"$ref": "#/$defs/service"}},
        "additionalProperties": False,
        "$defs": {
            "service": _service(),
            "operation": _operation(),
            "text": {"anyOf": [TEXT, {**_mapping({"vi": TEXT, "en": TEXT}), "minProperties": 1}]},
            "latency": _latency(),
            "distribution": {"anyOf": list(_distributions().values())},
            "errors": _mapping({str(outcome): RATE for outcome in MIXABLE}),
            "form": _mapping(_form_keys()),
            "rule": _rule(),
            "comparison": _comparison(),
            "example": _example(),
        },
    }


def _mapping(keys: Schema, *required: str) -> Schema:
    """A mapping with these keys and no others, but `x-*`."""
    made: Schema = {"type": "object", "properties": keys, "patternProperties": {"^x-": True}}
    made["additionalProperties"] = False
    return made | ({"required": list(required)} if required else {})


def _free(values: Schema, pattern: str = "") -> Schema:
    """A mapping whose keys are names."""
    if not pattern:
        return {"type": "object", "additionalProperties": values}
    return {"type": "object", "patternProperties": {pattern: values, "^x-": True}, "additionalProperties": False}


def _one_of(words: Any) -> Schema:  # noqa: ANN401 - any words
    return {"enum": [str(word) for word in words]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _service() -> Schema:
    operations = {
        "anyOf": [
            {**_free(_ref("operation"), OPERATION), "minProperties": 1},
            {"type": "array", "items": {"type": "string", "pattern": OPERATION}},
        ]
    }
    keys = {
        "title": _ref("text"),
        "owner": TEXT,
        "tier": _one_of(get_args(Tier)),
        "route": _one_of(get_args(Route)),
        "context": CONTEXT,
        "aliases": {"type": "array", "items": CONTEXT},
        "timeout": DURATION,
        "objective": RATE,
        "mode": _one_of(get_args(Mode)),
        "connector": {"type": "string", "pattern": r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$"},
        "share": RATE,
        "request_id": TEXT,
        "limit": FREQUENCY,
        "hard_limit": FREQUENCY,
        "in_flight": COUNT,
        "breaker": {"anyOf": [_breaker(), {"const": NEVER}]},
        "latency": _ref("latency"),
        "errors": _ref("errors"),
        "capacity": _capacity(),
        "profile": {"type": "array", "items": _window()},
        "upstream": _upstream(),
        "data": _free(_mapping({"csv": TEXT, "key": TEXT}, "csv", "key"), r"^[A-Za-z_]\w*$"),
        "operations": operations,
    }
    return _mapping(keys, "title", "operations")


def _capacity() -> Schema:
    keys = {
        "workers": COUNT,
        "queue": {"type": "integer", "minimum": 0},
        "overflow": _mapping({"status": {"type": "integer", "minimum": 400, "maximum": 599}, "retry_after": DURATION}),
        "rate": FREQUENCY,
        "burst": COUNT,
        "per": _one_of(get_args(Per)),
    }
    needs = {"queue": ["workers"], "overflow": ["workers"], "burst": ["rate"], "per": ["rate"]}
    either = [{"required": ["workers"]}, {"required": ["rate"]}]
    return {**_mapping(keys), "dependentRequired": needs, "anyOf": either}


def _window() -> Schema:
    time = {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
    factor = {"type": "number", "minimum": 0, "maximum": 100}
    days = {"type": "array", "items": _one_of(get_args(Day))}
    return _mapping({"from": time, "to": time, "days": days, "latency": factor, "errors": factor}, "from", "to")


def _breaker() -> Schema:
    return _mapping({"failures": COUNT, "share": RATE, "calls": COUNT, "pause": DURATION, "longest_pause": DURATION})


def _operation() -> Schema:
    keys = {
        "summary": _ref("text"),
        "idempotent": {"type": "boolean"},
        "delivery": _one_of(get_args(Delivery)),
        "max_age": DURATION,
        "evidence": _one_of(get_args(Evidence)),
        "source": TEXT,
        "weight": NUMBER,
        "latency": _ref("latency"),
        "errors": _ref("errors"),
        "request": _mapping({"schema": {"type": ["object", "string"]}, "invalid": _ref("form")}, "schema"),
        "reply": True,
        "replies": {"type": "array", "minItems": 1, "items": _ref("rule")},
        "follows": {"type": "array", "minItems": 1, "maxItems": MOST, "items": _follow()},
        "examples": _free(_ref("example")),
    }
    return {**_mapping(keys), "not": {"required": ["reply", "replies"]}}


def _distributions() -> dict[str, Schema]:
    p50_p99 = {"p50": DURATION, "p99": DURATION}
    return {
        "p50": _mapping(p50_p99 | {"max": DURATION, "weight": NUMBER}, "p50", "p99"),
        **{
            kind: _mapping({kind: value, "max": DURATION, "weight": NUMBER}, kind)
            for kind, value in {
                "fixed": DURATION,
                "exponential": DURATION,
                "uniform": {"type": "array", "items": DURATION, "minItems": 2, "maxItems": 2},
                "lognormal": _mapping(p50_p99, "p50", "p99"),
                "percentiles": {**_free(DURATION, r"^p?[0-9]+(\.[0-9]+)?$"), "minProperties": 1},
            }.items()
        },
    }


def _latency() -> Schema:
    mixture = {"type": "array", "minItems": 1, "items": _ref("distribution")}
    return {"anyOf": [_ref("distribution"), _mapping({"mixture": mixture, "max": DURATION}, "mixture")]}


def _form_keys() -> Schema:
    return {
        "status": STATUS,
        "outcome": _one_of(OUTCOMES),
        "headers": HEADERS,
        "delay": DURATION,
        "body": True,
    }


def _rule() -> Schema:
    step = _mapping(_form_keys() | {"after": DURATION})
    keys = {
        "name": TEXT,
        "when": _free(_ref("comparison"), CONDITION),
        **_form_keys(),
        "sequence": {"type": "array", "minItems": 2, "items": step},
        "starts": TEXT,
        "since": TEXT,
        "per": TEXT,
        "then": _one_of(("stay", "restart")),
    }
    alone = {"required": ["sequence"]}
    return {**_mapping(keys), "dependentSchemas": {"per": alone, "then": alone}}


def _follow() -> Schema:
    forms: Schema = {
        "after": {"anyOf": [DURATION, _ref("latency")]},
        "post": ADDRESS,
        "when": _free(_ref("comparison"), CONDITION),
        "headers": HEADERS,
        "body": True,
        "secret_file": TEXT,
    }
    return _mapping({key: forms[key] for key in KEYS}, *NEEDED)


def _comparison() -> Schema:
    keys: Schema = {word: {"type": "number"} for word in TESTS}
    keys |= {"equals": True, "one_of": {"type": "array", "minItems": 1}, "matches": TEXT, "exists": {"type": "boolean"}}
    return {"if": {"type": "object"}, "then": {**_mapping(keys), "minProperties": 1}}


def _example() -> Schema:
    request = _mapping({"path": TEXT, "query": TEXT, "headers": _free(TEXT), "body": True})
    compare = {"compare": _one_of(("exact", "subset")), "body": True}
    reply = _mapping({"status": STATUS, "outcome": _one_of(Outcome), **compare})
    return _mapping({"request": request, "reply": reply})


def _upstream() -> Schema:
    keys = {
        "url": ADDRESS,
        "timeout": DURATION,
        "connect_timeout": DURATION,
        "retries": {"type": "integer", "minimum": 0, "maximum": 5},
        "headers": _free(TEXT),
        "headers_file": _free(TEXT),
        "authority": TEXT,
        "certificate": TEXT,
        "outcomes": _free(_one_of(ANSWERED), r"^[2-5](xx|[0-9]{2})$"),
    }
    return _mapping(keys, "url")
