"""Start of a worker process; its end with its parent is tested in test_termination."""

import os
import signal
from multiprocessing.context import BaseContext

import pytest

from safecompress_core.execution.worker_process import without_interrupts


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_worker_leaves_ctrl_c_to_its_parent_and_sees_its_device(forked: BaseContext) -> None:
    """The parent ends it when it is interrupted."""
    code = (
        "from safecompress_core.execution.worker_process import begin_worker\n"
        "import os, signal\n"
        "begin_worker('3')\n"
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
