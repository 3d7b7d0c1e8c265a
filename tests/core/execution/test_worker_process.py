"""Start of worker processes; their end with their parent is tested in test_termination."""

import colorsys
import os
import signal
import subprocess
import sys
from multiprocessing.context import BaseContext
from pathlib import Path

import pytest

from safecompress_core.execution.worker_process import without_interrupts


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_worker_leaves_ctrl_c_to_its_parent_and_sees_its_device(forked: BaseContext) -> None:
    """The parent ends it when it is interrupted."""
    code = (
        "from safecompress_core.execution.worker_process import begin_worker\n"
        "import os, signal\n"
        "begin_worker({}, '3')\n"
        "sent.send((signal.getsignal(signal.SIGINT) is signal.SIG_IGN,"
        " os.environ['CUDA_VISIBLE_DEVICES']))\n"
    )
    received, sent = forked.Pipe()
    process = forked.Process(target=exec, args=(code, {"sent": sent}))
    process.start()

    assert received.recv() == (True, "3")

    process.join()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals of POSIX")
def test_ctrl_c_waits_until_workers_have_started() -> None:
    """Within it is blocked, afterwards as before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with without_interrupts():
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


SCRIPT = """
import os, sys
from concurrent.futures import ProcessPoolExecutor

from safecompress_core.execution import worker_process
from safecompress_core.execution.worker_process import begin_worker, start_server, worker_context


def see() -> tuple[str, str, str]:
    module = getattr(sys.modules.get("colorsys"), "__file__", "not imported")
    return module, os.environ["NAME"], os.environ.get("PYTHONSAFEPATH", "unset")


if __name__ == "__main__":
    worker_process.PRELOADED = ("colorsys",)
    os.environ["NAME"] = "early"
    start_server()
    os.environ["NAME"] = "late"
    context, arguments = worker_context(), (dict(os.environ), None)
    with ProcessPoolExecutor(1, context, begin_worker, arguments) as pool:
        print("|".join(pool.submit(see).result()))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="where workers are forked from a server")
def test_workers_are_forked_from_a_server_that_has_imported_installed_modules(
    tmp_path: Path,
) -> None:
    """None of the working directory; and a worker has the environment of when it was started."""
    for name in ("program", "directory"):
        (tmp_path / name).mkdir()
    (tmp_path / "program" / "program.py").write_text(SCRIPT)
    (tmp_path / "directory" / "colorsys.py").write_text("")
    environment = {name: os.environ[name] for name in os.environ if name != "PYTHONSAFEPATH"}

    output = subprocess.run(
        [sys.executable, str(tmp_path / "program" / "program.py")],
        cwd=tmp_path / "directory",
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()

    assert output == f"{colorsys.__file__}|late|unset"
