"""``safecompress predict``: labels and probabilities of new rows, by the model of a run."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import allow_code_option, plugins_dir_option
from safecompress_core.results.checksums import MODEL

if TYPE_CHECKING:
    from safecompress_core.saved_models.input_rows import Prediction

__all__ = ["predict"]


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of the predictions.  [default: standard output]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json"]),
    default="csv",
    show_default=True,
    help="A line for each row, or JSON.",
)
@plugins_dir_option
@allow_code_option()
def predict(
    model: Path,
    file: Path,
    *,
    out: Path | None,
    form: Literal["csv", "json"],
    plugins_dir: Path | None,
    allow_code: bool,
) -> None:
    """Write labels and probabilities of new rows.

    MODEL is the model file of a run, or the run's directory. FILE holds rows as the data of the run
    did: a CSV or Parquet file with the columns that the model takes, an image or a folder of
    images, or arrays (.npy, .npz). Rows are encoded as the training data were.

    \b
    Example:
        safecompress predict runs/mine-2e55665e patients.csv --out predictions.csv
    """
    from safecompress_core.atomic_writing import write_bytes
    from safecompress_core.saved_models.load import load_classifier

    # A run directory stands for its chosen model.
    place = model / MODEL if model.is_dir() else model
    host = discover_plugins(plugins_dir)
    classifier = load_classifier(place, registry=host.registry, allow_code=allow_code)
    prediction = classifier.predict(file)
    text = _as_csv(prediction) if form == "csv" else _as_json(prediction, model=place)
    if out is None:
        # Not click.echo, which would add a line break.
        sys.stdout.write(text)
    else:
        write_bytes(out, text.encode())


def _as_csv(prediction: "Prediction") -> str:
    """A header, then row, label and the probability of each label."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["row", "label", *prediction.classes])
    for name, label, probabilities in zip(
        prediction.names, prediction.labels, prediction.probabilities.tolist(), strict=True
    ):
        writer.writerow([name, label, *(f"{probability:.6g}" for probability in probabilities)])
    return stream.getvalue()


def _as_json(prediction: "Prediction", *, model: Path) -> str:
    rows: list[dict[str, Any]] = [
        {
            "row": name,
            "label": label,
            "probabilities": dict(zip(prediction.classes, probabilities, strict=True)),
        }
        for name, label, probabilities in zip(
            prediction.names, prediction.labels, prediction.probabilities.tolist(), strict=True
        )
    ]
    content = {"model": str(model), "predictions": rows}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
