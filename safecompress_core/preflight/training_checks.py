"""Checks of the training section that need the data or the machine."""

import os
import shutil
from collections.abc import Iterator

from safecompress_core.api import component_id
from safecompress_core.context.run_context import RunContext
from safecompress_core.preflight.defence_checks import list_defences
from safecompress_core.problems import Problem
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.training.data_parallel import current_group

__all__ = ["check_augmentation", "check_compiler", "check_data_parallel"]

ONE_PROCESS = "run it in one process, without torchrun or accelerate"


def check_compiler(run_context: RunContext) -> Iterator[Problem]:
    """Torch generates C++ for a processor, and would say so only in the first step."""
    wanted = run_context.spec.training.compile and run_context.device.type == "cpu"
    # CXX is what torch itself reads before it looks for g++ and clang++.
    if wanted and not any(map(shutil.which, (os.environ.get("CXX") or "g++", "g++", "clang++"))):
        message = "torch compiles with a C++ compiler here, and there is none"
        yield Problem(("training", "compile"), message, "install g++, or write false")


def check_augmentation(run_context: RunContext) -> Iterator[Problem]:
    """Crops and flips need images, and a crop part of the image in each window."""
    augmentation = run_context.spec.training.augmentation
    if not augmentation.is_random:
        return
    path = ("training", "augmentation")
    shape = tuple(run_context.dataset.inputs.shape[1:])
    if len(shape) != 3:
        message = (
            "crops and flips need images of shape (channels, height, width); a sample has shape "
            f"{shape}"
        )
        yield Problem(path, message, "take it out")
    # A padding as large as a side allows a window that holds nothing of the image.
    elif augmentation.crop >= min(shape[1:]):
        message = (
            f"a crop of {augmentation.crop} may miss the whole image, which has {shape[1]} × "
            f"{shape[2]} pixels"
        )
        yield Problem((*path, "crop"), message, f"write at most {min(shape[1:]) - 1}")


def check_data_parallel(run_context: RunContext) -> Iterator[Problem]:
    """A method or a defence that needs whole batches, where several processes divide them."""
    size = current_group().rank.size
    if size == 1:
        return
    spec = run_context.spec
    if spec.training.batch_size < 2 * size:
        message = (
            f"{size} processes divide each batch, and every process needs 2 samples of it; a batch "
            f"has {spec.training.batch_size}"
        )
        hint = f"write at least {2 * size}, or start fewer processes"
        yield Problem(("training", "batch_size"), message, hint)
    method = definition_of(spec.method)
    if method.needs_whole_batch:
        message = (
            f"{method.name!r} {method.needs_whole_batch}, and {size} processes divide each batch"
        )
        yield Problem(("method", "type"), message, ONE_PROCESS)
    for path, params in list_defences(run_context):
        reason = run_context.registry.create(params).needs_whole_batch
        if reason:
            message = f"{component_id(params)!r} {reason}, and {size} processes divide each batch"
            yield Problem((*path, "type"), message, f"take it out, or {ONE_PROCESS}")
