"""Cases that schemathesis makes up from the document of a running gateway, and what came of them."""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import processes
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky, Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.stateful import run_state_machine_as_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.stateful.dependencies import DependencyGraph

CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
BOTH = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
OUR_OWN = ("connector_exception", "connector_lost", "bad_reply")
"""Reasons that are a failure of ours, whatever the document lists: a test identifier's timeout or a SOAP fault is none."""
PATIENCE = 65.0
"""Longer than any service's timeout: an identifier may mean that nobody answers."""
LATE = 5.0
"""Seconds that an answer may come after its service's timeout: our budget is one, the rest is a busy machine's."""
STEPS = 8
"""Calls in one sequence, at most."""
AT_ONCE = 100
"""Cases of one operation in one round, at most."""
GENERATED = {
    "database": None,
    "deadline": None,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


@dataclass
class Told:
    """What the answers were; `broken`: each promise of the document that was not kept, once, with an answer that shows it."""

    process: processes.Process
    wanted: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    by_operation: Counter[tuple[str, str]] = field(default_factory=Counter)
    followed: Counter[str] = field(default_factory=Counter)
    broken: dict[str, str] = field(default_factory=dict)
    slowest: float = 0.0
    resident: list[int] = field(init=False)
    """MiB that the process held at the start and on the way."""
    _began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.resident = [self.process.resident()]

    @property
    def cases(self) -> int:
        return self.statuses.total()

    @property
    def is_enough(self) -> bool:
        return self.cases >= self.wanted

    def note(self, case: Any, response: Any, mode: str) -> None:
        """Hold an answer against the document."""
        operation = case.operation
        text = response.content.decode(errors="replace")  # a map is a picture
        budget = float(operation.definition.raw.get("x-lgsp-timeout", "5s").removesuffix("s"))
        failures = []
        if any(f'"reason": "{reason}"' in text for reason in OUR_OWN) or _outcome(response) == "bus_error":
            failures.append("a failure of ours")
        if response.elapsed > budget + LATE:
            failures.append(f"{response.elapsed:.1f} s of {budget:g}")
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            failures.extend(str(failure) for failure in group.exceptions)
        self.statuses[response.status_code] += 1
        self.by_operation[operation.label, mode] += 1
        self.slowest = max(self.slowest, response.elapsed)
        for failure in failures:
            kind = f"{operation.label}: {response.status_code} {failure.splitlines()[0]}"
            if kind not in self.broken:
                self.broken[kind] = f"{kind}\n{failure}\n{text[:200]}\n{case.as_curl_command()[:600]}"
        if self.wanted and (self.cases == 1 or self.cases % max(self.wanted // 40, 250) == 0):
            self._progress()

    def _progress(self) -> None:
        self.resident.append(self.process.resident())
        speed = self.cases / (time.monotonic() - self._began)
        print(
            f"{self.cases:,} of {self.wanted:,} cases, {speed:.0f}/s, {self.resident[-1]} MiB, {len(self.broken)} broken",
            file=sys.stderr,
            flush=True,
        )

    def __str__(self) -> str:
        statuses = ", ".join(f"{many:,} x {status}" for status, many in sorted(self.statuses.items()))
        took = time.monotonic() - self._began
        held = " ".join(map(str, [*self.resident, self.process.resident()]))
        return f"{self.cases:,} cases in {took:.0f} s: {statuses}; slowest {self.slowest:.2f} s; MiB: {held}"


def _outcome(response: Any) -> str:
    return next(iter(response.headers.get("x-lgsp-outcome", [])), "")


@dataclass(frozen=True)
class Asker:
    """A consumer that asks what the document of a running gateway offers."""

    running: processes.Process
    consumer: str = "tester"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.running.found(r"gateway +(http://\S+)")

    def document(self) -> Any:
        return schemathesis.openapi.from_url(f"{self.url}/openapi.json")

    def session(self) -> requests.Session:
        made = requests.Session()
        token = processes.token_of(self.url, self.running.state, self.consumer)
        made.headers.update({"Authorization": f"Bearer {token}", **self.headers})
        return made

    def ask(
        self, told: Told, operation: Any, session: requests.Session, mode: GenerationMode, many: int, drawn: str | None
    ) -> None:
        """`many` cases of one operation, or as many as there are; the same for the same `drawn`, always the same for none."""

        @settings(max_examples=many, derandomize=drawn is None, **GENERATED)
        @given(case=operation.as_strategy(generation_mode=mode))
        def each(case: Any) -> None:
            told.note(case, case.call(session=session, timeout=PATIENCE), mode.value)

        try:
            (each if drawn is None else seed(drawn)(each))()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label  # nothing that is sent to it can be wrong

    def every_operation(self, many: int, modes: tuple[GenerationMode, ...] = BOTH) -> Told:
        """`many` cases of each operation and mode, the same in every run."""
        told, session = Told(self.running), self.session()
        for operation in operations(self.document()):
            for mode in modes:
                self.ask(told, operation, session, mode, many, None)
        return told

    def at_length(self, wanted: int, seed_: int) -> Told:
        """At least `wanted` cases, round by round over every operation and mode, with other cases in each round."""
        told, session = Told(self.running, wanted), self.session()
        offered = operations(self.document())
        many = min(AT_ONCE, wanted // (len(offered) * len(BOTH)) + 1)
        for number in count():
            for operation in offered:
                for mode in BOTH:
                    if told.is_enough:
                        return told
                    self.ask(told, operation, session, mode, many, f"{seed_}/{number}/{operation.label}/{mode.value}")
        raise AssertionError

    def in_sequence(self, wanted: int, seed_: int) -> Told:
        """About `wanted` cases in sequences that follow the document's links; two of three calls ask to be stored."""
        told, session = Told(self.running, wanted), self.session()
        document = self.document()
        # Our links alone: what schemathesis would infer beside them it cannot read from schemas of more than one type.
        document.config.phases.stateful.inference.algorithms = []
        document.analysis._dependency_graph = DependencyGraph(operations={}, resources={})

        class Machine(document.as_state_machine()):  # type: ignore[misc] - a class made of the document
            def setup(self) -> None:
                self.steps = count(1)

            def before_call(self, case: Any) -> None:
                if next(self.steps) % 3:
                    case.headers = {**(case.headers or {}), "Prefer": "respond-async"}

            def step(self, input: Any) -> Any:  # noqa: A002 - the name is schemathesis'
                if input.transition is not None and input.is_applied:
                    told.followed[input.case.operation.label] += 1
                return super().step(input)

            def get_call_kwargs(self, _: Any) -> dict[str, Any]:
                return {"session": session, "timeout": PATIENCE}

            def validate_response(self, response: Any, case: Any, **_: Any) -> None:
                told.note(case, response, case.meta.generation.mode.value)

        sequences = settings(max_examples=AT_ONCE // STEPS, stateful_step_count=STEPS, **GENERATED)
        for number in count():
            if told.is_enough:
                return told
            # A bus remembers: the same calls again may be answered otherwise, which ends a round and is no finding.
            with suppress(Flaky):
                run_state_machine_as_test(seed(f"{seed_}/{number}")(Machine), settings=sequences)
        raise AssertionError


def operations(document: Any) -> list[Any]:
    return [result.ok() for result in document.get_all_operations()]
