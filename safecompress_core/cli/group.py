"""The ``safecompress`` command: its sub-commands, its exit codes, and how loud it is.

The table of commands carries their one-line help, so that ``--help`` and ``--version`` import
none of them: no pydantic, no entry points, no torch.

Exit codes: 0 good; 1 the spec is invalid or a gate failed; 2 the tool could not do it; 130
interrupted.
"""

import contextlib
import difflib
import errno
import gc
import logging
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NoReturn

import click

from safecompress_core.cli.command_line import remember_arguments
from safecompress_core.errors import DataParallelError, SafeCompressError, SpecError
from safecompress_core.extras import missing_extra
from safecompress_core.termination import Interrupted, is_sent, listen
from safecompress_core.training.rank import Rank, launched_rank
from safecompress_core.version import installed_version

logger = logging.getLogger(__name__)

__all__ = ["COMMANDS", "cli", "main"]

INVALID, FAILED, INTERRUPTED = 1, 2, 130
LEADER_PRINTS = 20
"""Seconds in which the first of several processes has printed what is wrong with a spec."""
PRINTING = ("click", "rich")
"""Packages that everything printed goes through."""
LEVELS = (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG)

COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": (
        "safecompress_core.cli.commands.init:init",
        "Write a first spec from your files.",
    ),
    "run": (
        "safecompress_core.cli.commands.run:run",
        "Compress a network by a spec, attack it, and audit the result.",
    ),
    "audit": (
        "safecompress_core.cli.commands.audit:audit",
        "Attack an existing model, and check its gates.",
    ),
    "validate": (
        "safecompress_core.cli.commands.validate:validate",
        "Check specs without running them.",
    ),
    "plan": (
        "safecompress_core.cli.commands.plan:plan",
        "Show what a run would do, and what it costs.",
    ),
    "compare": (
        "safecompress_core.cli.commands.compare:compare",
        "Compare variants of a spec.",
    ),
    "pick": (
        "safecompress_core.cli.commands.pick:pick",
        "Take another model from a run's archive.",
    ),
    "export": (
        "safecompress_core.cli.commands.export:export",
        "Write a model in another format, and measure the file.",
    ),
    "predict": (
        "safecompress_core.cli.commands.predict:predict",
        "Write labels and probabilities of new rows.",
    ),
    "report": ("safecompress_core.cli.commands.report:report", "Write a run's report again."),
    "inspect": (
        "safecompress_core.cli.commands.inspect:inspect",
        "Show the contents of a run or a model file.",
    ),
    "pack": (
        "safecompress_core.cli.commands.pack:pack",
        "Write the compact form of a model file.",
    ),
    "verify": (
        "safecompress_core.cli.commands.verify:verify",
        "Check a run's hashes and densities.",
    ),
    "plugins": ("safecompress_core.cli.commands.plugins:plugins", "List what plugins provide."),
    "schema": ("safecompress_core.cli.commands.schema:schema", "Print the JSON Schema of a spec."),
}
"""Each command's place and one-line help, in the order in which ``--help`` shows them."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line, which a run records as it was given."""
        # Before click consumes them.
        remember_arguments(ctx, args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command, after which garbage is collected again."""
        if cmd_name not in COMMANDS:
            near = difflib.get_close_matches(cmd_name, COMMANDS)
            guess = f" Did you mean {' or '.join(near)}?" if near else ""
            # ctx.fail prints the usage, like click's own message.
            ctx.fail(f"No such command {cmd_name!r}.{guess}")
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        if not gc.isenabled():
            # Frozen objects are skipped by every later collection.
            gc.freeze()  # what is imported stays
            gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; turn errors that are meant for the user into a message and exit code."""
        rank = launched_rank()
        try:
            _require_alone(rank, ctx.invoked_subcommand)
            return super().invoke(ctx)
        # The problems are complete messages; no 'error:' in front.
        except SpecError as error:
            # All processes read the same spec, and would say the same.
            if rank.is_leader:
                click.echo(str(error), err=True)
            else:
                _await_end()
            ctx.exit(INVALID)
        except SafeCompressError as error:
            _fail(ctx, str(error), error)
        # click prints and exits by these itself.
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt as error:
            # Code of a plugin may raise it without any signal.
            if not is_sent(error):
                _fail(ctx, _unforeseen(error), error)
            resume = "; run the same command again to resume"
            resumes = ctx.invoked_subcommand in ("run", "compare")
            click.echo(f"\n{_describe_end(error)}{resume if resumes else ''}", err=True)
            ctx.exit(error.exit_code if isinstance(error, Interrupted) else INTERRUPTED)
        except (Exception, SystemExit) as error:
            # `| head` is normal use, and no error to report.
            if _has_lost_reader(error):
                ctx.exit(FAILED)
            message = (
                missing_extra(error) or _unwritten(error) or _unreadable(error) or _of_plugin(error)
            )
            if message is None:
                # A bug: `main` prints its traceback.
                raise
            _fail(ctx, str(message), error)


def _await_end() -> None:
    """Wait to be ended: a launcher ends all processes when the first one fails."""
    # The leader has to print first. Without a launcher to end this process, it ends by itself.
    with contextlib.suppress(KeyboardInterrupt):
        time.sleep(LEADER_PRINTS)


def _require_alone(rank: Rank, command: str | None) -> None:
    """Refuse to do in each of several processes what only one should do."""
    if rank.size > 1 and command not in (None, "run"):
        raise DataParallelError(
            f"a launcher has started {rank.size} processes, and {command!r} works in one; only "
            "'run' trains in several: leave the launcher out"
        )


def _fail(ctx: click.Context, message: str, error: BaseException) -> NoReturn:
    """Print an error in one line, with -v its traceback as well, and end the command."""
    logger.info("%s", type(error).__name__, exc_info=error)
    rank = launched_rank()
    where = f"rank {rank.number}: " if rank.size > 1 else ""
    click.echo(f"error: {where}{message}", err=True)
    ctx.exit(FAILED)


def _describe_end(error: KeyboardInterrupt) -> str:
    is_terminated = isinstance(error, Interrupted) and error.signal != signal.SIGINT
    return "terminated" if is_terminated else "interrupted"


def _unwritten(error: BaseException) -> str | None:
    """Return why standard output takes no more, and drop what it has not taken; else None.

    A reader that has closed its pipe is none of it (`_has_lost_reader`).
    """
    if not isinstance(error, OSError) or error.filename is not None or error.__traceback__ is None:
        return None
    # The innermost frame: who tried to write.
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    if error.errno == errno.EPIPE or module not in PRINTING:
        return None
    # dup2 replaces the file descriptor, so that buffered text goes nowhere.
    with contextlib.suppress(OSError):  # or Python would try again, and fail, when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return f"standard output: cannot be written: {error.strerror}"


def _has_lost_reader(error: BaseException) -> bool:
    """Return whether standard output has lost its reader (``| head``); then drop what is left."""
    if isinstance(error, SystemExit):  # rich has dropped the rest, and ends the program so
        # rich turns the broken pipe into SystemExit.
        return isinstance(error.__context__, BrokenPipeError)
    if not isinstance(error, BrokenPipeError):
        return False
    try:
        stdout = sys.stdout.fileno()
    except OSError:  # it is captured
        return False
    poll = select.poll()
    poll.register(stdout, 0)
    # POLLERR: the reading end is closed. Another pipe may have broken, too.
    if not any(event & select.POLLERR for _, event in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)  # the interpreter flushes when it ends
    return True


def _unreadable(error: BaseException) -> str | None:
    """Return which file could not be read or written, and why; None for another error."""
    if not isinstance(error, OSError) or error.errno is None:
        return None
    what = f"{error.filename}: " if error.filename is not None else ""
    return f"{what}{error.strerror or error}"


def _of_plugin(error: BaseException) -> str | None:
    """Return which plugin's code raised an error, and what; None where no plugin did."""
    from safecompress_core.host.boundary import culprit

    plugin = culprit(error)
    if plugin is None and not isinstance(error, SystemExit):
        return None
    return _unforeseen(error)


def _unforeseen(error: BaseException) -> str:
    """Return what code that is not ours raised, after the plugin that it is of."""
    from safecompress_core.host.boundary import culprit
    from safecompress_core.host.sources import format_error

    return f"plugin {culprit(error) or 'of unknown name'}: its code raised {format_error(error)}"


class EchoHandler(logging.Handler):
    """Writes log records to standard error, wherever that points to now."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        # click.echo looks up sys.stderr at each call, which tests and displays replace.
        click.echo(f"{record.levelname.lower()}: {self.format(record)}", err=True)


def _print_version(ctx: click.Context, _: click.Parameter, is_asked: bool) -> None:
    # resilient_parsing: shell completion must not print.
    if is_asked and not ctx.resilient_parsing:
        click.echo(f"safecompress {installed_version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: safecompress run specs/multi_attack.yaml",
)
@click.option("-v", "--verbose", count=True, help="Print more; -vv for debugging.")
@click.option("-q", "--quiet", count=True, help="Print less; -q hides warnings.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context, verbose: int, quiet: int) -> None:
    """Compress a neural network, and measure what the result leaks."""
    # One scale: -q and -v cancel each other.
    _set_loudness(ctx, verbose - quiet)


def _set_loudness(ctx: click.Context, loudness: int) -> None:
    """Log to standard error for as long as this command runs; 0 shows warnings."""
    root, handler = logging.getLogger(), EchoHandler()
    before = root.level
    # 2 is the index of WARNING, the default.
    root.setLevel(LEVELS[max(0, min(loudness + 2, len(LEVELS) - 1))])
    root.addHandler(handler)

    def restore() -> None:
        root.removeHandler(handler)
        root.setLevel(before)

    # Restored, since tests call several commands in one process.
    ctx.call_on_close(restore)


def main() -> NoReturn:
    """The ``safecompress`` program.

    An error that nothing foresaw ends with its traceback and exit code 2, since 1 would say that
    the spec is invalid.
    """
    # Before anything else, so that ^C during imports ends cleanly as well.
    listen()
    gc.disable()  # until the command is imported: imports leave nothing to collect
    try:
        cli(prog_name="safecompress")
    except Exception as error:  # noqa: BLE001  click has handled its errors, the group ours
        unwritten = _unwritten(error)  # of help, which no command prints
        # A message about the output itself needs no traceback.
        if unwritten is None:
            traceback.print_exc()
        bug = "this is a bug in SafeCompress or in a plugin"
        click.echo(f"error: {unwritten or bug}", err=True)
    finally:
        gc.freeze()  # or the interpreter collects, for 40 ms, what its end frees anyway
        gc.enable()
    # Reached only after an error: click exits by itself otherwise.
    sys.exit(FAILED)
