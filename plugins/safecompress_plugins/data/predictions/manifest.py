"""Name and parameters of files of predictions."""

from typing import Annotated, Literal

from safecompress_core.api import DataDef, DataPath, MembershipMark, Params

__all__ = ["DEFINITIONS", "PredictionsParams"]


class PredictionsParams(Params):
    """Predictions of a model, one record a row, in a file that ends in .csv, .parquet or .npz."""

    path: DataPath
    """The file."""
    label: str = "label"
    """Column or array of the true labels."""
    members: Annotated[str, MembershipMark()] = "member"
    """Column or array of membership: true, yes, 1, member or train; or false, no, 0, non-member or
    test."""
    outputs: list[str] = []
    """Columns of the model's probabilities or logits, one for each label; of an archive one array,
    shape (N, C). By default the columns ``p_<label>``, ``prob_<label>``, ``probability_<label>`` or
    ``logit_<label>``, or the array ``probabilities`` or ``logits``."""
    labels: list[str] = []
    """Names of the labels, in the order of the outputs; by default what follows the prefix of their
    columns, else their numbers, from 0."""
    answers: Literal["auto", "probabilities", "logits"] = "auto"
    """What the outputs are; ``auto``: as their names say, or else probabilities where most rows
    are distributions."""
    group: str | None = None
    """Column or array of group identifiers; a group's records stay on one side."""


DEFINITIONS = (
    DataDef(
        name="predictions",
        params=PredictionsParams,
        target="safecompress_plugins.data.predictions.prediction_file:PredictionFile",
        summary="Predictions of a model for members and non-members, audited without the model.",
    ),
)
