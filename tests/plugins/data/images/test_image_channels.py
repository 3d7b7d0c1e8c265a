"""Images: folders, Parquet files, and that it does not matter where pixels are kept."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from safecompress_core.api import DataDef
from safecompress_core.errors import DataError
from safecompress_core.testing.data import DataConformance
from safecompress_core.toolkit import Inputs, in_batches
from safecompress_plugins.data.images.image_folder import ImageFolder
from safecompress_plugins.data.images.images import ByteImages, FileImages
from safecompress_plugins.data.images.manifest import (
    DEFINITIONS,
    ImageFolderParams,
    ImageParquetParams,
    Normal,
)
from safecompress_plugins.data.tables.parquet_file import ImageParquetFile

BY_NAME = {definition.name: definition for definition in DEFINITIONS}


def digit(index: int, size: int = 8) -> Image.Image:
    """A handwritten digit as a grey image."""
    pixels = (load_digits().images[index] * 15).astype(np.uint8)
    return Image.fromarray(pixels).resize((size, size))


def encoded(index: int) -> bytes:
    """A digit as a PNG file."""
    buffer = io.BytesIO()
    digit(index).save(buffer, format="PNG")
    return buffer.getvalue()


def folders(root: Path, parts: tuple[str, ...] = (".",), size: int = 8) -> Path:
    """Three digits each of the labels 0 and 1 in every part; digit 10 is a 0 again, and so on."""
    for number, part in enumerate(parts):
        for label in (0, 1):
            folder = root / part / str(label)
            folder.mkdir(parents=True)
            for index in range(3):
                digit(30 * number + 10 * index + label, size).save(folder / f"{index}.png")
    return root


def loaded(root: Path, **params: Any) -> Any:
    """The samples of a folder."""
    given = {"path": str(root), **params}
    return ImageFolder(ImageFolderParams.model_validate(given)).load()


def everything(inputs: Inputs) -> torch.Tensor:
    """All of them."""
    return inputs[torch.arange(len(inputs))]


class TestImageFolder(DataConformance):
    definition: DataDef = BY_NAME["image-folder"]
    params: ClassVar[Mapping[str, Any]] = {"storage": "memory"}

    def write_files(self, folder: Path) -> Mapping[str, Any]:
        """Three images each of two labels in two parts."""
        if not (folder / "train").exists():
            folders(folder, ("train", "test"))
        return {"path": str(folder)}


class TestImageFolderOnDisk(TestImageFolder):
    params: ClassVar[Mapping[str, Any]] = {"storage": "disk", "workers": 1}


class TestImageParquet(DataConformance):
    definition: DataDef = BY_NAME["image-parquet"]

    def write_files(self, folder: Path) -> Mapping[str, Any]:
        """Four images."""
        write_parquet(folder / "digits.parquet")
        return {"path": str(folder / "digits.parquet")}


def write_parquet(path: Path, *, names: list[str] | None = None) -> None:
    """Four digits with the labels 5, 6, 5, 6, as Hugging Face writes them."""
    images = [{"bytes": encoded(index), "path": None} for index in range(4)]
    labels = [0, 1, 0, 1] if names else [5, 6, 5, 6]
    table = pa.table({"image": images, "label": labels})
    if names:
        feature = {"names": names, "_type": "ClassLabel"}
        facts = {"info": {"features": {"image": {"_type": "Image"}, "label": feature}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(facts)})
    pq.write_table(table, path)


def test_pixels_are_normalised_channel_by_channel(tmp_path: Path) -> None:
    """(x / 255 − mean) / std, of the pixels that Pillow decodes."""
    normal = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.5]}
    data = loaded(folders(tmp_path), normal=normal)

    pixels = np.asarray(Image.open(tmp_path / "1" / "2.png").convert("RGB")) / 255
    expected = (pixels - normal["mean"]) / normal["std"]

    assert data.inputs.shape == (6, 3, 8, 8)
    assert torch.allclose(
        data.inputs[torch.tensor([5])][0],
        torch.from_numpy(expected).permute(2, 0, 1).float(),
        atol=1e-6,
    )
    low, high = data.bounds
    assert torch.allclose(low.flatten(), torch.tensor([-2.0, -2.0, -1.2]))
    assert torch.allclose(high.flatten(), torch.tensor([3.0, 2.0, 0.8]))


def test_one_mean_makes_them_grey(tmp_path: Path) -> None:
    """A single channel."""
    data = loaded(folders(tmp_path), normal={"mean": [0.0], "std": [1.0]})

    assert data.inputs.shape == (6, 1, 8, 8)
    assert (everything(data.inputs) * 255).round().unique().numel() > 8


def test_folders_are_labels_and_train_has_the_members(tmp_path: Path) -> None:
    """What stands beside it has none."""
    data = loaded(folders(tmp_path, ("train", "val")))

    assert data.classes == ("0", "1")
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1] * 2
    assert data.is_member.tolist() == [True] * 6 + [False] * 6


def test_it_does_not_matter_where_pixels_are_kept(tmp_path: Path) -> None:
    """In memory or on disk, read at once, in batches, or ahead by workers: the same bytes."""
    root = folders(tmp_path)
    memory = loaded(root, storage="memory").inputs
    disk = loaded(root, storage="disk", workers=2).inputs
    order = torch.tensor([5, 0, 3, 1, 2, 4])

    assert isinstance(memory, ByteImages)
    assert isinstance(disk, FileImages)
    assert torch.equal(everything(disk), everything(memory))
    batches = [list(in_batches(one, order.split(4))) for one in (memory, disk)]
    assert [len(batch) for batch in batches[0]] == [4, 2]
    assert all(torch.equal(*pair) for pair in zip(*batches, strict=True))
    part, same = memory.take(order[:2]), disk.take(order[:2])
    assert torch.equal(everything(part), everything(same))
    assert torch.equal(everything(part), memory[order[:2]])
    is_wanted = torch.tensor([True, False, False, True, False, False])
    assert torch.equal(disk[is_wanted], memory[is_wanted])


def test_equal_images_have_equal_contents_wherever_they_are(tmp_path: Path) -> None:
    """By which copies are found."""
    root = folders(tmp_path)
    (root / "1" / "copy.png").write_bytes((root / "1" / "0.png").read_bytes())
    for storage in ("memory", "disk"):
        inputs = loaded(root, storage=storage).inputs
        contents = list(inputs.contents(torch.arange(7)))

        assert len(set(contents)) == 6
        assert contents[3] == contents[6]


def test_memory_is_used_until_pixels_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ``auto``."""
    root = folders(tmp_path)
    assert isinstance(loaded(root).inputs, ByteImages)

    monkeypatch.setattr("safecompress_plugins.data.images.images.FITS", 6 * 3 * 8 * 8 - 1)

    assert isinstance(loaded(root).inputs, FileImages)


@pytest.mark.parametrize("storage", ["memory", "disk"])
def test_images_of_different_sizes_need_one(tmp_path: Path, storage: str) -> None:
    """The error names one of them; with a size there is none."""
    root = folders(tmp_path)
    digit(7, size=9).save(root / "1" / "1.png")

    with pytest.raises(DataError, match=r"the first is 8 x 8, and .*1.png' is 9 x 9; write 'size"):
        loaded(root, storage=storage)

    assert loaded(root, storage=storage, size=6).inputs.shape == (6, 3, 6, 6)


def test_scaling_cuts_the_longer_side_at_both_ends(tmp_path: Path) -> None:
    """Nothing is squeezed."""
    wide = np.zeros((4, 12), dtype=np.uint8)
    wide[:, 4:8] = 255
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        Image.fromarray(wide).save(tmp_path / label / "wide.png")

    data = loaded(tmp_path, size=4)

    assert torch.equal(everything(data.inputs), torch.ones(2, 3, 4, 4))


@pytest.mark.parametrize("size", [None, 6])
@pytest.mark.parametrize("storage", ["memory", "disk"])
def test_what_is_no_image_is_named(tmp_path: Path, storage: str, size: int | None) -> None:
    """By its file, and before anything is trained, wherever images are kept."""
    root = folders(tmp_path)
    (root / "0" / "9.png").write_text("no image")

    with pytest.raises(DataError, match=r"9\.png' is not a readable image"):
        loaded(root, storage=storage, size=size)


def test_a_folder_without_images_tells_what_it_has(tmp_path: Path) -> None:
    """So that the right one can be named."""
    (tmp_path / "notes.txt").touch()

    with pytest.raises(DataError, match=r"there are: notes\.txt") as caught:
        loaded(tmp_path)

    assert caught.value.field == ("path",)


def test_parquet_names_labels_by_what_hugging_face_wrote(tmp_path: Path) -> None:
    """Without that, by their numbers."""
    write_parquet(tmp_path / "plain.parquet")
    write_parquet(tmp_path / "named.parquet", names=["zero", "one"])
    plain, named = (
        ImageParquetFile(ImageParquetParams(path=str(tmp_path / name))).load()
        for name in ("plain.parquet", "named.parquet")
    )

    assert plain.classes == ("5", "6")
    assert named.classes == ("zero", "one")
    assert plain.labels.tolist() == named.labels.tolist() == [0, 1, 0, 1]
    with Image.open(io.BytesIO(encoded(2))) as image:
        pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    assert isinstance(named.inputs, Inputs)
    assert torch.allclose(named.inputs[torch.tensor([2])][0], pixels / 127.5 - 1, atol=1e-6)


def test_a_column_that_holds_no_images_is_refused(tmp_path: Path) -> None:
    """At the parameter that names it."""
    write_parquet(tmp_path / "digits.parquet")
    params = ImageParquetParams(path=str(tmp_path / "digits.parquet"), image="label")

    with pytest.raises(DataError, match="holds int64 instead of images") as caught:
        ImageParquetFile(params).load()

    assert caught.value.field == ("image",)


def test_a_normalisation_is_of_one_or_three_channels() -> None:
    """And as many means as deviations."""
    for mean, std in (([0.5], [0.5] * 3), ([0.5] * 2, [0.5] * 2)):
        with pytest.raises(ValueError, match="not of three channels, nor of one"):
            Normal(mean=mean, std=std)


def scans(root: Path, write: Any, suffix: str) -> Path:
    """Digits 0 to 3 with values in [0, 15], two a label, written by a function of the pixels."""
    for index in range(4):
        folder = root / str(index % 2)
        folder.mkdir(parents=True, exist_ok=True)
        write(load_digits().images[index]).save(folder / f"{index}.{suffix}")
    return root


@pytest.mark.parametrize("storage", ["memory", "disk"])
@pytest.mark.parametrize(
    ("write", "suffix", "white"),
    [
        (lambda ink: Image.fromarray((ink / 16 * 4095).round().astype(np.uint16)), "tif", 4095),
        (lambda ink: Image.fromarray((ink / 16 * 65535).round().astype(np.uint16)), "png", 65535),
        (lambda ink: Image.fromarray((ink / 16).astype(np.float32)), "tif", 1),
    ],
)
def test_deep_images_are_scaled_by_the_white_that_is_stated(
    tmp_path: Path, write: Any, suffix: str, white: int, storage: str
) -> None:
    """To within half a level of 256, and the card tells; without it, or above it, refused."""
    root = scans(tmp_path, write, suffix)
    grey = Normal(mean=[0.0], std=[1.0])

    data = loaded(root, white=white, normal=grey, storage=storage)

    expected = np.stack([load_digits().images[index] for index in (0, 2, 1, 3)]) / 16
    assert np.abs(everything(data.inputs)[:, 0].numpy() - expected).max() < 0.51 / 255
    assert f"images of more than 8 bits are divided by {white:g}, in 256 levels" in data.notes
    with pytest.raises(DataError, match=rf"more than 8 bits.*write 'white: {white}'"):
        loaded(root, storage=storage)
    with pytest.raises(DataError, match="would clip"):
        loaded(root, white=white / 2, storage=storage)


@pytest.mark.parametrize("storage", ["memory", "disk"])
def test_transparent_images_are_laid_on_a_background(tmp_path: Path, storage: str) -> None:
    """A picture in the alpha channel alone is seen; without a background it is refused."""

    def alone(ink: Any) -> Image.Image:
        picture = np.zeros((8, 8, 4), dtype=np.uint8)
        picture[..., 3] = ink * 15
        return Image.fromarray(picture)

    root = scans(tmp_path, alone, "png")
    grey = Normal(mean=[0.0], std=[1.0])

    data = loaded(root, background="white", normal=grey, storage=storage)

    expected = 1 - load_digits().images[0] * 15 / 255
    assert np.allclose(everything(data.inputs)[0, 0].numpy(), expected, atol=1 / 255)
    assert "transparent images are composited on white" in data.notes
    with pytest.raises(DataError, match="has transparent pixels, and 'background' is not set"):
        loaded(root, storage=storage)


def test_opaque_images_need_no_background(tmp_path: Path) -> None:
    """An alpha channel that hides nothing is no loss; nor is a palette."""
    grey = Normal(mean=[0.0], std=[1.0])
    plain = loaded(scans(tmp_path / "plain", digit_of, "png"), normal=grey)
    for mode, suffix in (("RGBA", "png"), ("P", "gif")):
        root = scans(tmp_path / mode, lambda ink, mode=mode: digit_of(ink).convert(mode), suffix)
        assert torch.equal(everything(loaded(root, normal=grey).inputs), everything(plain.inputs))


def digit_of(ink: Any) -> Image.Image:
    """A digit in 8 bits."""
    return Image.fromarray((ink * 15).astype(np.uint8))


def test_what_conversion_does_is_in_the_card(tmp_path: Path) -> None:
    """CMYK without a profile, and the lower half of 16-bit colours."""
    root = scans(tmp_path / "cmyk", lambda ink: digit_of(ink).convert("CMYK"), "jpg")
    assert "CMYK images are converted to RGB without a colour profile" in loaded(root).notes


def test_frames_are_not_left_out_silently(tmp_path: Path) -> None:
    """An animated picture is not one input."""
    root = folders(tmp_path)
    several = [digit(index) for index in range(3)]
    several[0].save(root / "0" / "9.gif", save_all=True, append_images=several[1:])

    with pytest.raises(DataError, match=r"9\.gif' has 3 frames; an input is one image"):
        loaded(root)


@pytest.mark.parametrize("storage", ["memory", "disk"])
def test_an_image_that_is_too_large_is_named(
    tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever images are kept."""
    root = folders(tmp_path)
    digit(0, size=200).save(root / "1" / "9.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)

    with pytest.raises(DataError, match=r"9\.png' is too large"):
        loaded(root, storage=storage, size=8)


LEFT_BEHIND = (".ipynb_checkpoints", "__MACOSX", "@eaDir", "empty")


@pytest.mark.parametrize("parts", [(".",), ("train", "test")])
def test_what_tools_leave_behind_is_no_label(tmp_path: Path, parts: tuple[str, ...]) -> None:
    """Hidden, empty and tool folders at any level, and hidden files, change nothing."""
    before = loaded(folders(tmp_path, parts))
    for part in (".", parts[0], f"{parts[0]}/0"):
        for name in LEFT_BEHIND:
            (tmp_path / part / name).mkdir(exist_ok=True)
            if name != "empty":
                digit(5).save(tmp_path / part / name / "copy.png")
    digit(6).save(tmp_path / parts[0] / "0" / "._0.png")

    after = loaded(tmp_path)

    assert after.classes == before.classes == ("0", "1")
    assert torch.equal(everything(after.inputs), everything(before.inputs))
    assert (after.is_member is None) == (before.is_member is None)
    assert after.warnings == ("folders without images are left out: 'empty'",)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (
            "extra/9.png",
            "holds the sides 'test', 'train' and other folders of images: 'extra'",
        ),
        ("train/9.png", "1 images lie directly in .*train', not in label folders"),
        ("9.png", "1 images lie directly in .*, not in label folders"),
    ],
)
def test_half_a_layout_is_refused(tmp_path: Path, place: str, message: str) -> None:
    """Never read as another task."""
    folders(tmp_path, ("train", "test"))
    (tmp_path / place).parent.mkdir(exist_ok=True)
    digit(9).save(tmp_path / place)

    with pytest.raises(DataError, match=message) as caught:
        loaded(tmp_path)

    assert caught.value.field == ("path",)


def test_sides_within_a_label_are_refused(tmp_path: Path) -> None:
    """The folder above the right one is named, or labels and sides change places."""
    folders(tmp_path / "all", ("train", "test"))

    with pytest.raises(DataError, match="'all' in .* holds the sides 'test', 'train'"):
        loaded(tmp_path)


def test_files_that_are_no_images_are_counted(tmp_path: Path) -> None:
    """Photographs in a format that is not read would be missed otherwise."""
    root = folders(tmp_path)
    (root / "0" / "photo.heic").touch()

    assert loaded(root).warnings == (
        f"1 files in {str(root)!r} are left out, since they have no image suffix: 1 .heic",
    )


def test_labels_of_two_parquet_files_are_joined_by_name(tmp_path: Path) -> None:
    """Not by number, where two files number them differently; unknown names are refused."""
    write_parquet(tmp_path / "in.parquet", names=["zero", "one"])
    write_parquet(tmp_path / "out.parquet", names=["one", "zero"])
    write_parquet(tmp_path / "odd.parquet", names=["one", "two"])
    paths = {name: str(tmp_path / f"{name}.parquet") for name in ("in", "out", "odd")}

    data = ImageParquetFile(ImageParquetParams(path=paths["in"], non_members=paths["out"])).load()

    assert data.classes == ("zero", "one")
    assert data.labels.tolist() == [0, 1, 0, 1, 1, 0, 1, 0]
    with pytest.raises(DataError, match="only one of them names 'two', 'zero'"):
        ImageParquetFile(ImageParquetParams(path=paths["in"], non_members=paths["odd"])).load()


@pytest.mark.parametrize("storage", ["memory", "disk"])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_truncated_image_is_found_on_loading(tmp_path: Path, storage: str, suffix: str) -> None:
    """Its header is whole, and the run would fail in the middle."""
    root = folders(tmp_path, size=32)
    broken = root / "1" / f"9.{suffix}"
    digit(4, size=32).convert("RGB").save(broken)
    broken.write_bytes(broken.read_bytes()[:-40])

    with pytest.raises(DataError, match=rf"9\.{suffix}' is not a readable image"):
        loaded(root, storage=storage, size=8)


def test_rows_of_parquet_without_a_label_are_left_out(tmp_path: Path) -> None:
    """As in a table: -1 where labels have names, else a missing value; an image must be there."""
    for labels, names in (([0, -1, 1, 0], ["zero", "one"]), ([5, None, 6, 5], None)):
        write_parquet(tmp_path / "some.parquet", names=names)
        table = pq.read_table(tmp_path / "some.parquet")
        table = table.set_column(1, table.schema.field("label"), pa.array(labels, pa.int64()))
        pq.write_table(table, tmp_path / "some.parquet")

        data = ImageParquetFile(ImageParquetParams(path=str(tmp_path / "some.parquet"))).load()

        assert data.labels.tolist() == [0, 1, 0]
        assert len(data.inputs) == 3
        assert "1 of 4 images are left out: no label" in data.notes

    images = [{"bytes": None, "path": str(tmp_path / "nothing.png")}]
    pq.write_table(pa.table({"image": images, "label": [0]}), tmp_path / "none.parquet")
    with pytest.raises(DataError, match="row 1 of 'image' holds neither an image nor a valid path"):
        ImageParquetFile(ImageParquetParams(path=str(tmp_path / "none.parquet"))).load()


def test_an_image_may_be_a_path(tmp_path: Path) -> None:
    """As Hugging Face reads a folder of images."""
    root = folders(tmp_path)
    files = sorted(root.rglob("*.png"))
    images = [{"bytes": None, "path": str(path)} for path in files]
    labels = [path.parent.name for path in files]
    pq.write_table(pa.table({"image": images, "label": labels}), tmp_path / "paths.parquet")

    data = ImageParquetFile(ImageParquetParams(path=str(tmp_path / "paths.parquet"))).load()

    assert torch.equal(everything(data.inputs), everything(loaded(root).inputs))
