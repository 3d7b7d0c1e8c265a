"""One component that a command line names by itself."""

import pytest

from safecompress_core.api import ExporterDef, ExporterParams
from safecompress_core.errors import SpecError
from safecompress_core.host import Origin, Registry
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.specfile.single_component import load_exporter

ORIGIN = Origin(plugin="acme", distribution="acme", version="1.0")
TFLITE = ExporterDef(
    name="tflite",
    params=ExporterParams,
    target="acme.tflite:TfLite",
    summary="A file.",
    file="model.tflite",
    runtime="acme",
)
REGISTRY = Registry([(TFLITE, ORIGIN)])


def test_parameters_come_from_the_command_line_and_defaults() -> None:
    """With the definition, as those of a spec."""
    params = load_exporter("tflite", overrides=["tolerance=0.5"], registry=REGISTRY)

    assert (params.tolerance, params.agreement) == (0.5, 1.0)
    assert definition_of(params) is TFLITE


@pytest.mark.parametrize(
    ("name", "overrides", "messages"),
    [
        (
            "tflit",
            [],
            ["--to tflit:1:1: exporter.type: no exporter is called 'tflit'; did you mean 'tflite'"],
        ),
        (
            "tflite",
            ["agreement=2"],
            ["--set agreement=2:1:11: exporter.agreement: 2 is greater than 1"],
        ),
        ("tflite", ["agreements=1"], ["did you mean 'agreement'?"]),
        (
            "tflite",
            ["agreement", "tolerance=0"],
            ["this is no assignment", "exporter.tolerance: 0 is not greater than 0"],
        ),
    ],
)
def test_every_mistake_is_a_problem_with_its_place(
    name: str, overrides: list[str], messages: list[str]
) -> None:
    """As problems of a spec are."""
    with pytest.raises(SpecError) as error:
        load_exporter(name, overrides=overrides, registry=REGISTRY)

    assert len(error.value.problems) == len(messages)
    assert all(message in str(error.value) for message in messages)
