"""``safecompress validate``: every problem of every spec, without running anything."""

from pathlib import Path

import click

from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import allow_code_option, plugins_dir_option, set_option
from safecompress_core.cli.spec_file import SpecFile
from safecompress_core.formats import FORMATS, render
from safecompress_core.host import PluginHost
from safecompress_core.specfile.problems import LocatedProblem

__all__ = ["validate"]

INVALID = 1


@click.command()
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...", type=SpecFile())
@set_option("Change a field before validating: --set training.epochs=50. May be repeated.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="Format of the problems.",
)
@allow_code_option()
@plugins_dir_option
@click.pass_context
def validate(
    context: click.Context,
    *,
    specs: tuple[Path, ...],
    overrides: tuple[str, ...],
    output_format: str,
    allow_code: bool,
    plugins_dir: Path | None,
) -> None:
    """Check specs without running them.

    Prints every problem with its position and a remedy. Exit code 1 if there is any.

    \b
    Example:
        safecompress validate specs/*.yaml
    """
    host = discover_plugins(plugins_dir)
    problems_of = {path: _problems(path, overrides, host, allow_code=allow_code) for path in specs}
    problems = list(
        dict.fromkeys(problem for several in problems_of.values() for problem in several)
    )
    text = render(problems, output_format)
    if text:
        click.echo(text)
    click.echo(_summary(problems_of, len(problems)), err=True)
    if problems:
        context.exit(INVALID)


def _problems(
    path: Path, overrides: tuple[str, ...], host: PluginHost, *, allow_code: bool
) -> tuple[LocatedProblem, ...]:
    # Comparisons import more than other commands need.
    from safecompress_core.specfile.models.any_spec import validate as validate_spec

    validation = validate_spec(
        path,
        overrides=overrides,
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    if validation.warning:
        click.echo(f"{path}: warning: {validation.warning}", err=True)
    return validation.problems


def _summary(found: dict[Path, tuple[LocatedProblem, ...]], count: int) -> str:
    invalid = sum(bool(problems) for problems in found.values())
    if not invalid:
        return "1 spec is valid" if len(found) == 1 else f"{len(found)} specs are valid"
    noun = "problem" if count == 1 else "problems"
    where = "1 spec" if len(found) == 1 else f"{invalid} of {len(found)} specs"
    return f"{count} {noun} in {where}"
