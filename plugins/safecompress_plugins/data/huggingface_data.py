"""Data sets of Hugging Face: by name from the local cache or the hub, or from local files."""

from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa

from safecompress_core.toolkit import DataError, Dataset
from safecompress_plugins.data.arrays.manifest import HuggingfaceParams
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.files import require_existing
from safecompress_plugins.data.images.labelled_images import image_dataset
from safecompress_plugins.data.samples import SIDE
from safecompress_plugins.data.tables.columns import RawColumn, Table
from safecompress_plugins.data.tables.parquet_file import concatenate, images_of, plain_table
from safecompress_plugins.data.tables.table import dataset_of

__all__ = ["HuggingfaceData"]


class HuggingfaceData(EncodingSource):
    """Splits of a Hugging Face data set; of several, the first one holds the members."""

    def __init__(self, params: HuggingfaceParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read the splits as one table, and encode its columns or images."""
        params = self._params
        splits = self._find_splits()
        what = f"parts {', '.join(splits)}"
        # Joined before encoding, so that both splits share categories, means and label numbers.
        whole = concatenate([_arrow(part) for part in splits.values()], what=what, field="splits")
        sides = [
            "train" if split == next(iter(splits)) else "test"
            for split, part in splits.items()
            for _ in range(len(part))
        ]
        if params.image is not None:
            side = RawColumn(sides) if len(splits) > 1 else None
            images = images_of(whole, image=params.image, label=params.target, sides=side)
            return image_dataset(images, params, notes=images.notes)
        table: Table = plain_table(whole, params.missing)
        # A membership column named in the spec takes precedence over the splits.
        if len(splits) > 1 and params.members is None:
            table = {**table, SIDE: RawColumn(sides)}
            params = params.model_copy(update={"members": SIDE})
        return dataset_of(table, params)

    def _find_splits(self) -> dict[str, Any]:
        """Return the requested splits, in their order."""
        params = self._params
        if (params.name is None) == (params.path is None):
            raise DataError(
                "both 'name' and 'path' are set" if params.name else "'name' or 'path' is missing",
                hint="write one of 'name' and 'path'",
                field=("name",) if params.name else (),
            )
        whole = self._load_saved() if params.path is not None else self._load_named()
        if isinstance(whole, datasets.Dataset):
            return {"train": whole}
        missing = [split for split in params.splits if split not in whole]
        if missing:
            raise DataError(
                f"there is no split {missing[0]!r}",
                hint=f"there are: {', '.join(map(str, whole))}",
                field=("splits",),
            )
        return {split: whole[split] for split in params.splits}

    def _load_saved(self) -> Any:
        folder = require_existing(str(self._params.path), field=("path",), is_folder=True)
        # save_to_disk leaves one of these files; load_dataset cannot read such a folder.
        is_saved = any((folder / name).exists() for name in ("dataset_dict.json", "state.json"))
        try:
            if is_saved:
                return datasets.load_from_disk(str(folder))
            return self._load(str(folder), field="path")
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            raise _unreadable(folder, error) from error

    def _load_named(self) -> Any:
        name = str(self._params.name)
        # load_dataset would read a local folder of that name, whose files it may take for code.
        if Path(name).exists():
            raise DataError(
                f"{name!r} is a folder here", hint="write it as 'path'", field=("name",)
            )
        return self._load(name, field="name")

    def _load(self, where: str, *, field: str) -> Any:
        params = self._params
        only_here = datasets.DownloadConfig(local_files_only=not params.download)
        # The library reads this switch at call time; without it a cached data set still asks the
        # hub.
        before = datasets.config.HF_HUB_OFFLINE
        datasets.config.HF_HUB_OFFLINE = before or (not params.download and field == "name")
        try:
            return datasets.load_dataset(
                where, params.config, revision=params.revision, download_config=only_here
            )
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            if field == "path":
                raise
            reason = " ".join(str(error).split())
            asking = "write 'download: true' to ask the hub"
            if params.download:
                asking = "check the name, and whether the hub can be reached"
            raise DataError(
                f"the data set {where!r} is not available ({reason})",
                hint=f"{asking}, log in there if it is gated, or name local files in 'path'",
                field=("name",),
            ) from error
        finally:
            datasets.config.HF_HUB_OFFLINE = before


def _unreadable(folder: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).split())
    return DataError(
        f"{str(folder)!r} holds no data set ({reason})",
        hint="name a folder of csv, json, parquet or image files, or one of save_to_disk",
        field=("path",),
    )


def _arrow(part: Any) -> pa.Table:
    """Return all rows as Arrow, with the library's description of the columns in the schema."""
    table: pa.Table = part.with_format("arrow")[:]
    return table
