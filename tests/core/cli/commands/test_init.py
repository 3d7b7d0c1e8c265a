"""``safecompress init``."""

import csv
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from safecompress_core.cli import cli
from safecompress_core.host import Registry, load_plugins
from safecompress_core.specfile.load import load_spec

FACTORY = """\
import nothing_that_is_installed

def helper(x):
    return x

def build(*, input_shape, classes, generator):
    return None
"""


@pytest.fixture(scope="module")
def built_ins() -> Registry:
    """The built-in components."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*arguments: str) -> Result:
    """Return the output of the command."""
    return CliRunner().invoke(cli, ["init", *arguments])


def write_table(
    name: str, *, delimiter: str = ",", header: Sequence[str] | None = None, rows: int = 100
) -> None:
    """Patients with an identifier, numbers, categories, and an outcome."""
    rng = random.Random(3)  # noqa: S311 - for a made-up table
    with Path(name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        if header is None:
            header = ("id", "age", "sex", "score", "outcome")
        if header:
            writer.writerow(header)
        for row in range(rows):
            age, outcome = rng.randint(20, 90), rng.choice(("ill", "well"))
            writer.writerow([row, age, rng.choice("mf"), age / 7, outcome])


def written(name: str, registry: Registry) -> dict[str, object]:
    """The data and model of a spec that was written, which must be valid."""
    loaded = load_spec(Path(name), registry=registry, allow_code=True)
    task: dict[str, object] = loaded.resolved["task"]
    return task


def test_the_spec_of_a_table_names_its_columns(here: Path, built_ins: Registry) -> None:
    """The label is guessed, identifiers are dropped, private candidates are named in a comment."""
    write_table("patients.csv")

    outcome = init("patients.csv")

    data = written("patients.yaml", built_ins)["data"]
    assert outcome.exit_code == 0
    assert isinstance(data, dict)
    assert (data["type"], data["target"], data["drop"]) == ("csv", "outcome", ["id"])
    assert data["private"] == []
    text = Path("patients.yaml").read_text()
    assert "# the label was guessed: 'outcome' has 2 values" in text
    assert """# columns that may have to stay private: 'private: ["age", "sex"]'""" in text
    assert "safecompress run patients.yaml\n" in outcome.stdout


def test_what_the_user_names_is_not_guessed(here: Path, built_ins: Registry) -> None:
    """A private column gets an attacker as well."""
    write_table("patients.csv")

    outcome = init(
        "patients.csv", "--target", "sex", "--private", "outcome", "--output", "a b.yaml"
    )

    assert outcome.exit_code == 0, outcome.stderr
    data = written("a b.yaml", built_ins)["data"]
    assert isinstance(data, dict)
    assert (data["target"], data["private"]) == ("sex", ["outcome"])
    text = Path("a b.yaml").read_text()
    assert "name: a-b\n" in text
    assert 'attribute-probe, id: probe-1, attribute: "outcome"' in text
    assert "guessed" not in text


def test_a_table_without_names_and_with_semicolons_is_read_as_it_is(
    here: Path, built_ins: Registry
) -> None:
    """The spec states both for the data set."""
    Path("numbers.data").write_text("".join(f"{i / 7};{i % 3};{i % 2}\n" for i in range(90)))

    assert init("numbers.data").exit_code == 0

    data = written("numbers.yaml", built_ins)["data"]
    assert isinstance(data, dict)
    assert (data["delimiter"], data["names"], data["target"]) == (";", ["c1", "c2", "c3"], "c3")


@pytest.mark.parametrize(("size", "wanted"), [((32, 32), None), ((8, 8), 28), ((200, 90), 64)])
def test_the_spec_of_images_scales_them_where_the_model_needs_it(
    here: Path, built_ins: Registry, size: tuple[int, int], wanted: int | None
) -> None:
    """Sizes come from headers, of PNG and of JPEG."""
    for label, suffix in (("cat", "png"), ("dog", "jpg")):
        Path("pictures", label).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", size).save(Path("pictures", label, f"{number}.{suffix}"))

    outcome = init("pictures")

    assert outcome.exit_code == 0, outcome.stderr
    task = written("pictures.yaml", built_ins)
    assert isinstance(task["data"], dict)
    assert (task["data"]["type"], task["data"]["size"]) == ("image-folder", wanted)
    assert task["model"] == {"type": "lenet"}
    assert "# 6 images of 2 labels" in Path("pictures.yaml").read_text()


def test_the_spec_of_an_own_model_names_its_factory_without_importing_it(
    here: Path, built_ins: Registry
) -> None:
    """The file here could not be imported; the commands to go on with allow code."""
    Path("my_model.py").write_text(FACTORY)
    write_table("patients.csv")

    outcome = init("my_model.py", "--data", "patients.csv")

    assert outcome.exit_code == 0, outcome.stderr
    model = written("my_model.yaml", built_ins)["model"]
    assert isinstance(model, dict)
    assert (model["type"], model["factory"], model["folder"]) == ("python", "my_model:build", ".")
    assert "safecompress run my_model.yaml --allow-code" in outcome.stdout


def test_the_spec_of_a_hugging_face_folder_reads_texts_or_images(
    here: Path, built_ins: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells decide which column is text, and the model's configuration the size of images."""
    monkeypatch.setattr("safecompress_core.cli.commands.init.find_spec", lambda _: None)
    Path("minilm").mkdir()
    Path("minilm/config.json").write_text('{"model_type": "bert"}')
    with Path("news.csv").open("w", newline="") as file:
        rows = ([i % 4, f"news number {i} is about some thing or other"] for i in range(60))
        csv.writer(file).writerows([("topic", "body"), *rows])

    outcome = init("minilm", "--data", "news.csv")

    assert outcome.exit_code == 0, outcome.stderr
    task = written("minilm.yaml", built_ins)
    assert isinstance(task["data"], dict)
    assert isinstance(task["model"], dict)
    assert (task["data"]["target"], task["data"]["text"]) == ("topic", ["body"])
    assert (task["model"]["path"], task["model"]["reads"]) == ("minilm", "texts")
    assert "[run,huggingface]'" in outcome.stdout

    for label in ("a", "b"):
        Path("pictures", label).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(Path("pictures", label, "0.png"))
    Path("minilm/config.json").write_text('{"model_type": "vit", "image_size": 96}')
    assert init("minilm", "--data", "pictures", "--output", "vit.yaml").exit_code == 0
    task = written("vit.yaml", built_ins)
    assert isinstance(task["data"], dict)
    assert isinstance(task["model"], dict)
    assert (task["data"]["size"], task["model"]["reads"]) == (96, "images")


def test_a_file_is_never_written_over(here: Path) -> None:
    """The content of the file does not matter."""
    write_table("patients.csv")
    Path("patients.yaml").write_text("mine")

    outcome = init("patients.csv")

    assert outcome.exit_code == 2
    assert outcome.stderr == (
        "error: 'patients.yaml' exists, and is not written over; name another: --output FILE\n"
    )
    assert Path("patients.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model.py"], "'model.py' is a model, and nothing says what it is trained on; give its"),
        (["model.py", "--data", "p.csv"], "no function in 'model.py' takes input_shape, classes"),
        (["p.csv", "--target", "x"], "the file has no column 'x'; it has: id, age, sex, score"),
        (["p.csv", "--private", "x"], "the file has no column 'x'; it has: id, age, sex, score"),
        (["empty.csv"], "'empty.csv' has fewer than two columns, or fewer than two rows"),
        (["latin.csv"], "'latin.csv' is no UTF-8 text; save it as UTF-8"),
        (["folder"], "fewer than two folders in 'folder' hold images; put the images of each"),
        (["a.xlsx"], "'a.xlsx' is none of a CSV file, a folder of images, a folder of Hugging"),
    ],
)
def test_what_no_spec_can_be_written_for_is_told(
    here: Path, arguments: list[str], message: str
) -> None:
    """And nothing is written."""
    write_table("p.csv")
    Path("model.py").write_text("x = 1\n")
    Path("empty.csv").write_text("")
    Path("latin.csv").write_bytes(b"a,b\n\xe9,1\n")
    Path("folder").mkdir()
    Path("a.xlsx").write_bytes(b"PK")

    outcome = init(*arguments)

    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(f"error: {message}")
    assert not list(Path().glob("*.yaml"))


@pytest.mark.parametrize("is_installed", [True, False])
def test_what_to_install_is_told_only_where_it_is_missing(
    here: Path, monkeypatch: pytest.MonkeyPatch, is_installed: bool
) -> None:
    """An install command for installed packages would look like a required step."""
    write_table("patients.csv")
    monkeypatch.setattr(
        "safecompress_core.cli.commands.init.find_spec", lambda _: is_installed or None
    )

    printed = init("patients.csv").output

    assert ("a run needs: pip install" in printed) is not is_installed
