"""The papers' data sets, from files in their original layout that these tests make small."""

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from safecompress_core.api import DataDef
from safecompress_core.errors import DataError
from safecompress_core.testing.data import DataConformance
from safecompress_core.toolkit import Dataset
from safecompress_plugins.data.papers.manifest import DEFINITIONS, FACTS

BY_NAME = {definition.name: definition for definition in DEFINITIONS}
DATA = Path(os.environ.get("SAFECOMPRESS_DATA", "../shared/data"))

ADULT = (
    "39, State-gov, 77516, Bachelors, 13, Never-married, ?, Not-in-family, White, Male, "
    "2174, 0, 40, United-States, <=50K{dot}\n"
    "50, Private, 83311, HS-grad, 9, Divorced, Sales, Husband, Black, Female, "
    "0, 0, 13, Cuba, >50K{dot}\n"
)
COMPAS = """\
id,sex,age,race,juv_fel_count,decile_score,juv_misd_count,juv_other_count,priors_count,\
days_b_screening_arrest,c_charge_degree,is_recid,score_text,priors_count,two_year_recid
1,Male,69,Other,0,1,0,0,0,-1,F,0,Low,0,0
2,Female,34,Caucasian,0,3,1,0,2,-1,M,1,Low,2,1
3,Male,24,Other,0,4,0,1,4,,F,1,Low,4,1
4,Male,23,Caucasian,0,8,0,0,1,31,F,0,High,1,0
5,Male,43,Other,0,1,0,0,2,30,O,-1,N/A,2,0
6,Male,43,Caucasian,0,1,0,0,2,0,F,0,Low,2,0
7,Female,41,Other,0,6,0,0,14,-1,F,1,Medium,14,1
"""


def read(name: str, root: Path, **params: Any) -> Dataset:
    """The samples of one of them."""
    definition = BY_NAME[name]
    module, _, attribute = definition.target.partition(":")
    given = definition.params.model_validate({"root": str(root), **params})
    source = getattr(import_module(module), attribute)(given)
    data: Dataset = source.load()
    return data


def picture(path: Path, value: int, size: tuple[int, int] = (8, 8)) -> None:
    """A grey image in a folder that may not be there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path)


def records(labels: list[int], *, header: int) -> bytes:
    """CIFAR's binary records: label bytes, then 3,072 pixels, red first; here all are the label."""
    parts = []
    for label in labels:
        pixels = np.repeat(np.array([label, label + 1, label + 2], dtype=np.uint8), 1024)
        parts.append(bytes([9] * (header - 1) + [label]) + pixels.tobytes())
    return b"".join(parts)


def cifar10(root: Path) -> None:
    """Thirteen images of three labels in the binary version's six files."""
    for number in range(1, 6):
        (root / f"data_batch_{number}.bin").write_bytes(records([number % 2, 2], header=1))
    (root / "test_batch.bin").write_bytes(records([0, 1, 2], header=1))
    names = "airplane automobile bird cat deer dog frog horse ship truck"
    (root / "batches.meta.txt").write_text("\n".join(names.split()) + "\n\n")


def cifar100(root: Path) -> None:
    """Four images in the folder of the archive."""
    folder = root / "cifar-100-binary"
    folder.mkdir(exist_ok=True)
    (folder / "train.bin").write_bytes(records([7, 99, 7], header=2))
    (folder / "test.bin").write_bytes(records([99], header=2))


def tiny_imagenet(root: Path) -> None:
    """Two labels, two training images and one of validation each."""
    base = root / "tiny-imagenet-200"
    for label, value in (("n01", 10), ("n02", 20)):
        for index in range(2):
            picture(base / "train" / label / "images" / f"{label}_{index}.JPEG", value + index)
        picture(base / "val" / "images" / f"val_{label}.JPEG", value)
    lines = ["val_n01.JPEG\tn01\t0\t0\t62\t57", "val_n02.JPEG\tn02\t0\t0\t62\t57"]
    (base / "val" / "val_annotations.txt").write_text("\n".join(lines) + "\n")


def imagenet_100(root: Path) -> None:
    """Two labels in two training folders, as the archive divides them."""
    for part, label in (("train.X1", "n01"), ("train.X2", "n02")):
        for index in range(2):
            picture(root / part / label / f"{index}.JPEG", 10 * index, size=(300, 200))
    for label in ("n01", "n02"):
        picture(root / "val.X" / label / "0.JPEG", 99, size=(200, 300))


def ag_news(root: Path) -> None:
    """Four news."""
    lines = ['"3","Oil","Prices\\nrise"', '"4","Chips","A ""new"" one"', '"3","Gold","Falls"']
    (root / "train.csv").write_text("\n".join(lines) + "\n")
    (root / "test.csv").write_text('"4","Space","A second\\team"\n')


def yelp_5(root: Path) -> None:
    """Four reviews."""
    (root / "train.csv").write_text('"5","great!\\n\\nreally"\n"1","bad"\n"5","good"\n')
    (root / "test.csv").write_text('"1","never again"\n')


def purchase_100(root: Path) -> None:
    """Four shoppers."""
    rows = [[label, *([label % 2] * 599), 1] for label in (1, 2, 1, 2)]
    (root / "dataset_purchase").write_text("\n".join(",".join(map(str, row)) for row in rows))


def texas_100(root: Path) -> None:
    """Four stays of three bits."""
    folder = root / "texas" / "100"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "feats").write_text("0,1,0\n1,1,0\n0,0,1\n1,0,1\n")
    (folder / "labels").write_text("100\n1\n100\n1\n")


def adult(root: Path) -> None:
    """UCI's two files, four people and two."""
    (root / "adult.data").write_text(ADULT.format(dot="") * 2 + "\n")
    (root / "adult.test").write_text("|1x3 Cross validator\n" + ADULT.format(dot="."))


def compas(root: Path) -> None:
    """Seven defendants, of whom three are not to be used."""
    (root / "compas-scores-two-years.csv").write_text(COMPAS)


def utkface(root: Path) -> None:
    """Four faces, and one without its race."""
    for value, (age, gender, race) in enumerate([(20, 0, 0), (30, 1, 4), (40, 0, 0), (50, 1, 4)]):
        name = f"{age}_{gender}_{race}_2017010{value}.jpg.chip.jpg"
        picture(root / "part1" / name, 40 * value, size=(20, 20))
    picture(root / "part1" / "61_3_20170109150557335.jpg.chip.jpg", 9)  # one that lacks its race


def fairface(root: Path) -> None:
    """Four faces and two, with their tables."""
    header = "file,age,gender,race,service_test\n"
    rows = [
        "20-29,Male,White",
        "30-39,Female,Black",
        "20-29,Male,Black",
        "more than 70,Female,White",
    ]
    for part, chosen in (("train", rows), ("val", rows[:2])):
        lines = [f"{part}/{number}.jpg,{row},True" for number, row in enumerate(chosen, start=1)]
        (root / f"fairface_label_{part}.csv").write_text(header + "\n".join(lines) + "\n")
        for number in range(1, len(chosen) + 1):
            picture(root / part / f"{number}.jpg", 30 * number)


def celeba(root: Path) -> None:
    """Four faces of three people, and three tables."""
    names = [f"{number:06}.jpg" for number in range(1, 5)]
    rows = ["-1  1  1", " 1 -1  1", "-1  1 -1", " 1  1 -1"]
    table = "\n".join(f"{name} {row}" for name, row in zip(names, rows, strict=True))
    (root / "list_attr_celeba.txt").write_text(f"4\nSmiling Male Young \n{table}\n")
    (root / "list_eval_partition.txt").write_text(
        "\n".join(f"{name} {part}" for name, part in zip(names, (0, 0, 1, 2), strict=True))
    )
    (root / "identity_CelebA.txt").write_text(
        "\n".join(f"{name} {who}" for name, who in zip(names, (2880, 7, 7, 31), strict=True))
    )
    for number, name in enumerate(names):
        picture(root / "img_align_celeba" / name, 50 * number, size=(17, 21))


WRITERS = {
    "adult": adult,
    "ag-news": ag_news,
    "celeba": celeba,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "compas": compas,
    "fairface": fairface,
    "imagenet-100": imagenet_100,
    "purchase-100": purchase_100,
    "texas-100": texas_100,
    "tiny-imagenet": tiny_imagenet,
    "utkface": utkface,
    "yelp-5": yelp_5,
}


class PaperConformance(DataConformance):
    """The files of one of them, made by the function above."""

    definition: ClassVar[DataDef]

    def write_files(self, folder: Path) -> Mapping[str, Any]:
        """All of its files."""
        WRITERS[self.definition.name](folder)
        return {"root": str(folder)}


class TestAdult(PaperConformance):
    definition = BY_NAME["adult"]
    params = {"private": ["sex"]}


class TestAgNews(PaperConformance):
    definition = BY_NAME["ag-news"]


class TestCelebA(PaperConformance):
    definition = BY_NAME["celeba"]


class TestCifar10(PaperConformance):
    definition = BY_NAME["cifar10"]


class TestCifar100(PaperConformance):
    definition = BY_NAME["cifar100"]

    def test_its_samples_have_no_problems(self, data: Dataset) -> None:
        """Two of the hundred labels are there, which is what the test wrote."""
        assert torch.bincount(data.labels)[[7, 99]].tolist() == [2, 2]


class TestCompas(PaperConformance):
    definition = BY_NAME["compas"]


class TestFairFace(PaperConformance):
    definition = BY_NAME["fairface"]


class TestImageNet100(PaperConformance):
    definition = BY_NAME["imagenet-100"]


class TestPurchase100(PaperConformance):
    definition = BY_NAME["purchase-100"]


class TestTexas100(PaperConformance):
    definition = BY_NAME["texas-100"]


class TestTinyImageNet(PaperConformance):
    definition = BY_NAME["tiny-imagenet"]


class TestUtkFace(PaperConformance):
    definition = BY_NAME["utkface"]


class TestYelp5(PaperConformance):
    definition = BY_NAME["yelp-5"]


def written(name: str, root: Path, **params: Any) -> Dataset:
    """The small version of one of them."""
    WRITERS[name](root)
    return read(name, root, **params)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_where_files_are_to_be_had_is_said_when_they_are_not_there(
    name: str, tmp_path: Path
) -> None:
    """With what the folder must hold, and what it does hold."""
    (tmp_path / "something-else").touch()

    with pytest.raises(DataError) as caught:
        read(name, tmp_path)

    assert caught.value.field == ("root",)
    assert "there are: something-else" in caught.value.message
    assert FACTS[name].where in caught.value.hint
    assert FACTS[name].files in caught.value.hint


def test_every_one_has_a_small_version_here() -> None:
    """So that its reader is tested on the layout of the original."""
    assert sorted(WRITERS) == sorted(FACTS)


def test_cifar10_is_read_from_its_binary_version(tmp_path: Path) -> None:
    """Label first, then planes of red, green and blue; five training files, then the test file."""
    data = written("cifar10", tmp_path)

    assert data.labels.tolist() == [1, 2, 0, 2, 1, 2, 0, 2, 1, 2, 0, 1, 2]
    assert data.classes[:3] == ("airplane", "automobile", "bird")
    assert data.is_member is not None
    assert data.is_member.tolist() == [True] * 10 + [False] * 3
    mean, std = torch.tensor(FACTS["cifar10"].mean), torch.tensor(FACTS["cifar10"].std)
    last = data.inputs[torch.tensor([12])][0]
    expected = (torch.tensor([2.0, 3.0, 4.0]) / 255 - mean) / std
    assert torch.allclose(last, expected[:, None, None].expand(3, 32, 32), atol=1e-5)


def test_binary_images_are_scaled_and_made_grey_like_others(tmp_path: Path) -> None:
    """What the spec says holds for every layout."""
    data = written("cifar10", tmp_path, size=16, normal={"mean": [0.0], "std": [1.0]})

    assert data.inputs.shape == (13, 1, 16, 16)
    grey = Image.new("RGB", (1, 1), (2, 3, 4)).convert("L").getpixel((0, 0))
    assert (data.inputs[torch.tensor([12])] * 255).unique().tolist() == [grey]


def test_of_cifar100s_two_labels_the_fine_one_counts(tmp_path: Path) -> None:
    """The first byte is the superclass."""
    data = written("cifar100", tmp_path)

    assert data.labels.tolist() == [7, 99, 7, 99]
    assert len(data.classes) == 100


def test_the_pickled_version_of_cifar_is_not_read(tmp_path: Path) -> None:
    """A pickle may run any code, so the folder counts as empty."""
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02}q\x01.")

    with pytest.raises(DataError, match="binary version"):
        read("cifar10", tmp_path)


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    """Its length is no multiple of a record's."""
    cifar10(tmp_path)
    path = tmp_path / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(DataError, match="6145 bytes, not a multiple of 3073"):
        read("cifar10", tmp_path)


@pytest.mark.skipif(not (DATA / "cifar10").exists(), reason=f"there is no {DATA / 'cifar10'}")
def test_cifar10_is_read_from_parquet() -> None:
    """60,000 images; the usual normalisation makes them have mean 0 and deviation 1."""
    data = read("cifar10", DATA / "cifar10", samples=3000)
    pixels = data.inputs[torch.arange(3000)]

    assert data.inputs.shape == (3000, 3, 32, 32)
    assert torch.bincount(data.labels).tolist() == [300] * 10
    assert data.is_member is not None
    assert int(data.is_member.sum()) == 2500
    assert torch.allclose(pixels.mean(dim=(0, 2, 3)), torch.zeros(3), atol=0.05)
    assert torch.allclose(pixels.std(dim=(0, 2, 3)), torch.ones(3), atol=0.05)


def test_tiny_imagenet_labels_its_validation_images_by_a_table(tmp_path: Path) -> None:
    """Those are the non-members."""
    data = written("tiny-imagenet", tmp_path)

    assert data.classes == ("n01", "n02")
    assert data.labels.tolist() == [0, 0, 1, 1, 0, 1]
    assert data.is_member is not None
    assert data.is_member.tolist() == [True] * 4 + [False] * 2


def test_imagenet_100_comes_in_several_folders(tmp_path: Path) -> None:
    """Photographs are scaled to 224 x 224, or to what the spec says."""
    data = written("imagenet-100", tmp_path)

    assert data.inputs.shape == (6, 3, 224, 224)
    assert data.labels.tolist() == [0, 0, 1, 1, 0, 1]
    assert read("imagenet-100", tmp_path, size=32).inputs.shape == (6, 3, 32, 32)


def test_texts_are_labelled_from_one_and_have_their_line_breaks_back(tmp_path: Path) -> None:
    r"""The files write ``\\n`` for one, and some write a lone backslash."""
    data = written("ag-news", tmp_path)

    assert data.texts == (
        "Oil\nPrices\nrise", 'Chips\nA "new" one', "Gold\nFalls", "Space\nA second team"
    )  # fmt: skip
    assert data.labels.tolist() == [2, 3, 2, 3]
    assert data.classes[2] == "Business"
    assert data.is_member is not None
    assert data.is_member.tolist() == [True, True, True, False]
    (tmp_path / "reviews").mkdir()
    yelp = written("yelp-5", tmp_path / "reviews")
    assert yelp.texts[0] == "great!\n\nreally"
    assert yelp.labels.tolist() == [4, 0, 4, 0]


@pytest.mark.skipif(not DATA.exists(), reason=f"there is no {DATA}")
def test_ag_news_has_as_many_documents_of_each_topic() -> None:
    """7,600 in the test file (Zhang, Zhao & LeCun 2015, table 3), 1,900 of each of four."""
    data = read("ag-news", DATA)

    assert torch.bincount(data.labels).tolist() == [1900] * 4
    assert data.texts[0].startswith("Fears for T N pension after talks\nUnions")
    assert data.is_member is None


def test_bits_are_inputs_as_they_are(tmp_path: Path) -> None:
    """Labels from 1 to 100 become 0 to 99."""
    purchase = written("purchase-100", tmp_path)
    texas = written("texas-100", tmp_path)

    assert purchase.inputs.shape == (4, 600)
    assert purchase.labels.tolist() == [0, 1, 0, 1]
    assert purchase.inputs[torch.tensor([0, 1])].sum(dim=1).tolist() == [600, 1]
    assert texas.labels.tolist() == [99, 0, 99, 0]
    assert texas.inputs[torch.tensor([2])].tolist() == [[0, 0, 1]]


def test_adult_is_read_from_ucis_two_files(tmp_path: Path) -> None:
    """The test file begins with a line of its own and has a dot after each label."""
    data = written("adult", tmp_path, private=["sex", "race"])

    assert data.classes == ("<=50K", ">50K")
    assert data.labels.tolist() == [0, 1] * 3
    assert data.is_member is not None
    assert data.is_member.tolist() == [True] * 4 + [False] * 2
    assert data.attributes["sex"].names == ("Female", "Male")
    assert "fnlwgt" not in data.features
    assert len(data.features["occupation"]) == 2  # Sales, and missing


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason=f"there is no {DATA}")
def test_rare_occupations_of_adult_can_be_left_out() -> None:
    """Nine people were in the armed forces; a sample of 3,000 has one, too few for a label."""
    wanted = {"target": "occupation", "samples": 3000}
    with pytest.raises(DataError, match="'Armed-Forces' of 'occupation' has a single sample"):
        read("adult", DATA, **wanted)

    data = read("adult", DATA, **wanted, fewest_per_label=2)

    assert (len(data), len(data.classes)) == (2999, 13)
    assert "Armed-Forces" not in data.classes


def test_compas_keeps_what_propublica_keeps(tmp_path: Path) -> None:
    """Arrested within 30 days of the screening, no ordinary traffic offence, with a score."""
    data = written("compas", tmp_path)

    assert data.labels.tolist() == [0, 1, 0, 1]
    assert set(data.attributes) == {"race", "sex"}
    assert set(data.features) == {"age", "juv_misd_count", "priors_count", "c_charge_degree"}


def test_utkface_has_its_labels_in_the_names(tmp_path: Path) -> None:
    """Gender is the task unless the spec says another; an image without all of them is left."""
    data = written("utkface", tmp_path, intervals=2)

    assert data.inputs.shape == (4, 3, 64, 64)
    assert [data.classes[label] for label in data.labels] == ["male", "female", "male", "female"]
    assert [data.attributes["race"].names[one] for one in data.attributes["race"].values] == [
        "White", "Others", "White", "Others"
    ]  # fmt: skip
    age = data.attributes["age"]
    assert age.numbers is not None
    assert age.numbers.tolist() == [20, 30, 40, 50]
    assert age.values.tolist() == [0, 0, 1, 1]
    assert set(read("utkface", tmp_path, target="race").attributes) == {"gender", "age"}


def test_celeba_knows_parts_and_people(tmp_path: Path) -> None:
    """Pictures of one person belong together, and the first part has the members."""
    data = written("celeba", tmp_path, private=["Male"], samples=4)

    assert data.classes == ("no", "yes")
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert data.attributes["Male"].values.tolist() == [1, 0, 1, 1]
    assert data.groups is not None
    assert data.groups[1] == data.groups[2]
    assert len(data.groups.unique()) == 3
    assert data.is_member is not None
    assert data.is_member.tolist() == [True, True, False, False]


def test_the_task_cannot_be_private(tmp_path: Path) -> None:
    """Of faces either."""
    fairface(tmp_path)

    with pytest.raises(DataError, match="cannot be private as well") as caught:
        read("fairface", tmp_path, target="race", private=["age", "race"])

    assert caught.value.field == ("private", 1)
    with pytest.raises(DataError, match="no label 'rac'; did you mean 'race'"):
        read("fairface", tmp_path, target="rac")
