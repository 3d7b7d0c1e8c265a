"""Signals that end a command: which was sent, if any, and with which exit code it ends.

- The first signal raises `Interrupted` in the main thread, so that everything is left as after an
  error. A second one ends the process at once and says nothing.
- A signal that the caller of this program ignores (``nohup``, a job in the background) stays so.
- A signal is distinguished from other interrupts: code of a plugin can raise ``KeyboardInterrupt``
  as well.
"""

import contextlib
import os
import signal
import sys
from types import FrameType

__all__ = ["ENDING", "Interrupted", "is_sent", "listen", "received_signal"]

# Windows has no SIGHUP.
ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""The signals that a person or the machine ends a command with."""

SHOW_CURSOR = "\x1b[?25h"

# Lists, so that handlers change them without `global`.
_received: list[int] = []
_listening: list[bool] = []


class Interrupted(KeyboardInterrupt):
    """A signal was received.

    Attributes:
        signal: its number.
    """

    def __init__(self, number: int) -> None:
        self.signal = number
        super().__init__(signal.Signals(number).name)

    @property
    def exit_code(self) -> int:
        """Return the exit code that shells expect after a signal."""
        return 128 + self.signal


def listen() -> None:
    """Handle signals from here on; for the program alone, in its main thread."""
    _listening[:] = [True]
    _received.clear()
    for number in ENDING:
        # An ignored signal was ignored on purpose, e.g. by nohup.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)


def received_signal() -> int | None:
    """Return the signal that this process has received; None for none."""
    return _received[0] if _received else None


def is_sent(error: KeyboardInterrupt) -> bool:
    """Return whether a signal is behind an interrupt, and not the code that was running.

    Where no one listens, a library's user handles signals, and every interrupt is taken for one.
    """
    # Without our handler any interrupt may be a real one.
    return isinstance(error, Interrupted) or not _listening or bool(_received)


def _handle(number: int, _: FrameType | None) -> None:
    if _received:
        with contextlib.suppress(OSError, ValueError):
            # A progress display hides the cursor, and would leave it hidden.
            if sys.stderr.isatty():
                # os.write: the buffer of sys.stderr may be locked by what was interrupted.
                os.write(sys.stderr.fileno(), SHOW_CURSOR.encode())
        # The second signal: clean-up itself may hang, so nothing else runs.
        os._exit(128 + number)
    _received.append(number)
    raise Interrupted(number)
