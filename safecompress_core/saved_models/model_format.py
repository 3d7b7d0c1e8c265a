"""Format of a model file or folder, detected by its content and without loading it.

Nothing is unpickled, so a pickled state dict is refused. A file that holds code next to its weights
is one that the user has to allow.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from safecompress_core.api import Access
from safecompress_core.errors import MissingExtraError, StorageError
from safecompress_core.saved_models.compact import expand_model, is_compact, read_header
from safecompress_core.saved_models.output_labels import output_names
from safecompress_core.specfile.component_files import list_pretrained_files, sha256_of

__all__ = ["Format", "GivenModel", "detect_model"]

ENTRY = "safecompress"
"""The entry of a safetensors file's metadata that our own files have."""
HEADER_SIZE, MOST_HEADER = 8, 100 << 20
"""Bytes that hold the length of a safetensors file's header, and the longest header accepted."""
CONFIG = "config.json"
PREDICTIONS = (".csv", ".tsv", ".parquet", ".npz")
"""Suffixes of files of predictions, which are no models."""
OTHER_HEADS = {
    "multi_label_classification": "so a sample may have several labels at once",
    "regression": "so it predicts a number",
}
"""Heads of a Hugging Face model that are no classifier of one label a sample."""

SAFETENSORS = (
    "save its state dict as safetensors, where you trust it: "
    "safetensors.torch.save_file(state_dict, 'model.safetensors')"
)


class Format(StrEnum):
    """Format of a model."""

    WEIGHTS = "state dict"
    HUGGINGFACE = "Hugging Face model"
    EXPORTED = "exported program"
    TORCHSCRIPT = "TorchScript model"
    ONNX = "ONNX model"
    PREDICTIONS = "file of predictions"
    MODULE = "PyTorch module"
    ESTIMATOR = "scikit-learn classifier"
    FUNCTION = "Python function"
    ARRAY = "array of predictions"

    @property
    def access(self) -> Access:
        """The most that an attacker can see of it."""
        inside = (Format.WEIGHTS, Format.HUGGINGFACE, Format.MODULE)
        return Access.WHITE_BOX if self in inside else Access.BLACK_BOX

    @property
    def holds_code(self) -> bool:
        """Return whether loading it runs code from the file."""
        return self in (Format.EXPORTED, Format.TORCHSCRIPT)

    @property
    def name_with_article(self) -> str:
        """With its article, for a sentence."""
        return f"{'an' if self[0].lower() in 'aeo' else 'a'} {self}"

    @property
    def is_answered(self) -> bool:
        """Return whether all answers are there, so that no model is asked."""
        answered = (Format.PREDICTIONS, Format.ESTIMATOR, Format.FUNCTION, Format.ARRAY)
        return self in answered


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenModel:
    """A model that exists, before it is loaded.

    Attributes:
        path: the file or folder.
        format: what it holds.
        model_metadata: what a file of SafeCompress says of itself: ``model``, ``input_shape`` and
            ``classes``. Empty for anything else.
        labels: names that it has for its outputs, in their order; empty where it has none.
    """

    path: Path
    format: Format
    model_metadata: Mapping[str, Any]
    labels: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[Path, ...]:
        """The files that decide what it says, in order."""
        if self.format is Format.HUGGINGFACE:
            return list_pretrained_files(str(self.path)).files()
        if self.format is Format.ONNX:
            return (self.path, *_external_data(self.path))
        return (self.path,)

    @property
    def file_bytes(self) -> int | None:
        """Bytes of the weights, with whatever else is in their files; None for predictions."""
        if self.format.is_answered:
            return None
        weights = [part for part in self.parts if part.suffix == ".safetensors"]
        return sum(part.stat().st_size for part in weights or self.parts)

    def fingerprint(self) -> str:
        """The SHA-256 of its file; of several parts, a SHA-256 over their names and hashes."""
        parts = self.parts
        # A single file keeps its plain SHA-256, which users can check with sha256sum.
        if parts == (self.path,):
            return sha256_of(self.path)
        digest = hashlib.sha256()
        for part in parts:
            # NUL cannot occur in a file name, so names and hashes cannot be confused.
            digest.update(f"{part.name}\0{sha256_of(part)}\0".encode())
        return digest.hexdigest()


def detect_model(path: Path, *, allow_code: bool) -> GivenModel:
    """Detect the format of a model.

    Args:
        path: a file, or a folder as ``save_pretrained`` writes it.
        allow_code: whether a file may hold code.

    Raises:
        StorageError: if there is nothing of the kind, or it holds code and may not.
    """
    try:
        given = _folder(path) if path.is_dir() else _file(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from error
    # After detection: the message names the format that holds code.
    if given.format.holds_code and not allow_code:
        raise StorageError(
            f"{path}: {given.format.name_with_article} holds code, which may do anything that you "
            f"may; give "
            "--allow-code if you trust where it comes from, or audit its state dict instead"
        )
    return given


def _folder(path: Path) -> GivenModel:
    if not (path / CONFIG).is_file():
        raise StorageError(
            f"{path}: is a folder without {CONFIG}, so no model of Hugging Face; name a file, or a "
            "folder that save_pretrained has written"
        )
    if not any(path.glob("*.safetensors")):
        raise StorageError(
            f"{path}: holds no safetensors file, and pickled weights are never loaded; write it "
            "again with save_pretrained(..., safe_serialization=True)"
        )
    return GivenModel(path=path, format=Format.HUGGINGFACE, model_metadata={}, labels=_labels(path))


def _labels(folder: Path) -> tuple[str, ...]:
    """Names of the outputs of a Hugging Face model, whose every sample has one label.

    Raises:
        StorageError: if it has a head of another kind, or its configuration is broken.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        problem = config.get("problem_type")
        labels = output_names(config)
    except (ValueError, AttributeError, TypeError) as error:
        message = f"{folder / CONFIG}: is not as transformers writes it: {error}"
        raise StorageError(message) from error
    if problem in OTHER_HEADS:
        raise StorageError(
            f"{folder}: {CONFIG} has 'problem_type: {problem}', {OTHER_HEADS[problem]}; audit a "
            "classifier with one label a sample"
        )
    # One logit is a sigmoid head, whose posterior over two labels is not defined by softmax.
    if len(labels) == 1:
        raise StorageError(
            f"{folder}: its head has a single output, so it says nothing of several labels; audit "
            "a classifier with an output for each label"
        )
    return labels


def _file(path: Path) -> GivenModel:
    # By suffix, and first: an archive of NumPy is a zip file, as those of torch are.
    if path.suffix in PREDICTIONS:
        return GivenModel(path=path, format=Format.PREDICTIONS, model_metadata={})
    if zipfile.is_zipfile(path):
        return GivenModel(path=path, format=_archive(path), model_metadata={})
    # ONNX is a bare protobuf without a magic number, so only the suffix identifies it.
    if path.suffix == ".onnx":
        return GivenModel(path=path, format=Format.ONNX, model_metadata={})
    header = _compact_header(path) if is_compact(path) else _header(path)
    if header is None:
        raise StorageError(
            f"{path}: is no model that can be audited: no safetensors file, exported program, "
            "TorchScript file, ONNX file (.onnx), or folder of Hugging Face, and no file of "
            f"predictions ({', '.join(PREDICTIONS)}). "
            f"If it is a pickle, it is never loaded; {SAFETENSORS}"
        )
    model_metadata = _read_metadata(path, header)
    labels = tuple(map(str, model_metadata.get("classes", ())))
    return GivenModel(
        path=path, format=Format.WEIGHTS, model_metadata=model_metadata, labels=labels
    )


def _external_data(path: Path) -> tuple[Path, ...]:
    """The files next to an ONNX file that hold its large tensors, in order of their names.

    Raises:
        MissingExtraError: if onnx is not installed.
        StorageError: if the file is no ONNX file.
    """
    try:
        import onnx  # noqa: PLC0415  only for this format
    except ImportError as error:
        raise MissingExtraError("onnx", extra="onnx") from error
    try:
        # Without external data: file names are in the graph, and tensors may be many gigabytes.
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # DecodeError of whichever protobuf is installed
        raise StorageError(f"{path}: cannot be loaded as an ONNX model: {error}") from error
    places = {
        entry.value
        for tensor in _messages(model, onnx.TensorProto)
        if tensor.data_location == onnx.TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    # Sorted, since a set has no order and the fingerprint depends on it.
    return tuple(path.parent / place for place in sorted(places))


def _messages(message: Any, kind: type[Any]) -> Iterator[Any]:
    """Every message of a kind in a protobuf message, however deep: graphs hold graphs."""
    if isinstance(message, kind):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for submessage in (value,) if hasattr(value, "ListFields") else value:
                yield from _messages(submessage, kind)


def _archive(path: Path) -> Format:
    """Detect which of torch's archives it is; all are zip files."""
    with zipfile.ZipFile(path) as archive:
        # Zip names always use forward slashes, also on Windows.
        names = [PurePosixPath(name) for name in archive.namelist()]
    files = {name.name for name in names if len(name.parts) == 2}
    folders = {name.parts[1] for name in names if len(name.parts) > 2}
    if "archive_format" in files:
        return Format.EXPORTED
    if "constants.pkl" in files and "code" in folders:
        return Format.TORCHSCRIPT
    # At any depth, since the layout of these archives has changed between releases.
    if "serialized_exported_program.json" in {name.name for name in names}:
        raise StorageError(
            f"{path}: is an exported program as torch before 2.8 wrote it, whose weights are "
            "pickled; load it where you trust it, and write it again with torch.export.save"
        )
    raise StorageError(
        f"{path}: is a pickle, or another archive, and nothing is ever unpickled; {SAFETENSORS}"
    )


def _compact_header(path: Path) -> dict[str, Any]:
    """The header of the safetensors file that a compact file holds."""
    try:
        return read_header(expand_model(path.read_bytes()))
    except StorageError as error:
        raise StorageError(f"{path}: {error}") from error


def _header(path: Path) -> dict[str, Any] | None:
    """The header of a safetensors file: its length in 8 bytes, then JSON. None for other files."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(HEADER_SIZE), "little")
        # A random file's first 8 bytes are almost always a huge number; this bounds what is read.
        if not 0 < size <= min(MOST_HEADER, path.stat().st_size - HEADER_SIZE):
            return None
        try:
            header = json.loads(file.read(size))
        except ValueError:
            return None
    return header if isinstance(header, dict) else None


def _read_metadata(path: Path, header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the architecture in our own file's metadata; none in other files."""
    stored = header.get("__metadata__", {}).get(ENTRY)
    if stored is None:
        return {}
    try:
        model_metadata: dict[str, Any] = json.loads(stored)["metadata"]
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{path}: the file is damaged; its metadata is not JSON") from error
    return model_metadata
