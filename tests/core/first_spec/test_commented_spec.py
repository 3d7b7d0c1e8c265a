"""A first spec, from a look at what there is."""

import json
from pathlib import Path

import pytest
from PIL import Image
from ruamel.yaml import YAML

from safecompress_core.errors import DataError
from safecompress_core.first_spec.commented_spec import Draft, draft_spec


def draft(what: Path, **given: object) -> Draft:
    """The draft for what a user names, with nothing said of it but this."""
    said = {"data": None, "target": None, "private": (), "factory": None}
    return draft_spec(what, **{**said, **given})  # type: ignore[arg-type]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """90 patients."""
    rows = "".join(f"{i};{i % 7 / 3};{'mf'[i % 2]};{'abc'[i % 3]}\n" for i in range(90))
    path = tmp_path / "patients.csv"
    path.write_text("id;score;sex;outcome\n" + rows)
    return path


def test_the_spec_of_a_table_is_yaml_with_what_was_guessed(table: Path) -> None:
    """A label by its usual name, no identifier, and the delimiter; guesses stand in comments."""
    found = draft(table)
    spec = YAML(typ="safe", pure=True).load(found.text("My patients!"))

    assert spec["name"] == "my-patients"
    data = spec["task"]["data"]
    assert data["target"] == "outcome"
    assert (data["delimiter"], data["drop"]) == (";", ["id"])
    assert "the label was guessed: 'outcome' has 3 values" in found.notes
    assert all(f"# {note}" in found.text("x") for note in found.notes)


def test_private_columns_are_attacked(table: Path) -> None:
    """By different attackers in selection and audit, and a gate is proposed."""
    text = draft(table, target="outcome", private=("sex", "score")).text("x")
    spec = YAML(typ="safe", pure=True).load(text)

    def attributes(attackers: list[dict[str, str]]) -> dict[str | None, str | None]:
        return {attacker.get("id"): attacker.get("attribute") for attacker in attackers}

    assert attributes(spec["attackers"]) == {None: None, "probe-1": "sex", "probe-2": "score"}
    audit = attributes(spec["audit"]["attackers"])
    assert audit == {None: None, "mlp-1": "sex", "mlp-2": "score"}
    assert spec["task"]["data"]["private"] == ["sex", "score"]
    assert "attribute.lift" in text


def test_more_samples_need_fewer_epochs() -> None:
    """And a pretrained model needs hardly any."""

    def epochs(samples: int, *, pretrained: bool = False) -> int:
        text = Draft([], "{type: mlp}", samples, pretrained=pretrained).text("x")
        found: int = YAML(typ="safe", pure=True).load(text)["training"]["epochs"]
        return found

    assert epochs(500) > epochs(5_000) > epochs(50_000) > epochs(500, pretrained=True)


@pytest.mark.parametrize("continuous", [True, False])
def test_models_differ_in_settings_that_move_any_data(continuous: bool) -> None:
    """Noise is opened only where inputs are numbers, and is off in the spec as written."""
    text = Draft([], "{type: mlp}", 500, continuous=continuous).text("x")
    method = YAML(typ="safe", pure=True).load(text)["method"]

    opened = {key for strategy in method["strategies"] for key in strategy.get("set", {})}
    assert opened - {"augmentation.noise"} == {"learning_rate", "density"}
    assert ("augmentation.noise" in opened) is continuous
    noise = [{"type": "augmentation", "noise": 0}]
    assert method.get("defences", []) == (noise if continuous else [])


def test_a_pretrained_model_has_a_smaller_field() -> None:
    """And no more rounds than epochs."""
    text = Draft([], "{type: mlp}", 500, pretrained=True).text("x")
    spec = YAML(typ="safe", pure=True).load(text)

    assert spec["method"]["field"] == 4
    assert spec["method"]["rounds"] <= spec["training"]["epochs"]


@pytest.mark.parametrize(
    ("name", "spelt"), [("Ä", "first"), ("a" * 80, "a" * 64), ("-a b-", "a-b")]
)
def test_a_name_becomes_one_that_a_spec_may_have(name: str, spelt: str) -> None:
    """Lower case with hyphens, of 64 characters at most."""
    text = Draft([], "{type: mlp}", 1).text(name)

    assert YAML(typ="safe", pure=True).load(text)["name"] == spelt


def test_a_factory_is_found_without_importing_its_file(table: Path, tmp_path: Path) -> None:
    """By what it takes; the command has to allow the code."""
    model = tmp_path / "net.py"
    model.write_text(
        "import nothing_that_is_installed\n"
        "def other(x): ...\n"
        "def make(*, input_shape, classes, generator): ...\n"
    )

    found = draft(model, data=table)

    assert '"net:make"' in found.model
    assert found.runs_code
    with pytest.raises(DataError, match="is a model, and nothing says what it is trained on"):
        draft(model)


def test_images_of_one_size_are_taken_as_they_are(tmp_path: Path) -> None:
    """Any others are scaled to a size that the model takes."""
    for label, side in (("cat", 32), ("dog", 32)):
        (tmp_path / label).mkdir()
        Image.new("L", (side, side)).save(tmp_path / label / "1.png")
    assert not any(line.startswith("size:") for line in draft(tmp_path).data)

    Image.new("L", (100, 500)).save(tmp_path / "dog" / "2.png")

    assert "size: 32" in draft(tmp_path).data


def test_a_folder_with_a_configuration_is_a_model(table: Path, tmp_path: Path) -> None:
    """One that is trained already, whose packages are an extra."""
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    rows = "".join(f"{i % 2},this is the story of day {i}\n" for i in range(40))
    table.write_text("topic,body\n" + rows)

    found = draft(folder, data=table)

    assert found.pretrained
    assert not found.continuous
    assert "huggingface" in found.extras
    assert 'text: ["body"]' in found.data
