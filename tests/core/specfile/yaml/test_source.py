"""Reading YAML: values, places, ``extends``, and every complaint about the text."""

from pathlib import Path

import pytest

from safecompress_core.specfile.problems import LocatedProblem
from safecompress_core.specfile.yaml.composer import parse
from safecompress_core.specfile.yaml.nodes import Mark
from safecompress_core.specfile.yaml.source import read


def parsed(text: str) -> tuple[object, list[str]]:
    """The plain value and the problems of a text."""
    problems: list[LocatedProblem] = []
    node = parse(text, start=Mark("a.yaml", 1, 1), problems=problems)
    return node.plain() if node else None, [str(problem) for problem in problems]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def complaints(path: str) -> list[str]:
    """What is wrong with a file that yields no spec."""
    source = read(Path(path))
    assert source.root is None
    return [str(problem) for problem in source.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("2e2", 200),
        ("1E5", 100000),
        ("-2.5e+1", -25),
        ("2.55e1", 25.5),
        ("1e30", 1e30),
        (".5", 0.5),
        ("0x10", 16),
        ("1_000", 1000),
        ("no", "no"),
        ("true", True),
        ("~", None),
        ("2024-01-01", "2024-01-01"),
        ("'3'", "3"),
        ("[1, 2.0]", [1, 2.0]),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    """Among them ``1e-3``, which YAML 1.1 reads as text, and ``no``, which it reads as false.

    A number with an exponent and no fraction is whole: ``2e2`` counts as 200 does.
    """
    read_value, problems = parsed(f"a: {text}")

    assert read_value == {"a": value}
    assert type(read_value["a"]) is type(value)
    assert problems == []


def test_every_duplicate_key_is_a_problem_with_its_position() -> None:
    """All of them, not only the first, and in nested mappings too."""
    _, problems = parsed("a: 1\nb: {c: 1, c: 2}\na: 2\n")

    assert problems == [
        "a.yaml:2:11: b.c: the key 'c' is given twice (first on line 2); keep one of them",
        "a.yaml:3:1: a: the key 'a' is given twice (first on line 1); keep one of them",
    ]


def test_merge_keys_keep_the_place_of_the_anchor() -> None:
    """A problem with an inherited value is shown where the value was written."""
    node = parse("x: &x {p: 1, q: 2}\ny:\n  <<: *x\n  q: 3\n", start=Mark("a", 1, 1), problems=[])

    assert node is not None
    assert node.plain()["y"] == {"p": 1, "q": 3}
    assert node.mark_of(("y", "p")) == Mark("a", 1, 11)


def test_of_several_merged_mappings_the_first_wins() -> None:
    """As YAML's merge type has it."""
    value, problems = parsed("x: &x {p: 1}\ny: &y {p: 2, q: 2}\nz: {<<: [*x, *y]}\n")

    assert value["z"] == {"p": 1, "q": 2}  # type: ignore[index]
    assert problems == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1,\n", "2:1: this is not YAML: a value is missing; write it, or close the list or"),
        ("a: *b", "1:4: a: no anchor is called 'b'; write '&b' before the value that is to be"),
        (
            "a: 1\n---\nb: 2\n",
            "2:1: this is not YAML: a second document begins here; write one spec",
        ),
        ("a: \x01", r"1:4: this is not YAML: the character \x01 may not stand in it; take it out"),
        ("c: &y [*y]", "1:8: c.0: this alias stands inside what it repeats; write the value out"),
        ("d: !!foo 3", "1:4: d: a spec has no values of the kind 'foo'; leave the tag out"),
        ("1: 2", "1:1: the key 1 is no text; put it in quotes"),
        ("a: {<<: 3}", "1:9: a: '<<' merges mappings only; name an anchored mapping"),
    ],
)
def test_what_is_no_yaml_of_ours_is_told_with_its_place(text: str, problem: str) -> None:
    """Syntax, aliases, tags and keys."""
    (found,) = parsed(text)[1]

    assert found.startswith(f"a.yaml:{problem}")


def test_a_missing_file_offers_the_nearest_name(folder: Path) -> None:
    """Of the YAML files beside it."""
    (folder / "multi_attack.yaml").write_text("a: 1")

    assert complaints("multi-attack.yaml") == [
        "multi-attack.yaml:1:1: there is no file 'multi-attack.yaml'; "
        "did you mean 'multi_attack.yaml'?"
    ]
    assert complaints("zzz.yaml") == ["zzz.yaml:1:1: there is no file 'zzz.yaml'; check the path"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "1:1: the file is empty; begin with 'version: 1', 'name', 'task' and 'method'"),
        (b"# nothing\n", "1:1: the file is empty; begin with"),
        (b"\n- 1\n", "2:1: a spec is a mapping of fields, and this is a list; write fields as"),
        (b"hello", "1:1: a spec is a mapping of fields, and this is 'hello'; write fields as"),
        (
            b"a: 1\n\xc3\xa9: n\xe9\n",
            "2:5: this is not YAML: the byte 0xe9 is no UTF-8 text; save",
        ),
        (
            "a: 1\n".encode("utf-16"),
            "1:1: this is not YAML: the text is in UTF-16; save it as UTF-8",
        ),
        ("a: 1\n".encode("utf-16-be"), "1:1: this is not YAML: the text is in UTF-16; save it as"),
        (
            b"\xef\xbb\xbf- 1",
            "1:1: a spec is a mapping of fields, and this is a list; write fields as",
        ),
    ],
)
def test_a_file_that_is_no_spec_is_told(folder: Path, content: bytes, problem: str) -> None:
    """Empty, no mapping at the top, or no text at all."""
    (folder / "a.yaml").write_bytes(content)

    (found,) = complaints("a.yaml")

    assert found.startswith(f"a.yaml:{problem}")


def test_a_folder_is_no_spec(folder: Path) -> None:
    """The reason is the system's own."""
    (folder / "specs").mkdir()

    assert complaints("specs") == [
        "specs:1:1: cannot read 'specs': Is a directory; give the path of a readable file"
    ]


def test_extends_is_relative_to_the_file_that_says_it(folder: Path) -> None:
    """Two levels, in two folders; the field itself does not stay."""
    (folder / "specs" / "parts").mkdir(parents=True)
    (folder / "specs" / "mine.yaml").write_text("extends: ./parts/mid.yaml\nc: 3\n")
    (folder / "specs" / "parts" / "mid.yaml").write_text("extends: ../base.yaml\nb: {y: 2}\n")
    (folder / "specs" / "base.yaml").write_text("a: 1\nb: {x: 1}\nc: 1\n")

    source = read(Path("specs/mine.yaml"))

    assert source.root is not None
    assert source.root.plain() == {"a": 1, "b": {"x": 1, "y": 2}, "c": 3}
    assert source.root.mark_of(("b", "x")) == Mark("specs/base.yaml", 2, 8)
    assert source.root.mark_of(("b", "y")) == Mark("specs/parts/mid.yaml", 2, 8)


def test_files_that_extend_each_other_are_told_as_a_circle(folder: Path) -> None:
    """At the line that closes it."""
    (folder / "a.yaml").write_text("extends: b.yaml\n")
    (folder / "b.yaml").write_text("version: 1\nextends: ./a.yaml\n")

    assert complaints("a.yaml") == [
        "b.yaml:2:10: extends: the files extend each other in a circle: "
        "a.yaml -> b.yaml -> a.yaml; take one 'extends' out"
    ]


def test_a_missing_base_is_told_where_it_is_named(folder: Path) -> None:
    """With the nearest name, as for the spec itself."""
    (folder / "base.yaml").write_text("a: 1")
    (folder / "a.yaml").write_text("a: 1\nextends: bse.yaml\n")

    assert complaints("a.yaml") == [
        "a.yaml:2:10: extends: there is no file 'bse.yaml'; did you mean 'base.yaml'?"
    ]


@pytest.mark.parametrize("value", ["[b.yaml, c.yaml]", "3", ""])
def test_extends_names_one_file(folder: Path, value: str) -> None:
    """A list would leave open what wins."""
    (folder / "a.yaml").write_text(f"extends: {value}\n")

    (found,) = complaints("a.yaml")

    assert "extends: 'extends' is the path of one file, and this is" in found
    assert found.endswith("; write 'extends: ./base.yaml'")
