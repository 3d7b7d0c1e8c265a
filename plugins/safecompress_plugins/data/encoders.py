"""Data sets whose model files tell how a row is encoded."""

from collections.abc import Mapping
from typing import Any

from safecompress_core.toolkit import DataSource, Encoder
from safecompress_plugins.data.arrays.array_encoder import ArrayEncoder, ImageEncoder
from safecompress_plugins.data.tables.table_encoder import TableEncoder

__all__ = ["EncodingSource"]

KINDS: Mapping[str, type[TableEncoder] | type[ImageEncoder] | type[ArrayEncoder]] = {
    "table": TableEncoder,
    "images": ImageEncoder,
    "arrays": ArrayEncoder,
}


class EncodingSource(DataSource):
    """A source of samples whose encoder is one of a table, of images or of arrays."""

    @staticmethod
    def encoder(record: Mapping[str, Any]) -> Encoder:
        """The encoder of samples that this source has loaded."""
        return KINDS[record["kind"]].restored(record)
