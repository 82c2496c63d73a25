from __future__ import annotations

from collections.abc import Iterator
from string import ascii_lowercase

import pytest
from builders import a_service, an_operation
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.service import Service
from lgsp.edge.routes import NoRoute, Route, Routes

SERVICES = [
    a_service(
        "vehicles",
        an_operation("GET /vehicles/{plate}"),
        an_operation("DELETE /vehicles/{plate}"),
        an_operation("GET /vehicles/all"),
        an_operation("POST /vehicles"),
        an_operation("GET /vehicles/{plate}/owners/{number}"),
        an_operation("GET /vehicles/all/summary"),
    ),
    a_service("civil", an_operation("POST /register"), context="/HTTTHoTich/1.0"),
    a_service("civil-test", an_operation("POST /register"), context="/HTTTHoTich/1.0/test", aliases=("/ht", "/ht/old")),
    a_service("root", an_operation("GET /")),
]
ROUTES = Routes(SERVICES)


def found(method: str, path: str, routes: Routes = ROUTES) -> str:
    """`service operation path`, or why there is none."""
    route = routes.find(method, path)
    if isinstance(route, Route):
        return f"{route.service.id} {route.operation.name} {route.path}"
    return " ".join([route.why, *route.allowed])


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/vehicles/vehicles/30A", "vehicles GET /vehicles/{plate} /vehicles/30A"),
        ("DELETE", "/vehicles/vehicles/30A", "vehicles DELETE /vehicles/{plate} /vehicles/30A"),
        ("POST", "/vehicles/vehicles", "vehicles POST /vehicles /vehicles"),
        # Words beat parameters, and give way where they lead nowhere.
        ("GET", "/vehicles/vehicles/all", "vehicles GET /vehicles/all /vehicles/all"),
        ("GET", "/vehicles/vehicles/all/summary", "vehicles GET /vehicles/all/summary /vehicles/all/summary"),
        (
            "GET",
            "/vehicles/vehicles/all/owners/1",
            "vehicles GET /vehicles/{plate}/owners/{number} /vehicles/all/owners/1",
        ),
        # The longest context.
        ("POST", "/HTTTHoTich/1.0/register", "civil POST /register /register"),
        ("POST", "/HTTTHoTich/1.0/test/register", "civil-test POST /register /register"),
        ("POST", "/ht/register", "civil-test POST /register /register"),
        ("POST", "/ht/old/register", "civil-test POST /register /register"),
        # Contexts have their letters as they are.
        ("POST", "/htttHOTICH/1.0/register", "context"),
        # Nothing is normalised.
        ("GET", "/vehicles//vehicles/30A", "resource"),
        ("GET", "//vehicles/vehicles/30A", "context"),
        ("GET", "/vehicles/vehicles/30A/", "resource"),
        ("GET", "/vehicles/vehicles/", "resource"),
        ("POST", "/vehicles/vehicles/", "resource"),
        ("GET", "/vehicles/vehicles//owners/1", "resource"),
        ("GET", "/x/../vehicles/vehicles/30A", "context"),
        ("GET", "/vehicles/x/../vehicles/30A", "resource"),
        ("GET", "/vehicles/vehicles/..", "vehicles GET /vehicles/{plate} /vehicles/.."),
        # What is percent-encoded stays one segment, and is no word.
        ("GET", "/vehicles/vehicles/30A%2F1", "vehicles GET /vehicles/{plate} /vehicles/30A%2F1"),
        ("GET", "/vehicles/vehicles/%61ll", "vehicles GET /vehicles/{plate} /vehicles/%61ll"),
        ("GET", "/vehicl%65s/vehicles/30A", "context"),
        ("GET", "/vehicles%2Fvehicles/30A", "context"),
        # The root of a context.
        ("GET", "/root/", "root GET / /"),
        ("GET", "/root", "resource"),
        ("GET", "/vehicles", "resource"),
        ("GET", "/vehicles/", "resource"),
        # Nothing there.
        ("GET", "/", "context"),
        ("GET", "", "context"),
        ("GET", "*", "context"),
        ("GET", "/nobody/vehicles", "context"),
        ("GET", "/HTTTHoTich", "context"),
        ("GET", "/HTTTHoTich/2.0/register", "context"),
        ("POST", "/vehicles/nothing", "resource"),
        # Other methods.
        ("PUT", "/vehicles/vehicles/30A", "method DELETE GET"),
        ("GET", "/vehicles/vehicles", "method POST"),
        ("HEAD", "/vehicles/vehicles/30A", "method DELETE GET"),
        ("get", "/vehicles/vehicles/30A", "method DELETE GET"),
    ],
)
def test_a_path_goes_where_it_belongs(method: str, path: str, expected: str) -> None:
    assert found(method, path) == expected
    assert found(method, path) == expected  # also when it was asked before


def test_a_method_of_the_parameter_is_found_beside_a_word_without_it() -> None:
    assert found("DELETE", "/vehicles/vehicles/all") == "vehicles DELETE /vehicles/{plate} /vehicles/all"


def test_the_methods_of_a_word_and_of_the_parameter_beside_it_are_both_allowed() -> None:
    assert found("PUT", "/vehicles/vehicles/all") == "method DELETE GET"


WORD = st.text(ascii_lowercase, min_size=1, max_size=3)
SEGMENT = WORD | WORD.map(lambda word: f"{{{word}}}")
TEMPLATES = st.lists(st.lists(SEGMENT, min_size=1, max_size=4), min_size=1, max_size=8)


@given(TEMPLATES, st.lists(WORD, min_size=4, max_size=4))
def test_every_operation_is_found_by_a_path_of_its_own(templates: list[list[str]], values: list[str]) -> None:
    operations = [an_operation("GET /" + "/".join(segments)) for segments in templates]
    service = a_service("svc", *operations)
    for operation in service.operations.values():
        segments = operation.template.split("/")[1:]
        path = [value if s.startswith("{") else s for s, value in zip(segments, values, strict=False)]
        route = Routes([service]).find("GET", "/svc/" + "/".join(path))
        assert isinstance(route, Route)
        assert fits(route.operation.template, path)
        literal = [s.startswith("{") for s in route.operation.template.split("/")[1:]]
        assert literal <= [s.startswith("{") for s in segments]  # a word where another has a parameter


def fits(template: str, path: list[str]) -> bool:
    segments = template.split("/")[1:]
    return len(segments) == len(path) and all(s.startswith("{") or s == p for s, p in zip(segments, path, strict=True))


@given(st.sampled_from(["GET", "POST", "PUT"]), st.text(max_size=40).map(lambda text: "/" + text))
def test_any_path_has_an_answer(method: str, path: str) -> None:
    route = ROUTES.find(method, path)
    assert isinstance(route, Route | NoRoute)


@given(st.lists(st.sampled_from(["vehicles", "all", "30A", "owners", "", "..", "%2F", "1"]), max_size=6))
def test_a_route_gives_back_the_path_that_was_called(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    route = ROUTES.find("GET", path)
    if isinstance(route, Route):
        assert route.service.context + route.path == path


class Counted(dict[str, object]):
    """A dictionary that counts who looks in."""

    looks = 0

    def get(self, key: str, default: object = None) -> object:
        Counted.looks += 1
        return super().get(key, default)


def looks(services: Iterator[Service], path: str) -> int:
    """Look-ups among the contexts for one path."""
    routes = Routes(services)
    routes._contexts = Counted(routes._contexts)  # type: ignore[assignment]  # it only counts
    Counted.looks = 0
    routes.find("GET", path)
    return Counted.looks


@pytest.mark.parametrize("path", ["/svc-5/x", "/nobody/at/all", "/a" * 2_000])
def test_a_look_up_among_2800_services_costs_as_one_among_28(path: str) -> None:
    few, many = (looks((a_service(f"svc-{n}") for n in range(count)), path) for count in (28, 2_800))
    assert few == many <= 2


def test_what_callers_ask_does_not_fill_the_memory() -> None:
    routes = Routes(SERVICES)
    for number in range(1_000):
        for method in ("GET", "POST", f"X{number}"):
            routes.find(method, f"/vehicles/vehicles/{number}")
            routes.find(method, f"/nobody/{number}")
            routes.find(method, f"/vehicles/{number}")
            routes.find(method, "/vehicles/vehicles")
            routes.find(method, "/ht/register")
            routes.find(method, "/ht/old/register")
    assert set(routes._known) == {
        ("POST", "/vehicles/vehicles"),
        ("POST", "/ht/register"),
        ("POST", "/ht/old/register"),
    }
