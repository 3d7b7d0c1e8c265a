"""Data sources whose encoder is stored in the model file."""

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
    """A data source with a table, image or array encoder."""

    @staticmethod
    def encoder(record: Mapping[str, Any]) -> Encoder:
        """Rebuild the encoder of samples that this source has loaded."""
        return KINDS[record["kind"]].restore(record)
