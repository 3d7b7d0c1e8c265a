"""Readme and pages: complete, fresh and correct.

YAML on a page is validated, examples are run, commands are looked up.
"""

import doctest
import importlib.util
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from safecompress_core.api import AttackerDef, Definition, Kind, Role
from safecompress_core.cli.group import COMMANDS, cli
from safecompress_core.errors import SpecError
from safecompress_core.hookspecs import HOOKS, LIFECYCLE
from safecompress_core.host import Origin, Registry
from safecompress_core.host.definitions import flaws_of
from safecompress_core.host.sources import ALLOW, BLOCK, STRICT
from safecompress_core.results import schema
from safecompress_core.results.schema import Record
from safecompress_core.specfile.load import load_any_spec, load_spec
from safecompress_core.specfile.models.run_spec import RunSpec

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
EXAMPLE = re.compile("^>>> ", re.MULTILINE)
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
ROLES = [(Kind.STRATEGY, role) for role in Role]
KINDS = [(kind, None) for kind in Kind if kind is not Kind.STRATEGY]


def page(name: str) -> str:
    """The text of a page of the docs."""
    return (DOCS / name).read_text(encoding="utf-8")


def fences(path: Path, language: str) -> Iterator[tuple[str, str]]:
    """Title (empty where there is none) and text of each block of a language."""
    for match in FENCE.finditer(path.read_text(encoding="utf-8")):
        if match[1] == language:
            yield match[2] or "", match[3]


def titled(path: Path, title: str) -> str:
    """The first block of that title."""
    matches = FENCE.finditer(path.read_text(encoding="utf-8"))
    return next(match[3] for match in matches if match[2] == title)


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The script that writes the reference pages."""
    spec = importlib.util.spec_from_file_location("reference", DOCS / "generate_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built_ins(reference: ModuleType) -> Registry:
    """The built-in components."""
    registry: Registry = reference.built_ins()
    return registry


def test_the_readme_begins_with_the_two_lines() -> None:
    """One that runs, one that tests."""
    _, text = next(fences(ROOT / "README.md", "console"))

    assert text.splitlines() == [
        "pip install '.[run]' && safecompress run specs/multi_attack.yaml",
        "pip install tox && tox",
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_generated_tables_are_fresh(path: Path, reference: ModuleType, built_ins: Registry) -> None:
    """If not: python docs/generate_reference.py."""
    text = path.read_text(encoding="utf-8")

    assert reference.refreshed(text, built_ins) == text


def test_the_committed_schema_of_results_is_fresh(reference: ModuleType) -> None:
    """If not: python docs/generate_reference.py."""
    committed = reference.RESULTS_SCHEMA.read_text(encoding="utf-8")

    assert committed == reference.results_schema_text()


def test_every_part_of_the_results_has_its_table() -> None:
    """Each key is on the page; the tables themselves are generated."""
    records = {
        name
        for name in schema.__all__
        if isinstance(kind := getattr(schema, name), type) and issubclass(kind, Record)
    }
    tables = re.findall(r"<!-- record: (\w+) -->", page("results.md"))

    assert sorted(tables) == sorted(records - {"Record", "MeasuresRecord", "AuditRecord"})


@pytest.mark.parametrize(("kind", "role"), [*KINDS, *ROLES])
def test_every_component_has_its_section(
    kind: Kind, role: Role | None, built_ins: Registry
) -> None:
    """In the block of its kind, in the order of the registry."""
    what = f"{kind}-{role}" if role else str(kind)
    block = page("components.md").partition(f"<!-- components: {what} -->")[2]
    headings = re.findall("^### `(.+)`$", block.partition("<!-- end -->")[0], re.MULTILINE)

    assert headings == list(built_ins.definitions(kind, role))


def test_every_part_of_a_spec_has_its_table() -> None:
    """Each field is on the page; the tables themselves are generated."""
    pages = ("spec.md", "auditing.md")
    tables = {name: re.findall(r"<!-- fields: (\w+) -->", page(name)) for name in pages}

    assert tables == {
        "spec.md": [
            "Spec",
            "Task",
            "Pools",
            "Training",
            "StrategyParams",
            "Baseline",
            "Audit",
            "EpsilonBound",
            "Gate",
        ],
        "auditing.md": [
            "AuditSpec",
            "AuditTask",
            "AuditPools",
            "Judges",
            "TrainFunction",
            "ReadyReferences",
        ],
    }


@pytest.mark.parametrize("hook", [*HOOKS.values(), *LIFECYCLE.values(), ALLOW, BLOCK, STRICT])
def test_every_hook_and_variable_has_its_line(hook: str) -> None:
    """In the tables of the page for plugin authors."""
    assert re.search(rf"^\|.*`{hook}` \|", page("writing-plugins.md"), re.MULTILINE)


@pytest.mark.parametrize(("kind", "role"), [*KINDS, *ROLES])
def test_every_kind_says_what_to_implement(
    kind: Kind, role: Role | None, built_ins: Registry
) -> None:
    """Definition, class, and each method that an implementation must have."""
    toolkit = pytest.importorskip("safecompress_core.toolkit", exc_type=ImportError)
    definition = type(next(iter(built_ins.definitions(kind, role).values())))
    marks = [
        f"`{HOOKS[kind]}`",
        f"`{definition.__name__}`",
        *([f"Role.{role.name}"] if role else []),
    ]
    lines = page("writing-plugins.md").splitlines()
    [row] = [line for line in lines if all(mark in line for mark in marks)]

    names = re.findall(r"`(\w+)`", row.split("|")[4])
    missing = [
        method
        for name in names
        for method in getattr(toolkit, name).__abstractmethods__
        if f"`{method}`" not in row
    ]
    assert names
    assert missing == []


def command_of(name: str) -> click.Command:
    """A command of the table, imported."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def options_of(command: click.Command) -> set[str]:
    """Long options of a command, or of the commands of a group."""
    if isinstance(command, click.Group):
        return {option for one in command.commands.values() for option in options_of(one)}
    return {option for one in command.params for option in one.opts if option.startswith("--")}


def test_every_command_has_a_section() -> None:
    """In the order of ``--help``, and there is no section of a command that does not exist."""
    assert re.findall("^## `(.+)`$", page("commands.md"), re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_section_of_a_command_has_an_example_and_all_options(name: str) -> None:
    """The options are those of the command's own help."""
    section = page("commands.md").partition(f"## `{name}`\n")[2].partition("\n## ")[0]

    assert f"\n$ safecompress {name} " in section
    assert "xit code" in section or name in {"plugins", "schema"}
    options = options_of(command_of(name)) - {"--help"}
    assert [option for option in options if f"`{option}" not in section] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_on_pages_exist_with_their_options(path: Path) -> None:
    """A command that is typed from a page must not be refused."""
    for _, text in fences(path, "console"):
        for line in re.findall(r"^(?:\$ |.*&& )safecompress (.+)$", text, re.MULTILINE):
            name, *words = shlex.split(line)
            if name in {"--help", "--version"}:
                continue
            assert name in COMMANDS
            given = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert given <= options_of(command_of(name))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_yaml_on_pages_is_valid(path: Path, built_ins: Registry, tmp_path: Path) -> None:
    """Whole specs as they are, excerpts laid over the spec of the readme."""
    base = ROOT / "specs" / "multi_attack.yaml"
    for number, (title, text) in enumerate(fences(path, "yaml")):
        if title:
            continue
        assert text.partition(":")[0] in RunSpec.model_fields, "a file that is no spec has a title"
        spec = tmp_path / f"{number}.yaml"
        is_whole = text.startswith("version:")
        spec.write_text(text if is_whole else f"extends: {base}\n{text}", encoding="utf-8")

        load_any_spec(spec, registry=built_ins)


@pytest.mark.parametrize("path", [ROOT / "README.md", DOCS / "getting-started.md"])
def test_the_problems_that_are_shown_are_those_that_are_told(
    path: Path, built_ins: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Word for word, with line and column."""
    monkeypatch.chdir(tmp_path)
    spec = Path("specs/mine.yaml")
    spec.parent.mkdir()
    spec.write_text(titled(DOCS / "getting-started.md", str(spec)), encoding="utf-8")
    shown = next(text for _, text in fences(path, "console") if "specs/mine.yaml:" in text)

    with pytest.raises(SpecError) as told:
        load_spec(spec, registry=built_ins)

    assert shown.splitlines()[1:-1] == str(told.value).splitlines()
    assert shown.splitlines()[-1] == f"{len(told.value.problems)} problems in 1 spec"


@pytest.mark.parametrize(
    "path",
    [path for path in PAGES if EXAMPLE.search(path.read_text("utf-8"))],
    ids=lambda path: path.name,
)
def test_examples_on_pages_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the root of the repository, as a reader would try them."""
    pytest.importorskip("torch", exc_type=ImportError)
    monkeypatch.chdir(ROOT)
    outcome = doctest.testfile(str(path), module_relative=False, encoding="utf-8")

    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_tests_that_a_page_names_exist(path: Path) -> None:
    """A claim that a test shows something is worth no more than the test."""
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", path.read_text("utf-8")):
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), f"{file} has no {name}"


def anchors(path: Path) -> set[str]:
    """Return the targets of links in a page: its headings, as MkDocs and GitHub spell them."""
    headings = re.findall("^#+ (.+)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """To files of the repository, and to headings that they have."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        place, _, anchor = target.partition("#")
        file = (path.parent / place).resolve() if place else path
        assert file.is_file(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(file), f"{target} has no such heading"


def folders_of(tree: str) -> list[str]:
    """The folders of an indented tree, as paths from its root."""
    open_folders: list[tuple[int, str]] = []
    folders = []
    for line in tree.splitlines():
        found = re.match(r"( *)([a-z_]+)/( {2,}\S|$)", line)
        if found is None:
            continue
        depth = len(found[1])
        while open_folders and open_folders[-1][0] >= depth:
            open_folders.pop()
        open_folders.append((depth, found[2]))
        folders.append("/".join(name for _, name in open_folders))
    return folders


def test_the_tree_of_the_architecture_is_the_tree_of_the_packages() -> None:
    """Every folder of core and of the built-in plugins has its line, and no other has one."""
    text = page("architecture.md")
    tree = text.partition("## The layout")[2].partition("```text")[2].partition("```")[0]
    packages = [
        str(path.parent.relative_to(ROOT))
        for root in ("safecompress", "safecompress_core", "plugins/safecompress_plugins")
        for path in (ROOT / root).rglob("__init__.py")
    ]

    drawn = [folder for folder in folders_of(tree) if "safecompress" in folder]

    assert sorted(drawn) == sorted(packages)


def test_the_architecture_explains_every_import_rule() -> None:
    """The table has the name of each contract of import-linter."""
    text = page("architecture.md")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    rules = [one["name"] for one in project["tool"]["importlinter"]["contracts"]]

    assert [rule for rule in rules if f"| {rule} |" not in text] == []


def test_the_plugin_of_the_readme_is_one() -> None:
    """The host would accept what its manifest registers."""
    _, source = next(fences(ROOT / "README.md", "python"))
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(source, "README.md", "exec"), names)  # noqa: S102  it is what a reader would run
    register = names["safecompress_attackers"]
    assert callable(register)

    [definition] = register()

    assert list(flaws_of(definition, Kind.ATTACKER)) == []


def test_the_plugin_of_the_tutorial_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As printed on the page, it finds a planted leak and nothing without one."""
    pytest.importorskip("torch", exc_type=ImportError)
    from safecompress_core.testing import AttackerConformance

    package = tmp_path / "acme_attacks"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("manifest.py", "margin.py"):
        source = titled(DOCS / "writing-plugins.md", f"src/acme_attacks/{name}")
        (package / name).write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    manifest = importlib.import_module("acme_attacks.manifest")
    try:
        [definition] = manifest.safecompress_attackers()
        assert isinstance(definition, AttackerDef)
        kit = type("Kit", (AttackerConformance,), {"definition": definition})()

        kit.test_it_finds_a_planted_leak()
        kit.test_it_finds_nothing_where_there_is_nothing()
        kit.test_its_parameters_have_a_schema_that_explains_each()
        assert created(definition).threshold is None
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "acme_attacks"]:
            del sys.modules[name]


def test_the_factory_of_your_own_model_is_called_as_the_page_says(
    tmp_path: Path, built_ins: Registry
) -> None:
    """It makes a network from samples to logits, and the page's spec is valid."""
    torch = pytest.importorskip("torch", exc_type=ImportError)
    source = titled(DOCS / "your-own.md", "my_model.py")
    names: dict[str, Any] = {"__name__": "my_model"}
    exec(compile(source, "my_model.py", "exec"), names)  # noqa: S102  it is what a reader would run

    network = names["build"](input_shape=(84,), classes=3, generator=torch.Generator(), width=64)

    assert network(torch.zeros(2, 84)).shape == (2, 3)
    spec = tmp_path / "my_model.yaml"
    spec.write_text(titled(DOCS / "your-own.md", "my_model.yaml"), encoding="utf-8")
    assert load_spec(spec, registry=built_ins, allow_code=True).spec.name == "my-model"


def created(definition: Definition) -> object:
    """The model that a run would build from it."""
    origin = Origin(plugin="attacks", distribution="acme-attacks", version="0.1.0")
    return Registry([(definition, origin)]).create(definition.params())
