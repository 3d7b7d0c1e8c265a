"""The layout of core and of its tests: each module has its mirror, and no folder is crowded."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE, TESTS = ROOT / "safecompress_core", ROOT / "tests" / "core"
MOST = 16
"""Python files that a folder of core may have."""


def defines_anything(path: Path) -> bool:
    """Whether a module has functions or classes of its own, and no names of others alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(one, ast.FunctionDef | ast.ClassDef) for one in tree.body)


def mirror_of(module: Path) -> Path:
    """Where the tests of a module are; ``test_init.py`` for a package's own."""
    name = "init" if module.name == "__init__.py" else module.stem
    return TESTS / module.relative_to(CORE).with_name(f"test_{name}.py")


def names(paths: set[Path]) -> list[str]:
    """Paths from the root, in order."""
    return sorted(str(path.relative_to(ROOT)) for path in paths)


MODULES = {path for path in CORE.rglob("*.py") if path.name != "__init__.py"}
PACKAGES = set(CORE.rglob("__init__.py"))


def test_each_module_has_a_file_of_tests() -> None:
    """At the same place in tests/core; also each package that defines something itself."""
    tested = MODULES | {path for path in PACKAGES if defines_anything(path)}

    assert names({path for path in map(mirror_of, tested) if not path.is_file()}) == []


def test_each_file_of_tests_mirrors_a_module() -> None:
    """Tests of documents, specs and whole commands have folders of their own."""
    mirrors = set(map(mirror_of, MODULES | PACKAGES))

    assert names(set(TESTS.rglob("test_*.py")) - mirrors) == []


def test_no_folder_of_core_is_crowded() -> None:
    """Whoever opens one sees at a glance what is in it."""
    counts = {path.parent: len(list(path.parent.glob("*.py"))) for path in PACKAGES}

    assert {str(folder.relative_to(ROOT)): n for folder, n in counts.items() if n > MOST} == {}
