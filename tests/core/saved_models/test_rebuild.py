"""Components rebuilt from a model's file."""

from pathlib import Path

import pytest
import torch
from torch import nn

from safecompress_core.api import Kind
from safecompress_core.errors import StorageError
from safecompress_core.host import Registry
from safecompress_core.preflight.audit_checks import check_audit_feasible
from safecompress_core.saved_models.load import load_classifier
from safecompress_core.saved_models.rebuild import component, factory_of, guarding_of
from safecompress_core.saved_models.storage import load_model
from tests.core.fixtures.audited_models import SAMPLE, guarded_file, own_file, prepared


def test_a_guard_that_nobody_here_can_make_is_refused(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """Without it the model would look leakier than it is to whoever asks."""
    plain = load_classifier(own_file(mlp, tmp_path), registry=built_ins)
    assert plain.guard is None
    torch.testing.assert_close(plain(SAMPLE), mlp(SAMPLE))
    for changed, reason in (
        ({"type": "unheard-of"}, "no defence 'unheard-of' is installed"),
        ({"hidden": [9]}, "size mismatch"),
    ):
        path = guarded_file(mlp, tmp_path, built_ins, **changed)
        with pytest.raises(StorageError, match="output guard cannot be made again") as refused:
            check_audit_feasible(prepared(path, built_ins, tmp_path))
        assert reason in str(refused.value)
        with pytest.raises(StorageError, match="output guard cannot be made again"):
            load_classifier(path, registry=built_ins)


def test_a_component_is_what_a_file_says_with_its_defaults(built_ins: Registry) -> None:
    """Written as a spec writes it; the type decides on the class."""
    params = component(built_ins, Kind.MODEL, {"type": "mlp", "hidden": [8, 4]}, allow_code=False)

    assert built_ins.definition_of(params).name == "mlp"
    assert params.model_dump()["hidden"] == [8, 4]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({"type": "mpl"}, "no model 'mpl' is installed"),
        (
            {"type": "python", "factory": "net:make", "folder": "."},
            "'python' imports and runs code that this file names",
        ),
    ],
)
def test_a_component_that_may_not_be_built_is_refused(
    built_ins: Registry, written: dict[str, object], reason: str
) -> None:
    """What is not installed, and code unless the caller allows it."""
    with pytest.raises(StorageError, match=reason):
        component(built_ins, Kind.MODEL, written, allow_code=False)


def test_a_model_without_a_guard_has_no_defence(
    built_ins: Registry, mlp: nn.Module, tmp_path: Path
) -> None:
    """Nothing is built for it; its factory builds the architecture of the file."""
    stored = load_model(own_file(mlp, tmp_path))

    factory = factory_of(built_ins, stored.metadata, allow_code=False)
    network = factory.build(input_shape=(1, 8, 8), classes=14, generator=torch.Generator())

    assert guarding_of(built_ins, stored, allow_code=False) is None
    assert {name: one.shape for name, one in network.state_dict().items()} == {
        name: one.shape for name, one in mlp.state_dict().items()
    }
