"""Sources of plugins: entry points and folders."""

import hashlib
from pathlib import Path

import pytest

from safecompress_core.errors import SafeCompressError
from safecompress_core.host.sources import (
    Origin,
    Selection,
    SkippedPlugin,
    files_in,
    format_error,
    normalise_name,
)


def test_names_are_compared_as_indexes_do() -> None:
    """The examples of PEP 503."""
    names = [
        "friendly-bard",
        "Friendly-Bard",
        "FRIENDLY.BARD",
        "friendly_bard",
        "FrIeNdLy-._.-bArD",
    ]

    assert {normalise_name(name) for name in names} == {"friendly-bard"}


def test_an_error_is_one_line_with_its_type() -> None:
    """Also one without words."""
    assert format_error(ValueError("two\n  lines")) == "ValueError: two lines"
    assert format_error(SystemExit()) == "SystemExit"


@pytest.mark.parametrize(
    ("environ", "refused"),
    [
        ({}, []),
        ({"SAFECOMPRESS_PLUGINS": ""}, ["acme", "bolt"]),
        ({"SAFECOMPRESS_PLUGINS": " Acme ,"}, ["bolt"]),
        ({"SAFECOMPRESS_BLOCK_PLUGINS": "acme"}, ["acme"]),
        ({"SAFECOMPRESS_PLUGINS": "acme", "SAFECOMPRESS_BLOCK_PLUGINS": "ACME"}, ["acme", "bolt"]),
    ],
)
def test_a_selection_refuses_what_is_blocked_or_not_allowed(
    environ: dict[str, str], refused: list[str]
) -> None:
    """Blocking counts more; the own distribution needs no allowance."""
    selection = Selection.of(environ)

    found = [name for name in ("acme", "bolt", "SafeCompress") if selection.refusal(name)]

    assert found == refused


def test_strictness_is_one_or_zero() -> None:
    """A word that means neither is an error, and no silent 0."""
    assert [Selection.of({"SAFECOMPRESS_STRICT_PLUGINS": one}).is_strict for one in "01"] == [
        False,
        True,
    ]
    with pytest.raises(SafeCompressError, match="is 'yes'; write 1 or 0"):
        Selection.of({"SAFECOMPRESS_STRICT_PLUGINS": "yes"})


def test_files_of_a_folder_come_by_name_with_the_hash_of_their_content(tmp_path: Path) -> None:
    """Files that start with an underscore are left out; nothing is run before loading."""
    for name in ("b.py", "a.py", "_shared.py", "notes.txt"):
        (tmp_path / name).write_text("raise RuntimeError('was run')")

    found = list(files_in(tmp_path))

    assert [source.origin.plugin for source in found] == ["a.py", "b.py"]
    digest = hashlib.sha256(b"raise RuntimeError('was run')").hexdigest()
    assert digest.startswith(found[0].origin.version.removeprefix("sha256:"))
    with pytest.raises(RuntimeError, match="was run"):
        found[0].load()


def test_a_skipped_plugin_reads_as_package_entry_point_and_reason() -> None:
    """In the order in which a user looks for it."""
    origin = Origin(plugin="attacks", distribution="acme", version="0.3")

    assert str(SkippedPlugin(origin=origin, reason="ImportError")) == (
        "acme 0.3: attacks (ImportError)"
    )
    assert not origin.is_built_in
    assert Origin(plugin="core", distribution="Safe_Compress", version="1").name == (
        "Safe_Compress:core"
    )
