import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lgsp.capture.files import Reader, Writer, read
from lgsp.capture.record import Answered, Asked, Body, Record
from lgsp.cli.capture import capture


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(capture, [str(each) for each in arguments], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return -1, done.stdout, str(done.exception)
    return done.exit_code, done.stdout, done.stderr


def header(path: Path) -> dict[str, object]:
    reader = Reader.open(path)
    reader.close()
    return dict(reader.header)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "a.lgsp.jsonl"
    with Writer.create(path, {"host": "gw1"}) as writer:
        for number, service in enumerate(["x", "y", "x"]):
            reply = Answered(200 + number, body=Body.of(b"hi"))
            times = {"total": 1_000_000 * number}
            writer.write(Record(t=number, service=service, tx=f"t{number}", request=Asked("GET", "/a"), reply=reply, outcome="ok", times=times))  # fmt: skip
        writer.write(Record(t=9, tap="bus.request", tx="t1"))
    return path


def test_info_counts_by_operation(made: Path) -> None:
    code, out, _ = run("info", made, "--stats", "--json")
    told = json.loads(out)
    assert (code, told["records"], told["transactions"], told["taps"]) == (0, 4, 3, {"gateway": 3, "bus.request": 1})
    assert [(row["service"], row["records"], row["p99_ms"]) for row in told["operations"]] == [("x", 2, 2), ("y", 1, 1)]
    assert "x" in run("info", made, "--stats")[1]


def test_verify_is_a_finding_for_a_changed_file(made: Path) -> None:
    assert run("verify", made)[0] == 0
    made.write_bytes(made.read_bytes().replace(b"/a", b"/b", 1))
    code, out, _ = run("verify", made)
    assert (code, "the digest differs" in out) == (1, True)


def test_convert_filters_merges_and_says_what_it_skipped(made: Path, tmp_path: Path) -> None:
    code, out, err = run("convert", made, made, tmp_path / "o.har", "--where", "service!=y", "--json", "--strict")
    told = json.loads(out)
    assert (code, told["read"], told["written"], told["skipped"]) == (1, 8, 4, 2)
    assert "bus.request holds no HTTP request" in err
    assert run("convert", tmp_path / "o.har", tmp_path / "b.lgsp.jsonl.gz", "--strict")[0] == 0
    assert [record.reply.status for record in read(tmp_path / "b.lgsp.jsonl.gz") if record.reply] == [
        200,
        200,
        202,
        202,
    ]


def test_convert_sorts_and_says_so_only_where_it_did(made: Path, tmp_path: Path) -> None:
    one, other, merged = (tmp_path / f"{name}.lgsp.jsonl" for name in ("one", "other", "merged"))
    with Writer.create(one, {}) as writer:
        writer.write(*(Record(t=t, service="x", request=Asked("GET", f"/{t}")) for t in (7, 1, 4)))
    assert run("convert", one, made, other, "--sort", "--state", tmp_path)[0] == 0
    assert [record.t for record in read(other)] == [0, 1, 1, 2, 4, 7, 9]
    assert run("convert", other, other, merged)[0] == 0
    assert [header(each).get("sorted") for each in (other, merged)] == [True, None]
    assert run("convert", merged, tmp_path / "parts", "--split", "service", "--sort", "--state", tmp_path)[0] == 0
    assert header(tmp_path / "parts" / "x.lgsp.jsonl") == {"lgsp_capture": 1, "service": "x", "sorted": True}


def test_convert_splits(made: Path, tmp_path: Path) -> None:
    assert run("convert", made, tmp_path / "parts", "--split", "service")[0] == 0
    counts = {path.name: len(list(read(path))) for path in (tmp_path / "parts").iterdir()}
    assert counts == {"x.lgsp.jsonl": 2, "y.lgsp.jsonl": 1, "none.lgsp.jsonl": 1}


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.har", b'{"log":', "a.har:1: no HAR"),
        ("a.lgsp.jsonl", b"hello\n", "a.lgsp.jsonl:1: no capture"),
        ("a.txt", b"", "its name says no format"),
        ("gone.gor", None, "cannot be read: No such file"),
    ],
)
def test_a_broken_file_is_named_with_its_place(name: str, data: bytes | None, says: str, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    code, _, problem = run("convert", tmp_path / name, tmp_path / "o.lgsp.jsonl")
    assert (code, says in problem) == (-1, True), problem


def test_what_lies_in_the_state_directory_is_listed(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "state" / "captures"
    home.mkdir(parents=True)
    made.rename(home / made.name)
    (home / "notes").mkdir()
    code, out, _ = run("ls", "--json", "--state", tmp_path / "state")
    assert (code, [Path(each["path"]).name for each in json.loads(out)]) == (0, ["a.lgsp.jsonl"])
    assert json.loads(run("ls", "--json", "--state", tmp_path / "none")[1]) == []


def test_several_captures_become_one_by_time(tmp_path: Path) -> None:
    for name, times in (("a", (1, 5, 9)), ("b", (2, 5, 7)), ("c", ())):
        with Writer.create(tmp_path / f"{name}.lgsp.jsonl", {}) as writer:
            writer.write(*(Record(t=t, tx=name, request=Asked("GET", "/")) for t in times))
    inputs = [tmp_path / f"{name}.lgsp.jsonl" for name in "abc"]
    assert run("convert", *inputs, tmp_path / "all.lgsp.jsonl")[0] == 0
    found = [(record.seq, record.t, record.tx) for record in read(tmp_path / "all.lgsp.jsonl")]
    assert found == [(1, 1, "a"), (2, 2, "b"), (3, 5, "a"), (4, 5, "b"), (5, 7, "b"), (6, 9, "a")]


def test_what_is_not_masked_is_named_with_its_place_and_never_with_its_value(tmp_path: Path) -> None:
    person = "012200000123"
    body = json.dumps({"hoTen": "An", "ok": 1, person: {"dienThoai": "0900012345"}}).encode()
    asked = Asked(
        "POST", f"/p/{person}?x=1", (("Authorization", "Bearer abcdefghijklmnop"), ("x-a", "1")), Body.of(body)
    )
    path, masked, har = (tmp_path / name for name in ("a.lgsp.jsonl", "m.lgsp.jsonl", "a.har"))
    with Writer.create(path, {}) as writer:
        writer.write(Record(t=1, tx="t", request=Asked("GET", "/")), Record(t=2, key=person, request=asked))
    state = ("--state", tmp_path / "state")
    code, out, said = run("redact", path, "--check", "--json", *state)
    told = json.loads(out)
    assert (code, told["records"], told["found"], [each["seq"] for each in told["where"]]) == (1, 2, 1, [2])
    places = told["where"][0]["places"]
    assert {"key", "request.path", "request.header.authorization", "request.body.hoTen"} <= set(places)
    assert not {"request.header.x-a", "request.body.ok", "tx"} & set(places)
    assert person not in out + said
    assert "record 2 holds what should be masked: key, " in said
    assert run("convert", path, har)[0] == 0
    assert run("redact", har, "--check", *state)[0] == 1
    assert run("redact", har, masked, *state)[0] == 0
    assert run("redact", masked, "--check", *state)[0] == 0
    assert person not in masked.read_text()
