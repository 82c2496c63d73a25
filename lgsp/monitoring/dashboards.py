"""Boards as Grafana reads them: JSON made with Grafana's own types, a development dependency that nothing else imports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    gauge,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    statushistory,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as grafana
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

from lgsp.monitoring.boards import boards
from lgsp.monitoring.boards.panel import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    YELLOW,
    Board,
    Column,
    Kind,
    Mark,
    Panel,
    Query,
    Steps,
    Variable,
)
from lgsp.monitoring.profile import Profile
from lgsp.monitoring.words import Text

FOUND = grafana.DataSourceRef("prometheus", "${datasource}")
OUTCOMES = {
    "ok": GREEN,
    "business_fault": BLUE,
    "rejected": YELLOW,
    "provider_error": RED,
    "timeout": ORANGE,
    "unreachable": PURPLE,
    "bus_error": "dark-red",
}
"""One colour for one thing, on every board."""
_BUILDERS: dict[Kind, Any] = {
    Kind.STAT: stat.Panel,
    Kind.LINES: timeseries.Panel,
    Kind.AREAS: timeseries.Panel,
    Kind.STATUS: statushistory.Panel,
    Kind.TIMELINE: statetimeline.Panel,
    Kind.TABLE: table.Panel,
    Kind.HEAT: heatmap.Panel,
    Kind.GAUGE: gauge.Panel,
}
_WIDE = 24
_CELLS = 100
"""Of one row of a status history: more would be thinner than a pixel."""


def dashboards(profile: Profile) -> dict[str, str]:
    """The text of every board's file, by its uid. The same profile gives the same text."""
    return {
        board.uid: json.dumps(_document(board, profile), indent=1, ensure_ascii=False) + "\n"
        for board in boards(profile)
    }


def _document(board: Board, profile: Profile) -> Any:  # noqa: ANN401 - JSON
    made = (
        dashboard.Dashboard(_both(board.title))
        .uid(board.uid)
        .description(_both(board.question, "\n\n"))
        .tags(["lgsp"])
        .readonly()
        .refresh("10s")
        .time(board.since, "now")
        .timezone("browser")
        .tooltip(grafana.DashboardCursorSync.CROSSHAIR)
        .link(_others())
    )
    for variable in _variables(board.variables, profile):
        made = made.with_variable(variable)
    for mark in board.marks:
        made = made.annotation(_annotation(mark))
    made = made.with_panel(_question(board))
    for number, (panel, x, y) in enumerate(_placed(board.panels), start=2):
        made = made.with_panel(_panel(panel, number, x, y))
    return json.loads(json.dumps(made.build(), cls=JSONEncoder))


def _both(said: Text, between: str = " · ") -> str:
    """Both languages side by side; once where they are one word."""
    return said.en if said.en == said.vi else f"{said.en}{between}{said.vi}"


def _others() -> dashboard.DashboardLink:
    """The other boards, with the choices and the time kept."""
    link = dashboard.DashboardLink("LGSP").type(grafana.DashboardLinkType.DASHBOARDS).tags(["lgsp"])
    return link.as_dropdown(True).include_vars(True).keep_time(True)  # noqa: FBT003 - the builder's own form


def _variables(chosen: Sequence[Variable], profile: Profile) -> Iterator[Any]:
    source = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    yield source.current(grafana.VariableOption(selected=True, text="Prometheus", value="lgsp-prometheus"))
    console = dashboard.ConstantVariable("console").value(profile.console)
    hidden = console.build()
    hidden.hide = grafana.VariableHide.HIDE_VARIABLE
    hidden.current = grafana.VariableOption(selected=True, text=profile.console, value=profile.console)
    yield console
    for variable in chosen:
        made = dashboard.QueryVariable(variable.name).label(_both(variable.title)).datasource(FOUND)
        made = made.query({"query": variable.query, "refId": f"{variable.name}-variable"})
        made = made.refresh(grafana.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(grafana.VariableSort.ALPHABETICAL_ASC)
        if variable.every:
            made = made.all_value(variable.every)
        everything = grafana.VariableOption(selected=True, text=["All"], value=["$__all"])
        yield made.multi(True).include_all(True).current(everything)  # noqa: FBT003 - the builder's own form


def _annotation(mark: Mark) -> Any:  # noqa: ANN401 - a builder
    made = dashboard.AnnotationQuery().name(_both(mark.title)).datasource(FOUND).enable(True)  # noqa: FBT003 - the same
    return _Titled(made.icon_color(mark.colour).expr(mark.expr).build(), mark.says)


class _Titled:
    """An annotation with the words at its mark, for which the package has no field."""

    def __init__(self, annotation: grafana.AnnotationQuery, says: str) -> None:
        self._annotation = annotation
        self._says = says

    def build(self) -> Any:  # noqa: ANN401 - as the package's builders
        """Itself: the package asks for its JSON."""
        return self

    def to_json(self) -> dict[str, object]:
        """As Grafana's Prometheus source reads it."""
        return {**self._annotation.to_json(), "step": "60s", "titleFormat": self._says}


def _placed(panels: Sequence[Panel]) -> Iterator[tuple[Panel, int, int]]:
    """Each panel and its place, row by row from left to right, below the question."""
    x, y, tall = 0, _QUESTION, 0
    for panel in panels:
        if x + panel.width > _WIDE:
            x, y, tall = 0, y + tall, 0
        yield panel, x, y
        x, tall = x + panel.width, max(tall, panel.height)


_QUESTION = 3


def _question(board: Board) -> Any:  # noqa: ANN401 - a builder
    words = f"### {board.question.en}\n\n{board.question.vi}"
    made = text.Panel().id(1).title("").mode(TextMode.MARKDOWN).content(words).transparent(True)  # noqa: FBT003 - the same
    return made.grid_pos(grafana.GridPos(h=_QUESTION, w=_WIDE, x=0, y=0))


def _panel(panel: Panel, number: int, x: int, y: int) -> Any:  # noqa: ANN401 - a builder
    made = _BUILDERS[panel.kind]().id(number).title(_both(panel.title)).description(_both(panel.says, "\n\n"))
    made = made.grid_pos(grafana.GridPos(h=panel.height, w=panel.width, x=x, y=y)).datasource(FOUND)
    made = made.unit(panel.unit).no_value(_both(panel.nothing)).thresholds(_thresholds(panel.steps))
    made = made.mappings([_absent(panel.nothing)]).color_scheme(_coloured(panel))
    for limit, value in ((made.decimals, panel.decimals), (made.min, panel.least), (made.max, panel.most)):
        if value is not None:
            limit(value)
    if panel.since:
        made = made.time_from(panel.since)
    if panel.links:
        links = (dashboard.DashboardLink(_both(link.title)).url(link.url).target_blank(True) for link in panel.links)  # noqa: FBT003 - the same
        made = made.data_links(list(links))
    for letter, query in zip("ABCDEFGHIJ", panel.queries, strict=False):
        made = made.with_target(_target(query, letter, panel.kind))
    return _LOOK.get(panel.kind, _as_it_is)(made, panel)


def _target(query: Query, letter: str, kind: Kind) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(query.expr).legend_format(query.legend or "__auto").ref_id(letter)
    made = made.instant() if kind.is_instant else made.range()
    form = {Kind.TABLE: PromQueryFormat.TABLE, Kind.HEAT: PromQueryFormat.HEATMAP}
    return made.format(form.get(kind, PromQueryFormat.TIME_SERIES))


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Grey below the first step: it is the colour of what is absent."""
    made = [grafana.Threshold(None, GREY), *(grafana.Threshold(value, colour) for value, colour in steps)]
    return dashboard.ThresholdsConfig().mode(grafana.ThresholdsMode.ABSOLUTE).steps(made)


def _absent(nothing: Text) -> grafana.SpecialValueMap:
    result = grafana.ValueMappingResult(text=_both(nothing), color=GREY)
    match = grafana.SpecialValueMatch.NULL_AND_NAN
    return grafana.SpecialValueMap(grafana.DashboardSpecialValueMapOptions(match=match, result=result))


def _coloured(panel: Panel) -> dashboard.FieldColor:
    by_value = panel.steps and panel.kind not in {Kind.LINES, Kind.AREAS}
    if not by_value and panel.kind is Kind.STAT:
        return dashboard.FieldColor().mode(grafana.FieldColorModeId.FIXED).fixed_color("text")
    mode = grafana.FieldColorModeId.THRESHOLDS if by_value else grafana.FieldColorModeId.PALETTE_CLASSIC_BY_NAME
    return dashboard.FieldColor().mode(mode)


def _as_it_is(made: Any, panel: Panel) -> Any:  # noqa: ANN401, ARG001 - one of the looks
    return made


def _stat(made: Any, panel: Panel) -> Any:  # noqa: ANN401 - a builder
    mode = looks.BigValueColorMode.BACKGROUND if panel.steps else looks.BigValueColorMode.VALUE
    many = looks.BigValueTextMode.VALUE_AND_NAME if len(panel.queries) > 1 else looks.BigValueTextMode.VALUE
    return _last(made, panel).color_mode(mode).graph_mode(looks.BigValueGraphMode.NONE).text_mode(many)


def _last(made: Any, panel: Panel) -> Any:  # noqa: ANN401, ARG001 - one of the looks
    return made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _lines(made: Any, panel: Panel) -> Any:  # noqa: ANN401 - a builder
    legend = common.VizLegendOptions().show_legend(True).display_mode(looks.LegendDisplayMode.LIST)  # noqa: FBT003 - the same
    tooltip = common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING)
    made = made.legend(legend.placement(looks.LegendPlacement.BOTTOM)).tooltip(tooltip)
    made = made.span_nulls(False).show_points(looks.VisibilityMode.AUTO).line_width(1)  # noqa: FBT003 - a gap is a gap
    if panel.steps:
        made = made.thresholds_style(common.GraphThresholdsStyleConfig().mode(looks.GraphThresholdsStyleMode.DASHED))
    if panel.least is None:
        made = made.axis_soft_min(0)
    if panel.kind is Kind.AREAS:
        made = made.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL)).fill_opacity(30)
    if any(query.legend == "{{outcome}}" for query in panel.queries):
        for outcome, colour in OUTCOMES.items():
            fixed = grafana.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})
            made = made.override_by_name(outcome, [fixed])
    return made


def _status(made: Any, panel: Panel) -> Any:  # noqa: ANN401, ARG001 - one of the looks
    return made.show_value(looks.VisibilityMode.NEVER).row_height(0.9).max_data_points(_CELLS)


def _heat(made: Any, panel: Panel) -> Any:  # noqa: ANN401 - a builder
    return made.calculate(False).y_axis(heatmap.YAxisConfig().unit(panel.unit))  # noqa: FBT003 - counted already


def _table(made: Any, panel: Panel) -> Any:  # noqa: ANN401 - a builder
    """One row a set of labels: the answers are merged, and every query's value is named."""
    many = len(panel.queries) > 1
    names = {
        f"Value #{letter}" if many else "Value": q.column
        for letter, q in zip("ABCDEFGHIJ", panel.queries, strict=False)
    }
    shown = {name: _both(column.title) for name, column in names.items() if column.title}
    hidden = dict.fromkeys(["Time", *(name for name in names if name not in shown)], True)
    made = made.with_transformation(grafana.DataTransformerConfig("merge", options={}))
    organised = {"excludeByName": hidden, "renameByName": shown, "indexByName": {}}
    made = made.with_transformation(grafana.DataTransformerConfig("organize", options=organised))
    for name, column in names.items():
        if name in shown:
            made = made.override_by_name(shown[name], _column(column))
    if panel.sort:
        made = made.sort_by([common.TableSortByFieldState().display_name(_both(panel.sort)).desc(False)])  # noqa: FBT003 - the same
    return made


def _column(column: Column) -> list[grafana.DynamicConfigValue]:
    made = [grafana.DynamicConfigValue("unit", column.unit)]
    if column.decimals is not None:
        made.append(grafana.DynamicConfigValue("decimals", column.decimals))
    if column.steps:
        steps = json.loads(json.dumps(_thresholds(column.steps).build(), cls=JSONEncoder))
        made += [
            grafana.DynamicConfigValue("thresholds", steps),
            grafana.DynamicConfigValue("color", {"mode": "thresholds"}),
            grafana.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
        ]
    return made


_LOOK = {
    Kind.STAT: _stat,
    Kind.LINES: _lines,
    Kind.AREAS: _lines,
    Kind.STATUS: _status,
    Kind.TABLE: _table,
    Kind.HEAT: _heat,
    Kind.GAUGE: _last,
}
