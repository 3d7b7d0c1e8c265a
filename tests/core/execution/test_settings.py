"""Settings of execution, and the executor that they open."""

import sys
from typing import Any

import pytest

from safecompress_core.errors import ExecutionError, MissingExtraError
from safecompress_core.execution import settings, worker_process
from safecompress_core.execution.executor import LocalExecutor
from safecompress_core.execution.process_executor import ProcessExecutor
from safecompress_core.execution.settings import HERE, Execution, begin_to_start, open_executor


def test_several_workers_are_processes_unless_asked_otherwise() -> None:
    """As before there was a choice."""
    assert HERE.name == Execution(workers=1).name == "local"
    assert Execution(workers=2).name == "processes"
    assert Execution(workers=2, executor="ray").name == "ray"
    assert isinstance(open_executor(HERE), LocalExecutor)
    with open_executor(Execution(workers=2)) as executor:
        assert isinstance(executor, ProcessExecutor)
        assert executor.workers == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"executor": "slurm"}, "executor: 'slurm' is none; write local, processes, ray"),
        ({"workers": 0}, "workers: 0 is too few; write at least 1"),
        ({"executor": "local", "workers": 2}, "workers: local does 1 at a time, not 2; write"),
        ({"address": "auto"}, "address: only ray has one, and the executor is local; leave it out"),
        ({"workers": 2, "gpu_share": 0.5}, "resources: only ray divides GPUs, and the executor is"),
        ({"executor": "ray", "gpu_share": 0.0}, "resources: gpu is 0.0; write a share up to 1"),
        ({"executor": "ray", "gpu_share": 1.5}, "resources: gpu is 1.5; write a share up to 1"),
        ({"devices": (0,)}, "devices: local does not pin units to 0; write --executor processes"),
        ({"workers": 2, "devices": (1, 1)}, "devices: 1,1 names one twice; name each once"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(
    given: dict[str, Any], message: str
) -> None:
    """With the rule, the value and a hint, before anything is opened."""
    with pytest.raises(ExecutionError) as raised:
        Execution(**given)

    assert str(raised.value).startswith(message)


def test_a_whole_number_of_gpus_or_a_share_of_one_is_fine() -> None:
    """As Ray takes them."""
    for share in (0.25, 1.0, 2.0):
        assert Execution(executor="ray", gpu_share=share).gpu_share == share


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is trained."""
    monkeypatch.setattr(settings, "find_spec", lambda name: None)

    with pytest.raises(MissingExtraError, match=r"ray is not installed; .*\[ray\]"):
        open_executor(Execution(executor="ray"))


def test_more_devices_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both numbers are said."""
    import torch

    execution = Execution(workers=2, devices=(0, 3))
    for count, there in ((0, "no CUDA device"), (2, "devices 0 to 1")):
        monkeypatch.setattr(torch.cuda, "device_count", lambda count=count: count)
        with pytest.raises(ExecutionError, match=f"devices: 3 is asked for, and .* has {there}"):
            open_executor(execution)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    open_executor(execution).close()


def test_settings_load_neither_torch_nor_ray() -> None:
    """The command line imports them for its help."""
    import subprocess

    code = (
        "import sys, safecompress_core.execution.settings; print({'torch', 'ray'} & {*sys.modules})"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("execution", "count"), [(HERE, 0), (Execution(workers=2), 1), (Execution(executor="ray"), 0)]
)
def test_only_processes_start_in_the_background(
    monkeypatch: pytest.MonkeyPatch, execution: Execution, count: int
) -> None:
    """Before the command imports torch, which takes it as long."""
    started: list[None] = []
    monkeypatch.setattr(worker_process, "start_server", lambda: started.append(None))

    begin_to_start(execution)

    assert len(started) == count
