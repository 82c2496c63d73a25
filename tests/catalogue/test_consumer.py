from __future__ import annotations

from pathlib import Path

import pytest
from builders import a_service, an_operation
from hypothesis import given
from hypothesis import strategies as st

from lgsp.catalogue.callback import Callback
from lgsp.catalogue.consumer import Consumer, Limit, as_yaml, changes, parse_consumers, read_consumers, strangers
from lgsp.catalogue.secret import hashed
from lgsp.catalogue.service import Catalogue
from lgsp.catalogue.source import Source
from lgsp.errors import CatalogueError

LINE = hashed("s", b"0123456789abcdef")
WHOLE = f"""\
desk:
  title: Một cửa
  organisation: "001.00.10.H47"
  key: K_9.x~
  secrets:
    - {LINE}
    - {LINE}
  subscriptions: ["gis", "health GET /x/{{id}}"]
  limits:
    "*": [50/s, 1000/m]
    gis: 10/s
    health GET /x/{{id}}: [5/h, 9/d]
  behaviour: calm
  may_force: true
  local: true
  disabled: true
  blocked: [gis]
  pending: ["*"]
  in_flight: 7
  callback: {{url: https://desk.example/told/, secret_file: secrets/desk}}
"""


def mistakes(directory: Path, text: str) -> list[str]:
    (directory / "consumers.yaml").write_text(text)
    with pytest.raises(CatalogueError) as caught:
        read_consumers(directory)
    return caught.value.problems


def test_the_shipped_consumers_are_one_lifelike_and_one_calm() -> None:
    consumers = read_consumers(Path(__file__).parents[2] / "config")
    assert {name: consumer.behaviour for name, consumer in consumers.items()} == {"demo": "field", "tester": "calm"}
    assert consumers["tester"].organisation == "000.00.01.H47"
    assert all(consumer.local and consumer.subscriptions == ("*",) for consumer in consumers.values())
    assert not any(consumer.secrets for consumer in consumers.values())


def test_drop_in_files_add_consumers_who_may_nothing_yet(tmp_path: Path) -> None:
    (tmp_path / "consumers.d").mkdir()
    (tmp_path / "consumers.yaml").write_text("a: {}\n")
    (tmp_path / "consumers.d" / "b.yaml").write_text("b: {behaviour: calm}\n")
    assert read_consumers(tmp_path) == {
        "a": Consumer(id="a", title="a"),
        "b": Consumer(id="b", title="b", behaviour="calm"),
    }
    assert read_consumers(tmp_path)["a"].subscriptions == ()


def test_no_file_is_no_consumer(tmp_path: Path) -> None:
    assert read_consumers(tmp_path) == {}


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "consumers.yaml").write_text(WHOLE)
    assert read_consumers(tmp_path)["desk"] == Consumer(
        id="desk",
        title="Một cửa",
        organisation="001.00.10.H47",
        key="K_9.x~",
        secrets=(LINE, LINE),
        local=True,
        subscriptions=("gis", "health GET /x/{id}"),
        limits=(
            Limit(scope="*", count=50, seconds=1.0),
            Limit(scope="*", count=1000, seconds=60.0),
            Limit(scope="gis", count=10, seconds=1.0),
            Limit(scope="health GET /x/{id}", count=5, seconds=3600.0),
            Limit(scope="health GET /x/{id}", count=9, seconds=86400.0),
        ),
        in_flight=7,
        callback=Callback(url="https://desk.example/told/", secret_file="secrets/desk"),
        behaviour="calm",
        may_force=True,
        disabled=True,
        blocked=("gis",),
        pending=("*",),
    )


@pytest.mark.parametrize(
    ("find", "put", "where", "says"),
    [
        ("  title:", "  titel:", "2:3", "did you mean 'title'?"),
        ("desk:", "Desk:", "1:1", "an id begins with a small letter"),
        ("  title:", "  networks: [10.1.2.3/8]\n  title:", "2:14", "write it as 10.1.0.0/16"),
        ("  title:", '  certificates: ["*.example.org"]\n  title:', "2:18", "without a star"),
        ("001.00.10.H47", "001.00.H47", "3:17", "000.00.00.X00"),
        ("K_9.x~", "K 9", "4:8", "a key has only"),
        (f"- {LINE}\n  sub", "- s3cret\n  sub", "7:7", "no hash of a secret"),
        (f"    - {LINE}\n  sub", f"    - {LINE}\n    - {LINE}\n  sub", "8:7", "two secrets are live at most"),
        (f"\n    - {LINE}\n    - {LINE}", " x", "5:12", "a list belongs here"),
        ('"gis"', '"Gis"', "8:19", "neither a service nor an operation"),
        ('"gis"', '"gis FETCH /x"', "8:19", "neither a service nor an operation"),
        ('"gis"', '"gis GET x"', "8:19", "neither a service nor an operation"),
        ("50/s", "50", "10:11", "a limit needs its unit: 50/s or 50/m?"),
        ("50/s", "50/x", "10:11", "write it as 50/s"),
        ("50/s", "0/s", "10:11", "lets nothing through"),
        ("    gis: 10/s", "    Gis: 10/s", "11:5", "neither a service nor an operation"),
        ("    gis: 10/s", "    gis: {a: b}", "11:10", "is no limit"),
        ("calm", "clam", "13:14", "did you mean 'calm'?"),
        ("may_force: true", "may_force: yes", "14:14", "neither true nor false"),
        ("told/,", "told?x=1,", "20:19", "query and fragment"),
        (", secret_file: secrets/desk", "", "20:13", "the key 'secret_file' is missing"),
        ("disabled: true", "disabled: on", "16:13", "neither true nor false"),
    ],
)
def test_a_mistake_has_its_place(tmp_path: Path, find: str, put: str, where: str, says: str) -> None:
    assert find in WHOLE
    [problem] = mistakes(tmp_path, WHOLE.replace(find, put, 1))
    assert problem.startswith(f"consumers.yaml:{where}: ")
    assert says in problem
    assert "s3cret" not in problem


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "a: {behavior: calm}\nb:\n  organisation: H47\n")
    assert [problem.partition(": ")[0] for problem in found] == ["consumers.yaml:1:5", "consumers.yaml:3:17"]


def test_an_id_or_a_key_that_comes_twice_is_told_in_which_file(tmp_path: Path) -> None:
    (tmp_path / "consumers.d").mkdir()
    (tmp_path / "consumers.d" / "more.yaml").write_text("a: {}\nc: {key: b}\nd: {key: d, certificates: [x]}\n")
    assert [problem.partition(": ")[0] for problem in mistakes(tmp_path, "a: {}\nb: {certificates: [x]}\n")] == [
        "consumers.d/more.yaml:1:1",
        "consumers.d/more.yaml:2:1",
        "consumers.d/more.yaml:3:1",
    ]


def test_a_subscription_to_nothing_is_seen() -> None:
    catalogue = Catalogue({"gis": a_service("gis", an_operation("GET /x"))})
    consumers = [
        Consumer(id="a", subscriptions=("*", "gis", "gis GET /x", "gsi", "gis GET /y")),
        Consumer(
            id="b",
            blocked=("old",),
            pending=("new", "gis"),
            limits=(Limit(scope="gone", count=1, seconds=1), Limit(scope="gone", count=9, seconds=60)),
        ),
    ]
    assert list(strangers(consumers, catalogue)) == [
        ("a", "gsi"),
        ("a", "gis GET /y"),
        ("b", "old"),
        ("b", "new"),
        ("b", "gone"),
    ]


_scopes = st.sampled_from(["*", "gis", "health GET /x/{id}", "health POST /x?y=1,2"])


@given(
    st.builds(
        Consumer,
        id=st.sampled_from(["a", "no", "on", "y", "null", "true"]),
        title=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1),
        organisation=st.sampled_from(["", "000.00.00.H47"]),
        key=st.sampled_from(["", "K", "1e3", "007", "off"]),
        secrets=st.lists(st.just(LINE), max_size=2).map(tuple),
        local=st.booleans(),
        certificates=st.lists(st.sampled_from(["a.example.org", "urn:x:a", "a@example.org"]), max_size=2).map(tuple),
        networks=st.lists(st.sampled_from(["10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32"]), max_size=2).map(tuple),
        subscriptions=st.lists(_scopes, max_size=3).map(tuple),
        blocked=st.lists(_scopes, max_size=1).map(tuple),
        pending=st.lists(_scopes, max_size=1).map(tuple),
        limits=st.dictionaries(_scopes, st.lists(st.tuples(st.integers(1, 999), st.sampled_from([1.0, 60.0, 3600.0, 86400.0])), min_size=1)).map(
            lambda found: tuple(
                Limit(scope=scope, count=count, seconds=seconds) for scope, each in found.items() for count, seconds in each
            )
        ),
        behaviour=st.sampled_from(["calm", "field"]),
        may_force=st.booleans(),
        disabled=st.booleans(),
    )
)  # fmt: skip
def test_what_is_written_is_read_as_the_same(tmp_path_factory: pytest.TempPathFactory, consumer: Consumer) -> None:
    directory = tmp_path_factory.mktemp("written")
    (directory / "consumers.yaml").write_text(as_yaml(consumer))
    [read] = read_consumers(directory).values()
    # Texts are read in their composed form.
    assert read.model_copy(update={"title": ""}) == consumer.model_copy(update={"title": ""})


def test_an_entry_can_add_subscriptions_to_a_consumer_of_another_file() -> None:
    written = [
        Source("consumers.d/b.yaml", b"a:\n  also: [new, old]\n"),
        Source("consumers.yaml", b"a:\n  subscriptions: [old]\n"),
    ]
    assert parse_consumers(written)["a"].subscriptions == ("old", "new")


def test_what_is_added_to_nobody_is_refused_at_its_line() -> None:
    with pytest.raises(CatalogueError, match=r"b.yaml:1:1: a: there is no consumer 'a'"):
        parse_consumers([Source("b.yaml", b"a:\n  also: [new]\n")])


def test_what_changed_is_named_and_its_value_is_not() -> None:
    desk = Consumer(id="desk", secrets=(LINE,))
    old = {"desk": desk, "gone": Consumer(id="gone"), "same": Consumer(id="same")}
    new = {
        "desk": desk.model_copy(update={"secrets": (LINE, LINE), "disabled": True}),
        "new": Consumer(id="new"),
        "same": Consumer(id="same"),
    }
    assert list(changes(old, new)) == [
        ("desk", "changed", ["secrets", "disabled"]),
        ("gone", "removed", []),
        ("new", "added", []),
    ]
    assert list(changes({}, {})) == []
