"""The program as a whole: help, version, exit codes, loudness."""

import errno
import logging
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli, group
from safecompress_core.cli.group import COMMANDS
from safecompress_core.errors import MissingExtraError, PoolError, SpecError
from safecompress_core.install_command import install_command
from safecompress_core.specfile.problems import LocatedProblem

PROGRAM = "from safecompress_core.cli import main; main()"

COMMAND_LINES = [("plugins", "list") if name == "plugins" else (name,) for name in COMMANDS]


def run_program(*arguments: str, code: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def invoke_with(
    monkeypatch: pytest.MonkeyPatch, error: BaseException | None, *options: str, name: str = "run"
) -> click.testing.Result:
    """Invoke a command that logs at every level and then raises."""

    @click.command()
    def command() -> None:
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger("acme").log(level, "heard")
        if error is not None:
            raise error

    module = ModuleType("acme_command")
    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "acme_command", module)
    commands = {**group.COMMANDS, name: ("acme_command:command", "A test.")}
    monkeypatch.setattr(group, "COMMANDS", commands)
    return CliRunner().invoke(cli, [*options, name])


@pytest.mark.parametrize("option", ["--help", "-h", "--version"])
def test_help_and_version_import_no_more_than_they_need(option: str) -> None:
    """No pydantic, no plugins, no torch: that is what keeps them under 100 ms."""
    code = (
        "import atexit, sys\n"
        "heavy = ('pydantic', 'pluggy', 'rich', 'numpy', 'torch', 'safecompress_plugins')\n"
        "atexit.register(lambda: print('loaded:', *(m for m in heavy if m in sys.modules)))\n"
        "import importlib.metadata\n"
        "importlib.metadata.entry_points = importlib.metadata.distributions = None\n" + PROGRAM
    )

    outcome = run_program(option, code=code)

    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines()[-1] == "loaded:"


def test_commands_collect_garbage_again() -> None:
    """The program pauses collection only while it imports a command."""
    code = (
        "import gc, safecompress_core.cli.group as group\n"
        "called = group.LazyGroup.get_command\n"
        "def told(*args):\n"
        "    before = gc.isenabled()\n"
        "    command = called(*args)\n"
        "    print(before, gc.isenabled())\n"
        "    return command\n"
        "group.LazyGroup.get_command = told\n" + PROGRAM
    )

    outcome = run_program("validate", "--help", code=code)

    assert outcome.stdout.splitlines()[0] == "False True"


def test_help_lists_every_command_with_its_line() -> None:
    """The table is all that help reads, so it has to be complete."""
    outcome = CliRunner().invoke(cli, ["--help"], terminal_width=120)

    assert outcome.exit_code == 0
    for name, (_, summary) in group.COMMANDS.items():
        assert f"  {name}" in outcome.output
        assert summary in " ".join(outcome.output.split())


@pytest.mark.parametrize("name", group.COMMANDS)
def test_every_command_of_the_table_exists_and_explains_itself(name: str) -> None:
    """The table names what can be imported, and ``-h`` works everywhere."""
    module, _, attribute = group.COMMANDS[name][0].partition(":")
    command = getattr(import_module(module), attribute)

    outcome = CliRunner().invoke(cli, [name, "-h"])

    assert isinstance(command, click.Command)
    assert outcome.exit_code == 0, outcome.output
    assert command.help


def test_an_unknown_command_gets_the_nearest() -> None:
    """Exit code 2: nothing was done."""
    outcome = CliRunner().invoke(cli, ["validat"])

    assert outcome.exit_code == 2
    assert "No such command 'validat'. Did you mean validate?" in outcome.stderr


def test_an_invalid_spec_ends_with_its_problems_and_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each problem on a line of its own, on standard error."""
    problems = [
        LocatedProblem(
            file="a.yaml", line=n, column=1, path="seed", message="is odd", hint="write 2"
        )
        for n in (1, 2)
    ]

    outcome = invoke_with(monkeypatch, SpecError(problems), "-qq")

    assert outcome.exit_code == 1
    assert outcome.stderr.splitlines() == [str(problem) for problem in problems]
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PoolError("too few members"), "error: too few members"),
        (
            MissingExtraError("torch", extra="run"),
            f"error: torch is not installed; install it with: {install_command('run')}",
        ),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch.nn"),
            f"error: torch is not installed; install it with: {install_command('run')}",
        ),
    ],
)
def test_what_could_not_be_done_ends_with_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    """A traceback would bury what the user has to do."""
    outcome = invoke_with(monkeypatch, error, "-qq")

    assert (outcome.exit_code, outcome.stderr.splitlines()) == (2, [line])


def test_a_package_that_no_extra_brings_is_not_explained_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Advice to install an extra that does not help would be worse than the traceback."""
    error = ModuleNotFoundError("No module named 'acme'", name="acme")

    assert invoke_with(monkeypatch, error).exception is error


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("run", "interrupted; run the same command again to resume"),
        ("validate", "interrupted"),
    ],
)
def test_an_interrupted_command_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, name: str, line: str
) -> None:
    """A run can be resumed, and its message states that; other commands have no such message."""
    outcome = invoke_with(monkeypatch, KeyboardInterrupt(), "-qq", name=name)

    assert outcome.exit_code == 130
    assert outcome.stderr.strip() == line


@pytest.mark.parametrize(
    ("options", "heard"),
    [
        ((), ["warning", "error"]),
        (("-v",), ["info", "warning", "error"]),
        (("-vv",), ["debug", "info", "warning", "error"]),
        (("-q",), ["error"]),
        (("-qqq",), []),
        (("-v", "-q"), ["warning", "error"]),
    ],
)
def test_verbose_and_quiet_are_counted(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], heard: list[str]
) -> None:
    """They set what is logged, on standard error only."""
    outcome = invoke_with(monkeypatch, None, *options)

    assert outcome.stderr.splitlines() == [f"{level}: heard" for level in heard]
    assert outcome.stdout == ""


def test_logging_is_as_before_when_a_command_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that calls a command keeps its own logging."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers))

    invoke_with(monkeypatch, None, "-vv")

    assert (root.level, list(root.handlers)) == before


def test_an_unforeseen_error_ends_with_2_and_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 would mean an invalid spec."""

    def broken(**_: object) -> NoReturn:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(group, "cli", broken)
    monkeypatch.setattr(group, "listen", lambda: None)  # or pytest would lose its handlers
    with pytest.raises(SystemExit) as caught:
        group.main()

    assert caught.value.code == 2
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert printed.endswith("error: this is a bug in SafeCompress or in a plugin\n")


@pytest.mark.parametrize("error", [SystemExit(0), SystemExit("bye"), SystemExit(3)])
def test_code_that_exits_does_not_end_the_command_well(
    monkeypatch: pytest.MonkeyPatch, error: SystemExit
) -> None:
    """Exit code 0 and silence would pass for a gate that is met."""
    outcome = invoke_with(monkeypatch, error, "-qq")

    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("error: plugin of unknown name: its code raised SystemExit")


def test_what_cannot_be_written_is_one_line_with_file_and_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full disk is no bug of SafeCompress."""
    error = OSError(errno.ENOSPC, "No space left on device", "/data/report.html")

    outcome = invoke_with(monkeypatch, error, "-qq")

    assert (outcome.exit_code, outcome.stderr) == (
        2,
        "error: /data/report.html: No space left on device\n",
    )


@pytest.mark.parametrize("arguments", [["schema"], ["plan", "multi_attack"]])
def test_a_reader_that_stops_reading_gets_no_error(arguments: list[str]) -> None:
    """``safecompress schema | head`` is no fault; what is printed by rich is none either."""
    reader, writer = os.pipe()
    os.close(reader)

    command = [sys.executable, "-c", PROGRAM, *arguments]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)

    assert (ended.returncode, ended.stderr) == (2, b"")


def test_a_pipe_that_breaks_elsewhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """For example that of a worker process, while standard output is still read."""
    outcome = invoke_with(monkeypatch, BrokenPipeError(errno.EPIPE, "Broken pipe"), "-qq")

    assert (outcome.exit_code, outcome.stderr) == (2, "error: Broken pipe\n")


def test_verbose_shows_the_traceback_of_an_error_that_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It helps the author of a plugin."""
    outcome = invoke_with(monkeypatch, PoolError("too few members"), "-v")

    assert "Traceback" in outcome.stderr
    assert outcome.stderr.endswith("error: too few members\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
@pytest.mark.parametrize("argument", ["schema", "--help"])
def test_a_full_standard_output_is_told_in_one_line(argument: str) -> None:
    """Nor does Python try again, and fail, when it ends."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", PROGRAM, argument]
        outcome = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert outcome.returncode == 2
    reason = os.strerror(errno.ENOSPC)
    assert outcome.stderr == f"error: standard output: cannot be written: {reason}\n"


@pytest.mark.parametrize("command", COMMAND_LINES, ids=" ".join)
def test_an_example_stands_on_a_line_of_its_own(command: tuple[str, ...]) -> None:
    """To be copied as it is: not folded into the text before it."""
    lines = CliRunner().invoke(cli, [*command, "-h"]).stdout.splitlines()

    assert "  Example:" in lines
    example = lines[lines.index("  Example:") + 1]
    assert example.startswith(f"      safecompress {' '.join(command)} ")
