"""What may stand where: floors, halves, the front door, third parties. Each rule is seen failing once, below."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from project import files_of

REPOSITORY = Path(__file__).parents[1]

FLOORS = (
    ("errors", "clock", "chance", "breaker", "trust"),
    ("model", "settings", "fault"),
    ("catalogue", "bus", "ledger", "capture"),
    ("dispatch", "forwarding", "runtime"),
    ("taps",),
    ("traffic", "monitoring"),
    ("edge",),
    ("app",),
    ("testing", "cli"),
    ("__main__",),
)
FLOOR = {area: number for number, areas in enumerate(FLOORS) for area in areas}
ASKING, ANSWERING = {"dispatch", "forwarding", "traffic", "edge"}, {"runtime"}
FRONT_DOOR = {"lgsp.errors", "lgsp.model", "lgsp.runtime.connector"}
FRONT_DOOR_NAMES = {"Connector", "Kept", "MalformedRequest", "Outcome", "Reply", "Request", "State"}
PLACES = {
    "aio_pika": ("lgsp/bus/",),
    "aiormq": ("lgsp/bus/",),
    "grafana_foundation_sdk": ("lgsp/monitoring/dashboards.py",),  # for development: what is made of it is committed
    "yaml": ("lgsp/catalogue/source.py", "lgsp/monitoring/rules.py"),
    "numpy": ("lgsp/traffic/",),
    "pydantic": ("lgsp/catalogue/",),
    "prometheus_client": ("lgsp/taps/", "lgsp/edge/admin.py"),
    "jinja2": ("lgsp/catalogue/expression.py", "lgsp/runtime/template.py"),  # refused at load, run later
    "jsonschema": ("lgsp/catalogue/validator.py",),
    "referencing": ("lgsp/catalogue/validator.py",),
    "faker": ("lgsp/runtime/template.py",),
    "aiohttp": (
        "lgsp/edge/",
        "lgsp/forwarding/post.py",
        "lgsp/traffic/caller.py",
        "lgsp/runtime/provider.py",
        "lgsp/runtime/behaviours/upstream.py",
    ),
    "multidict": ("lgsp/edge/", "lgsp/runtime/behaviours/upstream.py"),
    "yarl": ("lgsp/runtime/behaviours/upstream.py",),
    "pytest": ("lgsp/testing/fixture.py",),  # there for whoever asks for the fixture
    "click": ("lgsp/cli/",),
    "rich": ("lgsp/cli/",),
    "uvloop": ("lgsp/app/",),
    "lxml": ("connectors/province/markup.py",),
    "structlog": (
        "lgsp/bus/",
        "lgsp/catalogue/watch.py",
        "lgsp/ledger/",
        "lgsp/runtime/",
        "lgsp/dispatch.py",
        "lgsp/forwarding/",
        "lgsp/edge/",
        "lgsp/taps/",
        "lgsp/traffic/",
        "lgsp/app/",
    ),
    "sqlite3": ("lgsp/ledger/", "lgsp/runtime/state.py"),
    "cryptography": ("lgsp/ledger/chain.py", "lgsp/edge/tokens.py", "lgsp/edge/tls.py"),
}
"""Each third-party package, and where it may be imported."""
OURS = {"lgsp", "connectors"}
LOST = {"asyncio.create_task", "asyncio.ensure_future"}
PEOPLE_S_TEXT = {
    "lgsp/cli/services/new.py",
    "lgsp/cli/sheet.py",
    "lgsp/edge/faults.py",
    "lgsp/edge/openapi.py",
    "lgsp/edge/phrases.py",
    "lgsp/edge/responses.py",
    "lgsp/ledger/words.py",
    *(
        f"lgsp/monitoring/boards/{name}.py"
        for name in ("broker", "load", "overview", "panel", "queries", "report", "runtime", "service", "slo")
    ),
    "lgsp/monitoring/report/words.py",
    "lgsp/monitoring/words.py",
    "lgsp/runtime/behaviours/capacity.py",
    "lgsp/runtime/behaviours/errors.py",
    "lgsp/runtime/behaviours/recorded.py",
}
"""Sentences in Vietnamese and English that a caller reads."""
FORBIDDEN = re.compile(
    r"(pyp[i]\.org|pythonhoste[d]\.org|npmj[s]\.org|(deb|security)\.debia[n]\.org|/(?:work|farm)/[a-z.]|/tm[p]/[a-z]|\bsubagen[t])"
)


@dataclass(frozen=True)
class Module:
    """One file of the tree and what it imports, wherever the import stands."""

    path: str
    tree: ast.Module

    @cached_property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def area(self) -> str:
        return ([*self.name.split("."), ""])[1]

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def imports(self) -> list[str]:
        plain = [alias.name for node in self.nodes if isinstance(node, ast.Import) for alias in node.names]
        froms = [node for node in self.nodes if isinstance(node, ast.ImportFrom)]
        return plain + [f"{self._origin(node)}.{alias.name}" for node in froms for alias in node.names]

    def _origin(self, node: ast.ImportFrom) -> str:
        """The absolute name of what a `from` names, dots in front or not."""
        parts = (self.name if self.path.endswith("__init__.py") else self.name.rpartition(".")[0]).split(".")
        above = parts[: len(parts) - node.level + 1] if node.level else []
        return ".".join([*above, *filter(None, [node.module])])


def read(root: Path) -> list[Module]:
    files = sorted(path for top in OURS for path in (root / top).rglob("*.py"))
    return [Module(path.relative_to(root).as_posix(), ast.parse(path.read_text())) for path in files]


def known(names: AbstractSet[str], imported: str) -> str | None:
    """The module of ours that an import names: itself, or the one that a name is imported from."""
    return imported if imported in names else next((n for n in [imported.rpartition(".")[0]] if n in names), None)


def upward_or_sideways(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if not module.name.startswith("lgsp.") or module.area not in FLOOR:
            continue
        for imported in module.imports:
            target = ([*imported.split("."), ""])[1]
            if imported.split(".")[0] != "lgsp" or target == module.area or target not in FLOOR:
                continue
            small = FLOOR[module.area] < 2  # the lowest floors hold single modules, which may build on each other
            if FLOOR[target] > FLOOR[module.area] or (FLOOR[target] == FLOOR[module.area] and not small):
                yield f"{module.path} imports {imported}: upwards or sideways"


def unknown_areas(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if module.name.startswith("lgsp.") and module.area not in FLOOR:
            yield f"{module.path} stands on no floor"


def halves_that_touch(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        for imported in module.imports:
            parts = imported.split(".")
            target = "runtime" if parts[0] == "connectors" else ([*parts, ""])[1] if parts[0] == "lgsp" else ""
            asking = module.name.startswith("lgsp.") and module.area in ASKING
            answering = module.name.startswith("connectors") or module.area in ANSWERING
            if (asking and target in ANSWERING) or (answering and target in ASKING):
                yield f"{module.path} imports {imported}: the halves meet on the bus only"


def front_door(modules: list[Module]) -> Iterator[str]:
    names = {module.name for module in modules}
    for module in modules:
        for imported in module.imports:
            if module.name == "lgsp":
                if known(names, imported) not in FRONT_DOOR:
                    yield f"the front door imports {imported}"
            elif module.name.startswith("lgsp.") and known(names, imported) == "lgsp":
                yield f"{module.path} imports the package root"


def connectors_that_reach_in(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        for imported in module.imports:
            top, _, rest = imported.partition(".")
            allowed = {
                "lgsp": rest in FRONT_DOOR_NAMES,
                "connectors": rest.split(".")[0] == "province",
            }.get(top, top in sys.stdlib_module_names or module.path.startswith(PLACES.get(top, ("-",))))
            if module.name.startswith("connectors") and not allowed:
                yield f"{module.path} imports {imported}: a connector knows the front door and its province"


def cycles(modules: list[Module]) -> Iterator[str]:
    names = {module.name for module in modules}
    graph = {
        module.name: {k for i in module.imports if (k := known(names, i)) and k != module.name} for module in modules
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        yield f"a cycle: {' -> '.join(error.args[1])}"


def third_parties_out_of_place(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        for imported in module.imports:
            top = imported.split(".")[0]
            places = PLACES.get(top, ())
            free = top in OURS or (top in sys.stdlib_module_names and not places)
            if not free and not module.path.startswith(places):
                yield f"{module.path} imports {imported}, whose place is {', '.join(places) or 'nowhere yet'}"


def without_docstring(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if not ast.get_docstring(module.tree):
            yield f"{module.path} has no docstring"


def dumps(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if module.name.rpartition(".")[2] in {"utils", "util", "helpers", "common", "misc"}:
            yield f"{module.path} is named for nothing"


def knows_vietnam(modules: list[Module]) -> Iterator[str]:
    words = re.compile(r"Asia/Ho_Chi_Minh|Qu[aả]ng|Vi[eệ]t|H47|[ăđơưạảấầậắằặẹẻẽếềệỉịọỏốồộớờợụủứừựỳỵỷỹ]", re.IGNORECASE)
    for module in modules:
        if not module.name.startswith("lgsp") or module.path in PEOPLE_S_TEXT:
            continue
        for node in module.nodes:
            value = node.value if isinstance(node, ast.Constant) else None
            says = (
                isinstance(value, str) and words.search(value) and value != ast.get_docstring(module.tree, clean=False)
            )
            if value == 28 or says:
                yield f"{module.path}:{node.lineno} knows 28 or a country"  # type: ignore[attr-defined]  # a constant has a line


def lost_tasks(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        for node in module.nodes:
            named = isinstance(node, ast.Attribute) and ast.unparse(node) in LOST
            brought = isinstance(node, ast.ImportFrom) and LOST & {f"{node.module}.{a.name}" for a in node.names}
            if named or brought:
                yield f"{module.path}:{node.lineno} makes a task that nobody holds"


@cache
def ours() -> list[Module]:
    """The tree as it stands, read once for all rules."""
    return read(REPOSITORY)


RULES: tuple[Callable[[list[Module]], Iterator[str]], ...] = (
    upward_or_sideways,
    unknown_areas,
    halves_that_touch,
    front_door,
    connectors_that_reach_in,
    cycles,
    third_parties_out_of_place,
    without_docstring,
    dumps,
    knows_vietnam,
    lost_tasks,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Callable[[list[Module]], Iterator[str]]) -> None:
    assert list(rule(ours())) == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (upward_or_sideways, "lgsp/bus/x.py", "import lgsp.edge.gateway"),
        (upward_or_sideways, "lgsp/bus/x.py", "def f():\n    from lgsp.ledger import base"),
        (upward_or_sideways, "lgsp/bus/x.py", "from ..edge import gateway"),
        (upward_or_sideways, "lgsp/model.py", "from lgsp.catalogue.service import Service"),
        (unknown_areas, "lgsp/somewhere.py", ""),
        (halves_that_touch, "lgsp/edge/x.py", "from lgsp.runtime.host import Host"),
        (halves_that_touch, "lgsp/traffic/x.py", "import connectors.population"),
        (halves_that_touch, "lgsp/runtime/x.py", "from lgsp.dispatch import Dispatcher"),
        (front_door, "lgsp/__init__.py", "from lgsp.app.process import run"),
        (front_door, "lgsp/bus/x.py", "from lgsp import Request"),
        (front_door, "lgsp/cli/x.py", "from lgsp import Request"),
        (connectors_that_reach_in, "connectors/x.py", "from lgsp.chance import draw"),
        (connectors_that_reach_in, "connectors/x.py", "import lgsp.chance"),
        (connectors_that_reach_in, "connectors/x.py", "from lgsp import chance"),
        (connectors_that_reach_in, "connectors/x.py", "from connectors import population"),
        (connectors_that_reach_in, "connectors/x.py", "from . import population"),
        (connectors_that_reach_in, "connectors/x.py", "import cryptography"),
        (cycles, "lgsp/errors.py", "from lgsp.chance import draw\nfrom lgsp import chance"),
        (third_parties_out_of_place, "lgsp/edge/x.py", "import aio_pika"),
        (third_parties_out_of_place, "lgsp/bus/x.py", "import requests"),
        (third_parties_out_of_place, "connectors/x.py", "from lxml import etree"),
        (without_docstring, "lgsp/bus/x.py", "x = 1"),
        (dumps, "lgsp/bus/utils.py", ""),
        (knows_vietnam, "lgsp/bus/x.py", "services = 28"),
        (knows_vietnam, "lgsp/bus/x.py", "zone = 'Asia/Ho_Chi_Minh'"),
        (knows_vietnam, "lgsp/bus/x.py", "place = 'Quảng Nam'"),
        (lost_tasks, "lgsp/bus/x.py", "asyncio.create_task(f())"),
        (lost_tasks, "lgsp/bus/x.py", "from asyncio import ensure_future"),
    ],
)
def test_the_rule_is_seen_failing(
    rule: Callable[[list[Module]], Iterator[str]], path: str, text: str, tmp_path: Path
) -> None:
    for name in ("lgsp/__init__.py", "lgsp/chance.py", "lgsp/bus/__init__.py", "connectors/population.py", path):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    if rule is cycles:
        (tmp_path / "lgsp/chance.py").write_text("import lgsp.errors")
    (tmp_path / path).write_text(text)
    assert any(path in found or "cycle" in found or "front door" in found for found in rule(read(tmp_path)))


def test_a_cycle_inside_one_package_is_seen(tmp_path: Path) -> None:
    (tmp_path / "lgsp" / "bus").mkdir(parents=True)
    (tmp_path / "lgsp" / "bus" / "x.py").write_text("from lgsp.bus import y")
    (tmp_path / "lgsp" / "bus" / "y.py").write_text("from .x import something")
    assert len(list(cycles(read(tmp_path)))) == 1


def spoken_of(root: Path, names: list[str]) -> Iterator[str]:
    for name in names:
        try:
            lines = (root / name).read_text().splitlines()
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # no text; or deleted and not committed yet
        yield from (f"{name}:{number}" for number, line in enumerate(lines, 1) if FORBIDDEN.search(line))


def test_no_registry_no_machine_and_no_workplace_in_any_file() -> None:
    assert list(spoken_of(REPOSITORY, files_of())) == []


@pytest.mark.parametrize("word", ["pypi" + ".org", "registry.npmjs" + ".org", "/wo" + "rk/main", "/tm" + "p/x"])
def test_such_a_word_is_seen(word: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(f"first\nsee {word} here\n")
    assert list(spoken_of(tmp_path, ["page.md", "gone.md"])) == ["page.md:2"]
