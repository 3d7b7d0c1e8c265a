"""Files that can only be asked: which input they take, and which of their outputs answers."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from safecompress_core.errors import ModelError, StorageError
from safecompress_core.saved_models.exported import load_exported
from safecompress_core.saved_models.model_format import Format
from safecompress_core.saved_models.outputs import OutputReader

IMAGES, LABELS = load_digits(n_class=3, return_X_y=True)
INPUTS = torch.from_numpy(IMAGES).float()
CLASSES = ("0", "1", "2")
NAMED = ("ant", "bee", "cat")
MODEL = LogisticRegression(max_iter=300).fit(IMAGES, LABELS)
TRUTH = torch.from_numpy(MODEL.predict_proba(IMAGES)).float()
LOGITS = torch.from_numpy(MODEL.decision_function(IMAGES)).float()


def reading(
    output: str | int | None = None,
    answers: str = "probabilities",
    classes: tuple[str, ...] = CLASSES,
) -> OutputReader:
    """What the spec says."""
    return OutputReader(output=output, answers=answers, classes=classes)


def graph(place: Path, outputs: Sequence[str], *, dtype: str = "FLOAT", **more: Any) -> Path:
    """Write scikit-learn's classifier of digits as its converter does.

    Args:
        place: a folder.
        outputs: of logits, probabilities, label, names, scores (a mapping by label) and embedding,
            those that the graph has, in their order.
        dtype: of its input.
        more: ``labels`` of the mapping and of the names.
    """
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, kinds = onnx.helper, onnx.TensorProto
    labels = more.get("labels", [0, 1, 2])
    kind = "strings" if isinstance(labels[0], str) else "int64s"
    key = kinds.STRING if kind == "strings" else kinds.INT64
    tensors = {
        "W": MODEL.coef_.T.astype(np.float32),
        "b": MODEL.intercept_.astype(np.float32),
        "E": np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32),
    }
    made = {
        "logits": (kinds.FLOAT, ["n", 3]),
        "probabilities": (kinds.FLOAT, ["n", 3]),
        "label": (kinds.INT64, ["n"]),
        "output_label": (key, ["n"]),
        "embedding": (kinds.FLOAT, ["n", 3]),
    }
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=kinds.FLOAT),
        helper.make_node("Gemm", ["f", "W", "b"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0),
        helper.make_node("MatMul", ["f", "E"], ["embedding"]),
    ]
    if "scores" in outputs:
        classes = {f"classlabels_{kind}": labels}
        domain = "ai.onnx.ml"
        node = helper.make_node("ZipMap", ["probabilities"], ["scores"], domain=domain, **classes)
        nodes.append(node)
    if "output_label" in outputs:
        node = helper.make_node(
            "LabelEncoder",
            ["label"],
            ["output_label"],
            domain="ai.onnx.ml",
            keys_int64s=[0, 1, 2],
            **{f"values_{kind}": labels},
        )
        nodes.append(node)
    rows = helper.make_sequence_type_proto(
        helper.make_map_type_proto(key, helper.make_tensor_type_proto(kinds.FLOAT, None))
    )
    infos = [
        helper.make_value_info(name, rows)
        if name == "scores"
        else helper.make_tensor_value_info(name, *made[name])
        for name in outputs
    ]
    given = helper.make_tensor_value_info("x", getattr(kinds, dtype), ["n", 64])
    weights = [onnx.numpy_helper.from_array(one, name) for name, one in tensors.items()]
    whole = helper.make_graph(nodes, "digits", [given], infos, weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(whole, opset_imports=opsets, ir_version=9), place / "digits.onnx")
    return place / "digits.onnx"


def answers_of(path: Path, form: Format, read: OutputReader, inputs: Tensor = INPUTS) -> Tensor:
    """What attackers are told about all samples."""
    with torch.no_grad():
        answer: Tensor = load_exported(path, form, inputs=inputs, reading=read).module(inputs)
    return answer


@pytest.mark.parametrize(
    ("outputs", "read", "truth"),
    [
        (["label", "probabilities"], reading(), TRUTH),
        (["label", "scores"], reading("scores"), TRUTH),
        (["label", "embedding", "scores"], reading(), TRUTH),
        (["scores"], reading(), TRUTH),
        (["embedding", "logits"], reading(answers="logits"), LOGITS),
        (["embedding", "logits", "probabilities"], reading(answers="logits"), LOGITS),
        (["embedding", "logits", "probabilities"], reading(), TRUTH),
        (["probabilities", "embedding"], reading(answers="logits"), TRUTH),
        (["logits", "probabilities"], reading("logits"), LOGITS),
    ],
)
def test_the_output_that_answers_is_told_by_its_name(
    outputs: list[str], read: OutputReader, truth: Tensor, tmp_path: Path
) -> None:
    """Held against scikit-learn; never the first one of several."""
    found = answers_of(graph(tmp_path, outputs), Format.ONNX, read)

    torch.testing.assert_close(found, truth, rtol=1e-3, atol=1e-4)


def test_a_mapping_is_read_by_its_labels(tmp_path: Path) -> None:
    """In whatever order the data have them; other labels are refused."""
    path = graph(tmp_path, ["scores"], labels=["cat", "ant", "bee"])

    found = answers_of(path, Format.ONNX, reading(classes=NAMED))

    torch.testing.assert_close(found, TRUTH[:, [1, 2, 0]], rtol=1e-3, atol=1e-4)
    with pytest.raises(ModelError, match="probabilities of the labels ant, bee, cat, and the data"):
        answers_of(path, Format.ONNX, reading())


def test_outputs_whose_names_tell_nothing_are_asked_for(tmp_path: Path) -> None:
    """With their names, and the field that takes one."""
    path = graph(tmp_path, ["embedding", "label"])

    with pytest.raises(ModelError, match="'embedding', 'label'; write the one .* as task.output"):
        load_exported(path, Format.ONNX, inputs=INPUTS, reading=reading())
    with pytest.raises(ModelError, match="the model has no output 'logit'; its outputs are"):
        load_exported(path, Format.ONNX, inputs=INPUTS, reading=reading("logit"))


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (["ant", "bee", "cat"], ("ant", "bee", "cat"), None),
        (["cat", "ant", "bee"], ("ant", "bee", "cat"), "names the label 'cat' where .* give 'ant'"),
        ([2, 1, 0], ("0", "1", "2"), "names the label '2' where .* give '0'"),
        ([0, 1, 2], ("ant", "bee", "cat"), None),
        (["no", "yes", "so"], ("ant", "bee", "cat"), "names the label 'no'"),
    ],
)
def test_labels_that_a_model_names_have_to_be_those_of_the_data(
    labels: list[Any], classes: tuple[str, ...], message: str | None, tmp_path: Path
) -> None:
    """Else the order of two sources would decide; a model that numbers its outputs names none."""
    path = graph(tmp_path, ["output_label", "probabilities"], labels=labels)

    if message is None:
        found = answers_of(path, Format.ONNX, reading(classes=classes))
        torch.testing.assert_close(found, TRUTH, rtol=1e-3, atol=1e-4)
        return
    with pytest.raises(ModelError, match=message):
        load_exported(path, Format.ONNX, inputs=INPUTS, reading=reading(classes=classes))


@pytest.mark.parametrize("dtype", ["UINT8", "INT32", "INT64", "FLOAT16", "DOUBLE"])
def test_samples_are_cast_to_what_an_onnx_model_takes(dtype: str, tmp_path: Path) -> None:
    """Whole numbers, so that nothing is lost; what is lost is refused."""
    path = graph(tmp_path, ["label", "probabilities"], dtype=dtype)

    torch.testing.assert_close(
        answers_of(path, Format.ONNX, reading()), TRUTH, rtol=1e-3, atol=1e-4
    )
    if "INT" in dtype:
        with pytest.raises(ModelError, match="numbers such as .*, which it cuts off"):
            load_exported(path, Format.ONNX, inputs=INPUTS / 16, reading=reading())


def test_images_are_given_as_bytes_to_a_model_that_takes_bytes(tmp_path: Path) -> None:
    """And the data card says so."""
    path = graph(tmp_path, ["probabilities"], dtype="UINT8")
    images = INPUTS / 255

    found = load_exported(path, Format.ONNX, inputs=images, reading=reading())

    torch.testing.assert_close(found.module(images), TRUTH, rtol=1e-3, atol=1e-4)
    assert found.notes == ("samples are given to the model times 255, as uint8, which it takes",)


def test_several_inputs_are_named(tmp_path: Path) -> None:
    """A sample is one of them."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    columns = [helper.make_tensor_value_info(name, kind, ["n", 1]) for name in ("age", "sex")]
    node = helper.make_node("Concat", ["age", "sex"], ["logits"], axis=1)
    put_out = helper.make_tensor_value_info("logits", kind, ["n", 2])
    whole = helper.make_graph([node], "columns", columns, [put_out])
    opset = helper.make_opsetid("", 17)
    onnx.save(
        helper.make_model(whole, opset_imports=[opset], ir_version=9), tmp_path / "columns.onnx"
    )

    with pytest.raises(StorageError, match=r"takes 2 inputs \('age', 'sex'\)"):
        load_exported(tmp_path / "columns.onnx", Format.ONNX, inputs=INPUTS, reading=reading())


class Head(nn.Module):
    """The classifier as a network of torch, for inputs of some dtype."""

    def __init__(self, put_out: Callable[[Tensor, Tensor], Any], *, cast: bool = True) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 3)
        self.layer.weight.data = torch.from_numpy(MODEL.coef_).float()
        self.layer.bias.data = torch.from_numpy(MODEL.intercept_).float()
        self.put_out, self.cast = put_out, cast

    def forward(self, inputs: Tensor) -> Any:
        """Whatever it is made to put out."""
        logits = self.layer(inputs.float() if self.cast else inputs)
        return self.put_out(inputs[:, :3].float() * 1, logits)


def written(module: nn.Module, form: Format, folder: Path, sample: Tensor) -> Path:
    """A file of torch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if form is Format.TORCHSCRIPT:
            torch.jit.save(torch.jit.trace(module, sample, strict=False), folder / "model.pt")
            return folder / "model.pt"
        shapes = ({0: torch.export.Dim.DYNAMIC},)
        program = torch.export.export(module.eval(), (sample,), dynamic_shapes=shapes)
        torch.export.save(program, folder / "model.pt2")
    return folder / "model.pt2"


TORCH = [Format.TORCHSCRIPT, Format.EXPORTED]


@pytest.mark.parametrize("form", TORCH)
@pytest.mark.parametrize(
    ("put_out", "output"),
    [
        (lambda hidden, logits: (hidden, logits), 1),
        (lambda hidden, logits: {"hidden": hidden, "logits": logits}, None),
        (lambda hidden, logits: (logits,), None),
    ],
    ids=["tuple", "mapping", "alone"],
)
def test_outputs_of_torch_are_told_apart_as_well(
    form: Format, put_out: Callable[[Tensor, Tensor], Any], output: int | None, tmp_path: Path
) -> None:
    """A mapping by name; a tuple by the number that the spec gives."""
    path = written(Head(put_out), form, tmp_path, INPUTS[:3])

    found = answers_of(path, form, reading(output, "logits"))

    torch.testing.assert_close(found, LOGITS, rtol=1e-3, atol=1e-3)
    if output is not None:
        with pytest.raises(ModelError, match="its outputs are '0', '1'; write the one"):
            answers_of(path, form, reading(None, "logits"))


@pytest.mark.parametrize("form", TORCH)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_networks_of_other_floats_are_asked_in_them(
    form: Format, dtype: torch.dtype, tmp_path: Path
) -> None:
    """As their parameters are."""
    module = Head(lambda _, logits: logits, cast=False).to(dtype)
    path = written(module, form, tmp_path, INPUTS[:3].to(dtype))

    found = answers_of(path, form, reading(answers="logits"))

    tolerance = 0.2 if dtype is torch.bfloat16 else 1e-3
    torch.testing.assert_close(found, LOGITS, rtol=tolerance, atol=tolerance)


class Embedded(nn.Module):
    """A network of token ids."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.EmbeddingBag(17, 3)

    def forward(self, ids: Tensor) -> Tensor:
        """(N, 3) of ids (N, L)."""
        answer: Tensor = self.body(ids)
        return answer


@pytest.mark.parametrize("form", TORCH)
@pytest.mark.parametrize("kept", [torch.int64, torch.float32])
def test_networks_of_integers_are_given_integers(
    form: Format, kept: torch.dtype, tmp_path: Path
) -> None:
    """Also where a table keeps these as floats."""
    module, ids = Embedded(), INPUTS.long()
    path = written(module, form, tmp_path, ids[:3])

    found = answers_of(path, form, reading(answers="logits"), ids.to(kept))

    torch.testing.assert_close(found, module(ids))
