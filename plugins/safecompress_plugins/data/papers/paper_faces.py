"""UTKFace, FairFace and CelebA: faces with several labels, one of them the task."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from safecompress_core.toolkit import Attribute, DataError, Dataset
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.images.image_folder import images_in
from safecompress_plugins.data.images.labelled_images import LabelledImages, image_dataset
from safecompress_plugins.data.papers.manifest import FACTS, PaperFacesParams, PaperFacts
from safecompress_plugins.data.papers.paper_files import missing_files_error, root_of, with_defaults
from safecompress_plugins.data.tables.columns import RawColumn, require_columns
from safecompress_plugins.data.tables.csv_file import read_csv
from safecompress_plugins.data.tables.encoding import encode_categories, intervals_of
from safecompress_plugins.data.tables.numbers import Separators, numbers_of

__all__ = ["PaperFaces", "celeba", "fairface", "utkface"]

GENDERS = ("male", "female")
RACES = ("White", "Black", "Asian", "Indian", "Others")


@dataclass(frozen=True)
class Faces:
    """Files with their labels.

    Attributes:
        paths: of the images.
        labels: columns by name.
        sides: ``train`` or ``test``; empty without splits.
        people: identities; empty if unknown.
    """

    paths: Sequence[Path]
    labels: Mapping[str, RawColumn]
    sides: Sequence[str] = ()
    people: Sequence[str] = ()


class PaperFaces(EncodingSource):
    """Labelled faces; published training images are members for ``pools.members: given``."""

    def __init__(
        self,
        facts: PaperFacts,
        params: PaperFacesParams,
        *,
        read: Callable[[Path, PaperFacts], Faces],
    ) -> None:
        self._facts = facts
        self._params = with_defaults(params, facts)
        self._read = read

    def load(self) -> Dataset:
        """Read the labels, and decode the images."""
        params, facts = self._params, self._facts
        faces = self._read(root_of(params, facts), facts)
        target = params.target or facts.labels[0]
        usually = [name for name in facts.labels if name != target]
        private = usually if params.private is None else params.private
        places = [(("private", index), name) for index, name in enumerate(private)]
        require_columns(faces.labels, [(("target",), target), *places], noun="label")
        for field, name in places:
            if name == target:
                raise DataError(
                    f"{name!r} is the task, so it cannot be private as well",
                    hint="predict another label, or leave it out of 'private'",
                    field=field,
                )
        task = self._attribute(faces.labels[target])
        images = LabelledImages(
            faces.paths,
            task.values,
            task.names,
            {name: self._attribute(faces.labels[name]) for name in private},
            # Images of one person stay together, or membership of a person would leak between
            # sides.
            groups=torch.from_numpy(encode_categories(RawColumn(faces.people)).codes)
            if faces.people
            else None,
        )
        # With one split alone all images would be on one side.
        side = RawColumn(faces.sides) if len(set(faces.sides)) > 1 else None
        return image_dataset(images.on_sides(side), params)

    def _attribute(self, column: RawColumn) -> Attribute:
        numbers = numbers_of(column, Separators())
        # Ages are numbers and become intervals; FairFace's age groups are text and stay categories.
        if numbers.odd:
            values = encode_categories(column)
            return Attribute(torch.from_numpy(values.codes), values.names)
        cut = intervals_of(numbers.values, self._params.intervals)
        return Attribute(
            torch.from_numpy(cut.codes), cut.names, numbers=torch.from_numpy(numbers.values)
        )


def _utkface(root: Path, facts: PaperFacts) -> Faces:
    """Read labels from the names ``age_gender_race_time.jpg``; skip the few that lack one."""
    paths = []
    rows = []
    for path in images_in(root):
        # Padded, so that a name with too few parts fails the check below instead of raising.
        age, gender, race = (*path.name.split("_"), "", "", "")[:3]
        if age.isdecimal() and gender in ("0", "1") and race in map(str, range(len(RACES))):
            paths.append(path)
            rows.append((GENDERS[int(gender)], RACES[int(race)], age))
    if not paths:
        raise missing_files_error(root, facts)
    columns = zip(facts.labels, zip(*rows, strict=True), strict=True)
    return Faces(paths, {name: RawColumn(cells) for name, cells in columns})


def _fairface(root: Path, facts: PaperFacts) -> Faces:
    paths: list[Path] = []
    sides: list[str] = []
    labels: dict[str, list[str | None]] = {name: [] for name in facts.labels}
    for part, side in (("train", "train"), ("val", "test")):
        table = root / f"fairface_label_{part}.csv"
        if table.exists():
            columns = read_csv(table, missing=())
            require_columns(columns, [(("root",), name) for name in ("file", *facts.labels)])
            paths += [root / str(cell) for cell in columns["file"].cells]
            sides += [side] * len(columns["file"].cells)
            for name in facts.labels:
                labels[name] += columns[name].cells
    if not paths:
        raise missing_files_error(root, facts)
    return Faces(paths, {name: RawColumn(cells) for name, cells in labels.items()}, sides)


def _celeba(root: Path, facts: PaperFacts) -> Faces:
    """Read forty labels of 1 and −1, with identities and splits from files of their own."""
    table = root / "list_attr_celeba.txt"
    if not table.exists():
        raise missing_files_error(root, facts)
    # The first line is the number of images.
    _, header, *lines = table.read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line.strip()]
    names = header.split()
    files = [row[0] for row in rows]
    yes = {"1": "yes", "-1": "no"}
    labels = {
        name: RawColumn([yes.get(row[index]) for row in rows])
        for index, name in enumerate(names, start=1)
    }
    parts = _second(root / "list_eval_partition.txt")
    people = _second(root / "identity_CelebA.txt")
    folder = root / "img_align_celeba"
    return Faces(
        [folder / name for name in files],
        labels,
        ["train" if parts.get(name) == "0" else "test" for name in files] if parts else (),
        [people[name] for name in files] if people else (),
    )


def _second(path: Path) -> dict[str, str]:
    """Read the second column by image; nothing if the file does not exist."""
    if not path.exists():
        return {}
    return dict(line.split() for line in path.read_text(encoding="utf-8").splitlines())


utkface = partial(PaperFaces, FACTS["utkface"], read=_utkface)
fairface = partial(PaperFaces, FACTS["fairface"], read=_fairface)
celeba = partial(PaperFaces, FACTS["celeba"], read=_celeba)
