"""What a board is made of, as data: its question, its panels, what each asks of Prometheus and how the answer looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lgsp.monitoring.words import Text

GREY, GREEN, YELLOW, ORANGE, RED, BLUE, PURPLE = "#808080", "green", "yellow", "orange", "red", "blue", "purple"
LOWEST = -1e9
"""Below every value that occurs: the step at which colour begins, since what is absent has the base's grey."""
Steps = Sequence[tuple[float, str]]
PLAIN: Steps = ()
"""No judgement."""
PROMISE: Steps = ((0, RED), (0.98, ORANGE), (0.99, GREEN))
"""99 % is the promise of the whole bus."""
LEFT_OF_BUDGET: Steps = ((LOWEST, RED), (0, ORANGE), (0.25, GREEN))
BURNING: Steps = ((LOWEST, GREEN), (1, ORANGE), (6, RED))
NONE_IS_GOOD: Steps = ((LOWEST, RED), (0, GREEN), (1, RED))
SOME_IS_GOOD: Steps = ((LOWEST, RED), (1, GREEN))
NO_DATA = Text("no data", "chưa có dữ liệu")
IDLE = Text("idle", "không có lượt gọi")
NO_BROKER = Text("no RabbitMQ", "không có RabbitMQ")
NEVER = Text("never", "chưa bao giờ")


class Kind(StrEnum):
    """How an answer looks."""

    STAT = "stat"
    LINES = "lines"
    AREAS = "areas"
    STATUS = "status"
    TIMELINE = "timeline"
    TABLE = "table"
    HEAT = "heat"
    GAUGE = "gauge"

    @property
    def is_instant(self) -> bool:
        """Whether it shows one moment, not a span of time."""
        return self in {Kind.STAT, Kind.TABLE, Kind.GAUGE}


@dataclass(frozen=True, slots=True)
class Column:
    """How a query's values stand in a table. One without a title is there for its labels only."""

    title: Text | None = None
    unit: str = "short"
    steps: Steps = PLAIN
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One question to Prometheus. `legend` is Grafana's: words, and labels in double braces."""

    expr: str
    legend: str = ""
    column: Column = Column()


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click leads. Grafana fills the address in."""

    title: Text
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture. `least` and `most` bound its axis; `nothing` is what stands there when there is no value."""

    title: Text
    says: Text
    kind: Kind
    unit: str
    queries: Sequence[Query]
    width: int = 8
    height: int = 8
    steps: Steps = PLAIN
    decimals: int | None = None
    least: float | None = None
    most: float | None = None
    nothing: Text = NO_DATA
    links: Sequence[Link] = ()
    sort: Text | None = None
    """The column by which a table is sorted, smallest first."""
    since: str = ""
    """How far it looks back, if that is not what is chosen for the board: `22w`."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the head of a board, made from the labels of series that exist.

    `All` is all that were found, or the expression `every`, where a label may be empty: what is empty is never found.
    """

    name: str
    title: Text
    label: str
    of: str
    every: str = ""

    @property
    def query(self) -> str:
        """As Grafana writes it."""
        return f"label_values({self.of}, {self.label})"


@dataclass(frozen=True, slots=True)
class Mark:
    """A line or band across every panel of a board."""

    title: Text
    expr: str
    colour: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One screen that answers one question."""

    uid: str
    title: Text
    question: Text
    panels: Sequence[Panel]
    variables: Sequence[Variable]
    since: str = "now-1h"
    marks: Sequence[Mark] = ()

    def expressions(self) -> Iterator[str]:
        """Everything it asks of Prometheus, in a fixed order: panels, variables, marks."""
        yield from (query.expr for panel in self.panels for query in panel.queries)
        yield from (variable.query for variable in self.variables)
        yield from (mark.expr for mark in self.marks)
