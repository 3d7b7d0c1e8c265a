"""Model card of an export: ``README.md`` with the metadata of Hugging Face.

The card is a function of the export's record and the exporter's usage, and of nothing else.
"""

from collections.abc import Iterator
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from safecompress_core.report.formatting import format_interval, format_number, size
from safecompress_core.report.validity.shift import describe_baseline
from safecompress_core.results.schema import ExportLatencyRecord, ExportRecord, PairedRecord

__all__ = ["format_difference", "format_latency", "model_card"]

TAGS = ("safecompress", "model-compression", "privacy", "membership-inference")
MINUS = "−"


def model_card(record: ExportRecord, *, usage: str) -> str:
    """Return the text of the card.

    Args:
        record: of the export.
        usage: Python lines that load the file.
    """
    lines = [
        "---",
        _front_matter(record).rstrip(),
        "---",
        "",
        f"# {record.name} ({record.format})",
        "",
        _origin(record),
        "",
        *_usage(record, usage),
        *_figures(record),
        *_threat_model(record),
        *_limits(record),
    ]
    return "\n".join(lines) + "\n"


def format_difference(paired: PairedRecord) -> str:
    """Return a difference with its interval, as ``+0.010 (−0.010 to 0.030)``."""
    text = format_number(paired.difference)
    sign = "" if text.startswith(MINUS) else "+"
    interval = "" if paired.interval is None else f" ({format_interval(*paired.interval)})"
    # A rounded 0 has no sign.
    return f"{text.lstrip(MINUS) if not float(text.replace(MINUS, '-')) else sign + text}{interval}"


def format_latency(latency: ExportLatencyRecord) -> str:
    """Return median and 95th percentile in milliseconds."""
    return f"{latency.median * 1e3:.3g} (p95 {latency.p95 * 1e3:.3g})"


def _front_matter(record: ExportRecord) -> str:
    runtime = next(iter(record.packages))
    task = _task(record)
    metadata: dict[str, Any] = {
        "library_name": runtime,
        "pipeline_tag": task,
        "tags": [*TAGS, record.format],
        "metrics": [record.metric],
        "model-index": [
            {
                "name": record.name,
                "results": [
                    {
                        "task": {"type": task},
                        "dataset": {
                            "name": record.name,
                            "type": "safecompress-audit-pool",
                        },
                        "metrics": [
                            {"type": record.metric, "value": record.performance.exported.value}
                        ],
                    }
                ],
            }
        ],
    }
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(metadata, stream)
    return stream.getvalue()


def _task(record: ExportRecord) -> str:
    """Return Hugging Face's name of the task, by what a sample is."""
    if not record.input_dtype.startswith("float"):
        return "text-classification"
    return "tabular-classification" if len(record.input_shape) < 2 else "image-classification"


def _origin(record: ExportRecord) -> str:
    return (
        f"Exported from `{record.model}` of the run `{record.run}` by SafeCompress "
        f"{record.packages['safecompress']}. Every figure was measured on the files of this "
        "folder; `export.json` has all of them, and `safecompress verify` finds a changed file."
    )


def _usage(record: ExportRecord, usage: str) -> Iterator[str]:
    shape = ", ".join(map(str, ("N", *record.input_shape)))
    yield "## How to load it"
    yield ""
    yield (
        f"`inputs` is a tensor of shape ({shape}), {record.input_dtype}, encoded as the data of "
        f"the run were; `logits` has shape (N, {len(record.classes)}), for the labels "
        f"{', '.join(f'`{name}`' for name in record.classes)}."
    )
    yield ""
    if usage:
        yield f"```python\n{usage.rstrip()}\n```"
        yield ""


def _figures(record: ExportRecord) -> Iterator[str]:
    agreement = record.agreement
    yield "## Figures"
    yield ""
    yield "| | compressed model | this file | difference, 95 % interval |"
    yield "|---|---|---|---|"
    yield _row(record.metric, record.performance)
    for name, attack in record.attacks.items():
        yield _row(f"{attack.game} advantage, `{name}`", attack.advantage)
        if attack.auc is not None:
            yield _row(f"{attack.game} AUC, `{name}`", attack.auc)
    yield f"| bytes | {record.compressed_bytes:,} | {record.file_bytes:,} | |"
    for before, after in zip(record.torch_latency, record.latency, strict=True):
        yield (
            f"| latency in ms, batch of {after.batch} | {format_latency(before)} | "
            f"{format_latency(after)} | |"
        )
    yield f"| multiply-accumulates a sample | {record.macs:,} | {record.macs:,} | |"
    yield ""
    tolerance = "" if agreement.tolerance is None else f", accepted {agreement.tolerance:g}"
    yield (
        f"- Answers on the audit pool: {agreement.agreement:.2%} of {agreement.samples} labels "
        f"agree (at least {agreement.least_agreement:.2%} accepted; {agreement.ties} ties); the "
        f"largest difference of a logit is {agreement.largest_difference:.2g}{tolerance}."
    )
    runtime, *_ = (f"{name} {number}" for name, number in record.packages.items())
    yield (
        f"- Latency: {runtime} for the file, torch for the compressed model with dense weights; "
        f"{record.threads} thread{'s' if record.threads > 1 else ''} of {record.processor}."
    )
    yield ""


def _row(name: str, paired: PairedRecord) -> str:
    before, after = (format_number(one.value) for one in (paired.compressed, paired.exported))
    return f"| {name} | {before} | {after} | {format_difference(paired)} |"


def _threat_model(record: ExportRecord) -> Iterator[str]:
    yield "## Threat model"
    yield ""
    yield (
        "The attacks above get the file's answers to samples and to inputs of their own, as a user "
        "of a service does. Advantage is the gain over the best guess without the model: 0 is "
        "nothing, 1 is everything."
    )
    yield ""
    if record.not_repeated:
        yield "These attacks of the run's audit were not repeated on the file:"
        yield ""
        yield from (f"- `{name}` needs {needs}" for name, needs in record.not_repeated.items())
        yield ""
    guard = (
        f"the output guard of `{record.guard}` is part of the file, and anyone who holds the file "
        "can take it out"
        if record.guard
        else "no output guard stands between the network and its answers"
    )
    yield f"Anyone who holds the file has its weights, and white-box attacks with them; {guard}."
    yield ""


def _limits(record: ExportRecord) -> Iterator[str]:
    yield "## Limits"
    yield ""
    yield (
        f"- Figures are of the {record.agreement.samples} members and non-members in the run's "
        "audit pool; other data may give others."
    )
    if record.blind_baseline is not None and record.blind_baseline.shifted:
        yield f"- {describe_baseline(record.blind_baseline)}"
    yield "- Attacks are a lower bound: a stronger adversary may find more."
    yield (
        f"- Weights that compression has set to 0 are stored as numbers; the run's own file, which "
        f"leaves them out, has {size(record.compressed_bytes)}."
    )
    yield "- Encoding of rows is no part of the file: `safecompress predict` has it."
