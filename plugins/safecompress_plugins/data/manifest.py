"""Names and parameters of the built-in data sets."""

from typing import Literal

from safecompress_core.api import DataCard, DataDef, Params
from safecompress_plugins.data.arrays.manifest import DEFINITIONS as ARRAYS
from safecompress_plugins.data.arrays.synthetic_manifest import DEFINITIONS as MADE_UP
from safecompress_plugins.data.images.manifest import DEFINITIONS as IMAGES
from safecompress_plugins.data.papers.manifest import DEFINITIONS as PAPERS
from safecompress_plugins.data.predictions.manifest import DEFINITIONS as PREDICTIONS
from safecompress_plugins.data.tables.manifest import DEFINITIONS as TABLES

__all__ = ["DEFINITIONS", "SESSION_STARTS", "HandwritingParams"]

SESSION_STARTS = (
    0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667,
)  # fmt: skip
"""First row of each filled-in form in ``sklearn.datasets.load_digits``."""

SAMPLES = 1797
VALUES = {"digit": 10, "session": len(SESSION_STARTS)}


class HandwritingParams(Params):
    """Handwritten digits from 14 writing sessions."""

    task: Literal["session", "digit"] = "session"
    """The task; the other label is the private attribute."""


def handwriting_card(params: HandwritingParams) -> DataCard:
    """Describe ``handwriting`` without loading it."""
    private = {name: count for name, count in VALUES.items() if name != params.task}
    return DataCard(
        samples=SAMPLES, classes=VALUES[params.task], attributes=private, input_shape=(1, 8, 8)
    )


DEFINITIONS = (
    DataDef(
        name="handwriting",
        params=HandwritingParams,
        target="safecompress_plugins.data.arrays.handwriting:Handwriting",
        summary="1,797 handwritten digits (8x8) of 14 writing sessions, shipped with scikit-learn.",
        cites="Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits, UCI",
        card=handwriting_card,
    ),
    *TABLES,
    *IMAGES,
    *ARRAYS,
    *MADE_UP,
    *PAPERS,
    *PREDICTIONS,
)
