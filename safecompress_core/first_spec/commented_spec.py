"""A first spec: commented text that validates, runs, and says what was guessed."""

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safecompress_core.errors import DataError
from safecompress_core.first_spec.image_survey import ImageSurvey, survey_images
from safecompress_core.first_spec.table_survey import TableSurvey, survey_table

__all__ = ["Draft", "draft_spec"]

MODEL_SIZE = 64
"""The largest side of an image that the first spec trains on as it is."""
SMALLEST = 28
"""The smallest side that LeNet is made for."""


@dataclass(slots=True)
class Draft:
    """The parts of a first spec.

    Attributes:
        data: the data set, a line each.
        model: in one line.
        samples: how many there are.
        notes: what was guessed, and what might be changed; comments above the data.
        private: attributes that the audit goes after.
        pretrained: whether training starts from weights.
        continuous: whether inputs are numbers, to which noise can be added.
        extras: of the distribution that the run needs.
        runs_code: whether the command must allow code.
    """

    data: list[str]
    model: str
    samples: int
    notes: list[str] = field(default_factory=list)
    private: Sequence[str] = ()
    pretrained: bool = False
    continuous: bool = True
    extras: tuple[str, ...] = ("run",)
    runs_code: bool = False

    def text(self, name: str) -> str:
        """The spec."""
        return TEMPLATE.format(
            # Cut at 64, and stripped again: the cut may end in a hyphen.
            name=re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:64].strip("-") or "first",
            notes="".join(f"  # {note}\n" for note in self.notes),
            data="\n".join(f"    {line}" for line in self.data),
            model=self.model,
            training=self._training(),
            # A pretrained model loses more by pruning than one that is trained sparse from the
            # start.
            density=0.5 if self.pretrained else 0.1,
            initial=INITIAL if self.pretrained else "",
            # All of them are in memory at once, and pretrained models are large.
            field=4 if self.pretrained else 8,
            rounds=ROUNDS if self.pretrained else "",
            noise=NOISE if self.continuous else "",
            defences=DEFENCES if self.continuous else "",
            probes=self._probes("\n  - {{type: attribute-probe, id: probe-{}, attribute: {}}}"),
            # An audit by the probes that selected would find less than there is.
            audit_probes=self._probes(AUDIT_PROBE),
            gates="".join(f"\n#  - {{measure: {gate}}}" for gate in self._gates()),
        )

    def _training(self) -> str:
        # Fine-tuning: few epochs at a low rate, as usual for transformers.
        if self.pretrained:
            return "{epochs: 3, batch_size: 16, optimizer: adamw, learning_rate: 0.0001}"
        # Smaller data sets need more epochs for a similar number of steps.
        epochs = 60 if self.samples < 2_000 else 30 if self.samples < 20_000 else 15
        return f"{{epochs: {epochs}}}"

    def _probes(self, line: str) -> str:
        """Return a line for each private attribute, with its number and name."""
        return "".join(
            line.format(number, _quote(name)) for number, name in enumerate(self.private, start=1)
        )

    def _gates(self) -> list[str]:
        gates = ["accuracy, at_least: 0.8", "membership.advantage, at_most: 0.2"]
        return [*gates, "attribute.lift, at_most: 0.1"] if self.private else gates


INITIAL = "\n  initial: {type: uniform, weights: pretrained}"
ROUNDS = "\n  rounds: 3"
AUDIT_PROBE = "\n    - {{type: attribute-probe, id: mlp-{}, attribute: {}, classifier: mlp}}"
NOISE = """
    - prune: {type: magnitude}
      grow: {type: gradient}
      set: {augmentation.noise: {low: 0, high: 0.4}}"""
DEFENCES = """
  defences:
    - {type: augmentation, noise: 0}    # noise on inputs in training; 0 is none"""

TEMPLATE = """\
# Written by `safecompress init`; `safecompress plugins list` has what else a `type` may be.
version: 1
name: {name}
task:
{notes}  data:
{data}
  model: {model}
# half of the samples are trained on; attacks distinguish them from the other half
pools: {{members: 0.5}}
training: {training}
method:                         # trains several models, tests them in rounds, keeps the best
  type: test-driven
  density: {density}                  # share of the weights that is kept at most{initial}
  field: {field}                      # models of the first round; the best go on{rounds}
  strategies:                   # what models may differ in: weights pruned and grown, settings
    - prune: {{type: magnitude}}
      grow: {{type: gradient}}
      set: {{learning_rate: {{factor: [0.3, 3]}}}}
    - prune: {{type: magnitude}}
      grow: {{type: random}}
      set: {{density: {{factor: [0.7, 0.5]}}}}{noise}{defences}
attackers:                      # these test the models, counterfactual by a twin of each
  - {{type: counterfactual}}{probes}
audit:                          # and these judge the chosen model, on samples that nothing has seen
  attackers:
    - {{type: loss-threshold}}
    - {{type: modified-entropy}}{audit_probes}
# Bounds decide the exit code. Set them once a run has shown what is possible:
#gate:{gates}
"""


def draft_spec(
    what: Path,
    *,
    data: Path | None,
    target: str | None,
    private: Sequence[str],
    factory: str | None,
) -> Draft:
    """Draft a spec for a CSV file, a folder of images, a model of Hugging Face or one's own.

    Args:
        what: the file or folder.
        data: for a model, the CSV file or folder of images that it is to be trained on.
        target: the column of labels; by default it is guessed.
        private: columns that must stay private.
        factory: the function that makes the network, in a Python file.

    Raises:
        DataError: if it is none of these, or data are missing.
    """
    # config.json is what save_pretrained writes; a folder without it holds images.
    is_model = what.suffix == ".py" or (what / "config.json").is_file()
    if is_model and data is None:
        raise DataError(
            f"{str(what)!r} is a model, and nothing says what it is trained on",
            hint="give its data as well: --data FILE.csv, or a folder of images",
        )
    # A Python file before a folder, since its suffix is unambiguous.
    if what.suffix == ".py":
        return _own_model(_data(data or what, target, private), what, factory)
    if is_model:
        return _huggingface(data or what, what, target, private)
    return _data(what, target, private)


def _data(path: Path, target: str | None, private: Sequence[str]) -> Draft:
    if path.is_dir():
        return _images(path, survey_images(path))
    # Files of the UCI repository end in .data.
    if path.suffix.lower() in (".csv", ".tsv", ".txt", ".data"):
        return _table(path, survey_table(path), target, private)
    raise DataError(
        f"{str(path)!r} is none of a CSV file, a folder of images, a folder of Hugging Face and a "
        "Python file",
        hint="write the spec by hand: 'your-own' in the documents shows how",
    )


def _table(path: Path, table: TableSurvey, target: str | None, private: Sequence[str]) -> Draft:
    # A named target is used even if it does not look like a label.
    label = table.column(target) if target else table.likely_target()
    # Only for its error: a misspelt attribute fails here, rather than in a run.
    for name in private:
        table.column(name)
    lines = ["type: csv", f"path: {_quote(str(path))}", f"target: {_quote(label.name)}"]
    notes = [f"{table.rows:,} rows of {len(table.columns)} columns were looked at"]
    if target is None:
        notes.append(f"the label was guessed: {label.name!r} has {len(label.values)} values")
    if table.delimiter != ",":
        lines.append(f"delimiter: {_quote(table.delimiter)}")
    if not table.has_names:
        lines.append(f"names: {_quote([column.name for column in table.columns])}")
        notes.append("the first line has numbers and no names, so columns were given some")
    # The label itself may be numbered like an identifier.
    if dropped := [
        column.name for column in table.columns if column.is_identifier and column is not label
    ]:
        lines.append(f"drop: {_quote(dropped)}")
        notes.append("dropped: each row has another value there, as an identifier has")
    # A label of one row cannot be on both sides.
    if min(label.values.values()) < 2:
        lines.append("fewest_per_label: 2")
        notes.append("labels of a single row are left out")
    if private:
        lines.append(f"private: {_quote(list(private))}")
    # A suggestion, not a choice: only the owner knows what is private.
    elif likely := table.likely_private(label.name):
        notes.append(f"columns that may have to stay private: 'private: {_quote(likely)}'")
    return Draft(lines, "{type: mlp, hidden: [64]}", table.rows, notes, private=tuple(private))


def _images(path: Path, folder: ImageSurvey) -> Draft:
    lines = ["type: image-folder", f"path: {_quote(str(path))}"]
    notes = [f"{folder.images:,} images of {len(folder.labels)} labels"]
    sides = {side for size in folder.sizes for side in size}
    # Only square images of one size can be trained on as they are.
    is_uniform = len(folder.sizes) == 1 and len(sides) == 1
    # In this range images are used as they are; others are scaled.
    if is_uniform and SMALLEST <= max(sides) <= MODEL_SIZE:
        notes.append(f"all that were looked at are {max(sides)} × {max(sides)}")
    else:
        seen = ", ".join(f"{width} × {height}" for width, height in sorted(folder.sizes)[:3])
        # The smallest side, within limits: scaling up adds no information.
        size = min(MODEL_SIZE, max(SMALLEST, min(sides, default=32)))
        lines.append(f"size: {size}")
        notes.append(f"scaled to {size} × {size}" + (f"; there are {seen}" if seen else ""))
    return Draft(lines, "{type: lenet}", folder.images, notes)


def _huggingface(data: Path, model: Path, target: str | None, private: Sequence[str]) -> Draft:
    try:
        config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{str(model / 'config.json')!r} is no JSON file"
        raise DataError(message, hint="give a folder that save_pretrained wrote") from error
    draft = _data(data, target, private)
    draft.extras, draft.pretrained = ("run", "huggingface"), True
    # The brace is closed below, where the kind of inputs is known.
    draft.model = f"{{type: huggingface, path: {_quote(str(model))}"
    if data.is_dir():
        # Vision transformers have position embeddings for one size of image.
        size = config.get("image_size")
        draft.data = [line for line in draft.data if not line.startswith("size:")]
        draft.data.append(f"size: {size if isinstance(size, int) else 224}")
        draft.model += ", reads: images}"
        return draft
    table = survey_table(data)
    label = table.column(target) if target else table.likely_target()
    # The label of a table of texts may consist of words, too.
    texts = [column.name for column in table.columns if column.is_text and column is not label]
    if not texts:
        raise DataError(
            f"no column of {str(data)!r} looks like text", hint="write 'text: [COLUMN]' by hand"
        )
    # With text as input all other columns are unused, identifiers included.
    draft.data = [line for line in draft.data if not line.startswith("drop:")]
    draft.data.append(f"text: {_quote(texts)}")
    draft.notes = [note for note in draft.notes if not note.startswith("dropped")]
    draft.notes.append("columns of sentences are the text; the others are no inputs")
    draft.model += ", max_length: 64}"
    draft.continuous = False
    return draft


def _own_model(draft: Draft, file: Path, factory: str | None) -> Draft:
    name = factory or _factory_in(file)
    where = f"{file.stem}:{name}"
    folder = str(file.parent)
    draft.model = f"{{type: python, factory: {_quote(where)}, folder: {_quote(folder)}}}"
    draft.notes.append(f"{name}() is called with input_shape, classes and generator")
    draft.runs_code = True
    return draft


def _factory_in(file: Path) -> str:
    """The function of a file that takes what a factory is called with; it is not imported."""
    try:
        # Parsed instead of imported: reading must not run code. From bytes, which declare their
        # encoding.
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"cannot read {str(file)!r} ({error})", hint="check it") from error
    functions = [statement for statement in tree.body if isinstance(statement, ast.FunctionDef)]
    for function in functions:
        names = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
        # **kwargs accepts the generator, too.
        if {"input_shape", "classes", "generator"} <= names or (
            function.args.kwarg and {"input_shape", "classes"} <= names
        ):
            return function.name
    raise DataError(
        f"no function in {str(file)!r} takes input_shape, classes and generator",
        hint="write one that returns a torch.nn.Module, or name it: --factory FUNCTION",
    )


def _quote(value: Any) -> str:
    """A value as YAML; JSON is."""
    # Non-ASCII letters stay legible; YAML is read as UTF-8.
    return json.dumps(value, ensure_ascii=False)
