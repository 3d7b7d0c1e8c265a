"""Which extra a missing package comes with."""

import tomllib
from pathlib import Path

from safecompress_core.extras import EXTRA_OF, missing_extra
from safecompress_core.install_command import install_command

DISTRIBUTION = {
    "PIL": "pillow",
    "art": "adversarial-robustness-toolbox",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "torch_pruning": "torch-pruning",
}


def test_the_table_is_what_the_distribution_declares() -> None:
    """Advice to install an extra has to bring the package that was missing."""
    pyproject = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())
    declared = {
        (requirement.partition(">")[0], extra)
        for extra, requirements in pyproject["project"]["optional-dependencies"].items()
        for requirement in requirements
    }

    assert {(DISTRIBUTION.get(name, name), extra) for name, extra in EXTRA_OF.items()} == declared


def test_a_submodule_is_traced_to_its_package() -> None:
    """What fails to import is often deep inside."""
    error = missing_extra(ModuleNotFoundError("No module named 'sklearn'", name="sklearn.svm"))

    assert error is not None
    assert (error.extra, str(error)) == (
        "run",
        f"sklearn is not installed; install it with: {install_command('run')}",
    )


def test_other_failures_are_not_explained() -> None:
    """Neither a package that is nobody's extra, nor an import that failed for another reason."""
    assert missing_extra(ModuleNotFoundError("No module named 'acme'", name="acme")) is None
    assert missing_extra(ImportError("cannot import name 'x' from 'torch'", name="torch")) is None
