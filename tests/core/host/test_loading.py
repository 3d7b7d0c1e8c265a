"""Loading: plugins one by one, with a reason for each skipped one and an origin for all."""

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.api import Kind, hookimpl
from safecompress_core.errors import PluginError, SafeCompressError
from safecompress_core.host import Origin, PluginHost, load_plugins

Install = Callable[..., None]

ATTACKER = """
from safecompress_core.api import BLACK_BOX, AttackerDef, Need, AttackerParams, hookimpl

class TheParams(AttackerParams):
    depth: int = 1

@hookimpl
def safecompress_attackers():
    yield AttackerDef(
        name="{name}", params=TheParams, target="{target}", summary="An attack.",
        game="membership", needs=BLACK_BOX, api={api},
    )
"""


GAMES = "from safecompress_core.manifest import safecompress_games"
"""The source of a plugin with the built-in games."""


def attacker(name: str = "probe", *, target: str = "acme:Attack", api: int = 1) -> str:
    """The source of a plugin with one attacker."""
    return ATTACKER.format(name=name, target=target, api=api)


def load(environ: Mapping[str, str] | None = None, **options: Any) -> PluginHost:
    """The host as tests see it: nothing from this process's own environment."""
    return load_plugins(environ=environ or {}, **options)


def acme(host: PluginHost) -> dict[str, str]:
    """Reasons why plugins of the tests' distributions were skipped, by entry point."""
    return {
        one.origin.plugin: one.reason
        for one in host.skipped
        if one.origin.distribution.startswith(("acme", "bolt"))
    }


def test_an_installed_plugin_is_found_with_its_origin(install: Install) -> None:
    """A definition comes with the entry point, distribution and version that provide it."""
    install("acme-attacks", "0.3", attacks=attacker("probe"))

    registry = load().registry

    definition = registry.get(Kind.ATTACKER, "probe")
    assert definition.target == "acme:Attack"
    assert registry.origin(definition) == Origin(
        plugin="attacks", distribution="acme-attacks", version="0.3"
    )


def test_a_plugin_that_fails_to_import_costs_no_other(install: Install) -> None:
    """It is skipped with its reason, in the words that a user is shown."""
    install("acme-attacks", "0.3", attacks="import acme_core")
    install("bolt", attacks=attacker("probe"))

    host = load()

    assert "probe" in host.registry.definitions(Kind.ATTACKER)
    [skipped] = [s for s in host.skipped if s.origin.distribution == "acme-attacks"]
    assert (
        str(skipped) == "acme-attacks 0.3: attacks "
        "(ModuleNotFoundError: No module named 'acme_core')"
    )


HEAD = "from safecompress_core.api import hookimpl\n"
BROKEN = {
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "syntax": ("def", "SyntaxError"),
    "hookless": ("def safecompress_attackers(): return []", "was @hookimpl forgotten?"),
    "unknown_hook": (
        HEAD + "@hookimpl\ndef safecompress_atackers(): return []",
        "there is no hook safecompress_atackers; there are: safecompress_data",
    ),
    "raising_hook": (
        attacker() + "\n@hookimpl\ndef safecompress_data():\n    yield 1 / 0",
        "ZeroDivisionError",
    ),
    "wrong_argument": (
        HEAD + "@hookimpl\ndef safecompress_attackers(config): return []",
        "{'config'} are declared in the hookimpl but can not be found",
    ),
    "wrapper": (
        HEAD + "@hookimpl(wrapper=True)\ndef safecompress_attackers():\n    return (yield)",
        "is a wrapper",
    ),
    "wrong_kind": (
        attacker().replace("safecompress_attackers", "safecompress_metrics"),
        "safecompress_metrics returned AttackerDef where MetricDef belongs",
    ),
    "newer": (attacker(api=2), "'probe' is written for version 2 of the plugin interface"),
    "name": (attacker("My Probe"), "'My Probe' is no name for a component"),
    "target": (attacker(target="acme.Attack"), "write 'package.module:Class'"),
    "params": (
        attacker().replace("class TheParams(AttackerParams)", "class TheParams"),
        "the params of 'probe' are no subclass of safecompress_core.api.Params",
    ),
    "references": (
        attacker().replace("needs=BLACK_BOX", "needs=BLACK_BOX | {Need.REFERENCES}"),
        "'probe' needs reference models, so its params are a ReferenceAttackerParams",
    ),
    "versions": (
        attacker().replace("needs=BLACK_BOX", "needs=BLACK_BOX | {Need.VERSIONS}"),
        "'probe' needs other versions, so its params are a VersionsAttackerParams",
    ),
    "gradients": (
        attacker().replace("needs=BLACK_BOX", "needs=BLACK_BOX | {Need.GRADIENTS}"),
        "'probe' needs gradients of samples, so its params are a GradientAttackerParams",
    ),
    "needs": (
        attacker().replace("needs=BLACK_BOX", "needs=BLACK_BOX | {'luck'}"),
        "'probe' needs luck; needs are members of safecompress_core.api.Need",
    ),
    "game": (
        attacker().replace("membership", "membrship"),
        "the attacker 'probe' plays 'membrship', which is no registered game; "
        "did you mean 'membership'?",
    ),
    "params_of_game": (
        attacker().replace("membership", "attribute"),
        "the attacker 'probe' plays 'attribute', so its params are a AttributeAttackerParams",
    ),
    "no_advantage": (
        HEAD + "from safecompress_core.api import GameDef\n"
        "@hookimpl\ndef safecompress_games():\n    yield GameDef(name='probe', target='acme:Game', "
        "summary='A game.', question='?', advantage='', measures=(), baselines=())",
        "the game 'probe' has no measure 'advantage'",
    ),
    "parts": (
        HEAD + "from safecompress_core.api import AttackerParams, CombinedAttackerDef\n"
        "@hookimpl\ndef safecompress_attackers():\n    yield CombinedAttackerDef(name='probe', "
        "params=AttackerParams, target='acme:Attack', summary='Several.')",
        "'probe' is made of others, so its params are a CombinedAttackerParams",
    ),
    "type_field": (
        attacker().replace("depth: int = 1", "type: str = 'x'"),
        "have a field 'type'",
    ),
    "summary": (attacker().replace("An attack.", ""), "the summary of 'probe' is not one line"),
    "twice": (
        attacker().replace("    yield", "    for _ in range(2): yield"),
        "it defines the attacker 'probe' twice",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_skipped_whole_with_its_reason(install: Install, case: str) -> None:
    """For any failure; all definitions of other plugins are used."""
    source, reason = BROKEN[case]
    install("acme", **{case: source})
    install("bolt", fine=attacker("sound"))

    host = load()

    assert reason in acme(host)[case]
    attackers = host.registry.definitions(Kind.ATTACKER)
    assert "sound" in attackers
    assert "probe" not in attackers


def test_a_damaged_entry_point_file_costs_only_its_own_plugins(
    install: Install, tmp_path: Path
) -> None:
    """``importlib.metadata.entry_points()`` would raise here, for every plugin there is."""
    install("acme", broken="")
    (tmp_path / "acme-1.0.dist-info" / "entry_points.txt").write_text("[safecompress]\nbroken\n")
    install("bolt", fine=attacker("sound"))

    host = load()

    assert "sound" in host.registry.definitions(Kind.ATTACKER)
    assert list(acme(host)) == ["entry_points.txt"]


def test_a_distribution_without_metadata_is_still_named(install: Install, tmp_path: Path) -> None:
    """Half-removed packages are common; they must not stop anything."""
    install("acme", attacks=attacker("probe"))
    (tmp_path / "acme-1.0.dist-info" / "METADATA").unlink()

    registry = load().registry

    assert registry.origin(registry.get(Kind.ATTACKER, "probe")).plugin == "attacks"


def test_a_distribution_hides_its_double_further_down_the_path(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for imports: an older copy elsewhere is no conflict."""
    install("acme", "2.0", attacks=attacker("probe"))
    info = tmp_path / "older" / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[safecompress]\nattacks = acme_attacks\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "older")])

    host = load()

    assert [o.version for o in host.plugins if o.distribution == "acme"] == ["2.0"]
    assert acme(host) == {}


def test_a_second_entry_point_of_the_same_name_is_not_skipped_in_silence(
    install: Install, tmp_path: Path
) -> None:
    """The loader of pluggy itself passes over it without a word."""
    install("acme", attacks=attacker("probe"))
    (tmp_path / "acme_more.py").write_text(attacker("other"))
    with (tmp_path / "acme-1.0.dist-info" / "entry_points.txt").open("a") as file:
        file.write("attacks = acme_more\n")

    host = load()

    assert acme(host) == {"attacks": "its distribution has another entry point of this name"}
    assert "probe" in host.registry.definitions(Kind.ATTACKER)


def test_two_distributions_may_use_the_same_entry_point_name(install: Install) -> None:
    """Distribution and entry point together identify a plugin."""
    install("acme", attacks=attacker("probe"))
    install("bolt", attacks=attacker("other"))

    host = load()

    assert {"acme:attacks", "bolt:attacks"} <= {origin.name for origin in host.plugins}
    assert {"probe", "other"} <= set(host.registry.definitions(Kind.ATTACKER))


def test_one_module_behind_two_entry_points_is_used_once(install: Install, tmp_path: Path) -> None:
    """The second is skipped and names the first."""
    install("acme", attacks=attacker("probe"))
    with (tmp_path / "acme-1.0.dist-info" / "entry_points.txt").open("a") as file:
        file.write("zweite = acme_attacks\n")

    assert acme(load()) == {"zweite": "it is the same object as acme:attacks"}


def test_two_definitions_of_one_name_name_both_distributions(install: Install) -> None:
    """Order does not decide, and the hint is to rename or block one of them."""
    install("acme", "0.3", attacks=attacker("probe"))
    install("bolt", "2.1", extra=attacker("probe"))

    with pytest.raises(PluginError) as caught:
        load()

    assert str(caught.value) == (
        "bolt 2.1: extra: the attacker 'probe' is already defined by acme:attacks 0.3; "
        "rename one of them, or set SAFECOMPRESS_BLOCK_PLUGINS=bolt"
    )
    assert "probe" in load({"SAFECOMPRESS_BLOCK_PLUGINS": "bolt"}).registry.definitions(
        Kind.ATTACKER
    )


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {"probe", "other"}),
        ({"SAFECOMPRESS_PLUGINS": "Acme_Attacks"}, {"probe"}),
        ({"SAFECOMPRESS_PLUGINS": "acme-attacks, bolt"}, {"probe", "other"}),
        ({"SAFECOMPRESS_PLUGINS": ""}, set()),
        ({"SAFECOMPRESS_BLOCK_PLUGINS": "ACME.attacks"}, {"other"}),
        ({"SAFECOMPRESS_PLUGINS": "bolt", "SAFECOMPRESS_BLOCK_PLUGINS": "bolt"}, set()),
    ],
)
def test_distributions_are_allowed_and_blocked_by_name(
    install: Install, environ: dict[str, str], expected: set[str]
) -> None:
    """Names are compared as package indexes do; blocking wins."""
    install("acme-attacks", attacks=attacker("probe"))
    install("bolt", attacks=attacker("other"))

    host = load(environ)

    assert {"probe", "other"} & set(host.registry.definitions(Kind.ATTACKER)) == expected


def test_a_blocked_plugin_is_not_even_imported(install: Install) -> None:
    """Blocking helps against a plugin that does harm by being loaded; strictness accepts it."""
    install("acme", attacks="raise RuntimeError('loaded')")

    host = load({"SAFECOMPRESS_BLOCK_PLUGINS": "acme", "SAFECOMPRESS_STRICT_PLUGINS": "1"})

    assert acme(host) == {"attacks": "blocked by SAFECOMPRESS_BLOCK_PLUGINS"}
    assert not [s for s in host.skipped if s.origin.distribution == "acme" and s.is_broken]


def test_our_own_plugins_need_no_allowance(install: Install) -> None:
    """An allow list is about third parties: without the built-ins nothing would run."""
    install("safecompress", "9.9", spare=attacker("own"), games=GAMES)
    install("acme", attacks=attacker("probe"))

    attackers = load({"SAFECOMPRESS_PLUGINS": "nobody"}).registry.definitions(Kind.ATTACKER)

    assert "own" in attackers
    assert "probe" not in attackers


def test_strictness_turns_breakage_into_an_error(install: Install) -> None:
    """The error names all broken plugins, the first one's error as its own."""
    install("acme", "0.3", attacks="import acme_core")
    install("bolt", "1.0", attacks="1 / 0")

    with pytest.raises(PluginError) as caught:
        load({"SAFECOMPRESS_STRICT_PLUGINS": "1"})

    assert (caught.value.plugin, caught.value.distribution) == ("attacks", "acme 0.3")
    assert "No module named 'acme_core'" in str(caught.value)
    assert "bolt 1.0: attacks (ZeroDivisionError: division by zero)" in str(caught.value)


def test_strictness_is_said_with_one_or_zero() -> None:
    """``yes`` is refused rather than taken for no."""
    with pytest.raises(SafeCompressError, match="SAFECOMPRESS_STRICT_PLUGINS is 'yes'; write 1"):
        load({"SAFECOMPRESS_STRICT_PLUGINS": "yes"})


def test_single_file_plugins_are_loaded_from_a_folder(install: Install, tmp_path: Path) -> None:
    """The file names itself as target; a file that starts with an underscore is left alone."""
    pytest.importorskip("torch", reason="classes of the interface need torch")
    del install  # only for its clean-up
    folder = tmp_path / "mine"
    folder.mkdir()
    source = attacker("probe", target="X").replace('"X"', 'f"{__name__}:TheParams.model_dump"')
    source = source.replace(":TheParams.model_dump", ":Probe")
    source += """
from safecompress_core.toolkit import Attacker
class Probe(Attacker):
    def __init__(self, params): self.depth = params.depth
    def fit(self, known, *, generator): ...
    def score(self, evidence): ...
"""
    (folder / "probe.py").write_text(source)
    (folder / "_not_a_plugin.py").write_text("raise RuntimeError")

    registry = load(plugins_dir=folder).registry

    definition = registry.get(Kind.ATTACKER, "probe")
    assert registry.create(definition.params(depth=4)).depth == 4
    origin = registry.origin(definition)
    assert (origin.plugin, origin.distribution) == ("probe.py", str(folder))


def test_the_version_of_a_single_file_follows_its_content(install: Install, tmp_path: Path) -> None:
    """Results that an edited file produced are not taken for those of the earlier one."""
    del install
    versions = []
    for name in ("first", "second"):
        (tmp_path / "plugin.py").write_text(attacker(name))
        [origin] = [o for o in load(plugins_dir=tmp_path).plugins if o.plugin == "plugin.py"]
        versions.append(origin.version)

    assert len(set(versions)) == 2


def test_a_broken_file_leaves_nothing_behind(install: Install, tmp_path: Path) -> None:
    """Not even a half-made module that a later import would find."""
    del install
    (tmp_path / "plugin.py").write_text("value = 1\nraise RuntimeError('halfway')")

    host = load(plugins_dir=tmp_path)

    assert [s.reason for s in host.skipped if s.origin.plugin == "plugin.py"] == [
        "RuntimeError: halfway"
    ]
    assert "safecompress_file_plugin" not in sys.modules


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """A mistyped folder is no empty one."""
    with pytest.raises(SafeCompressError, match="there is no folder .*nowhere"):
        load(plugins_dir=tmp_path / "nowhere")


class Diary:
    """An observer that records its events, and tries to change them."""

    def __init__(self) -> None:
        self.pages: list[Any] = []

    @hookimpl
    def safecompress_round_finished(self, event: dict[str, Any]) -> None:
        self.pages.append(event["round"])
        event["round"] = "changed"
        event["candidates"].clear()

    @hookimpl
    def safecompress_run_finished(self) -> None:
        self.pages.append("end")


class Clumsy:
    """An observer that always raises."""

    @hookimpl
    def safecompress_round_finished(self, event: Mapping[str, Any]) -> None:
        raise RuntimeError("no disk")


def test_an_observer_is_told_its_events_and_cannot_change_them() -> None:
    """Each gets a copy; events without a hook reach no one."""
    host, diary, second = PluginHost([]), Diary(), Diary()
    host.add_observer("diary", diary)
    host.add_observer("second", second)
    event = {"event": "round_finished", "round": 3, "candidates": [1, 2]}

    host.notify(event)
    host.notify({"event": "run_finished"})
    host.notify({"event": "checkpoint_written"})

    assert diary.pages == second.pages == [3, "end"]
    assert event == {"event": "round_finished", "round": 3, "candidates": [1, 2]}


def test_an_observer_that_raises_is_logged_by_name_and_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The others still get the event."""
    host, diary = PluginHost([]), Diary()
    host.add_observer("diary", diary)
    host.add_observer("clumsy", Clumsy())

    with caplog.at_level(logging.WARNING):
        host.notify({"event": "round_finished", "round": 1, "candidates": []})

    assert diary.pages == [1]
    assert caplog.messages == ["observer clumsy failed: RuntimeError: no disk"]


def test_an_installed_observer_is_one_of_the_observers(install: Install) -> None:
    """Trackers are plugins like others."""
    install(
        "acme",
        tracker="from safecompress_core.api import hookimpl\nseen = []\n"
        "@hookimpl\ndef safecompress_run_started(event): seen.append(event['event'])",
        silent="from safecompress_core.api import hookimpl\n"
        "@hookimpl\ndef safecompress_attackers(): return []",
    )
    host = load_plugins(environ={})

    host.notify({"event": "run_started"})

    assert [name for name in host.observers if name.startswith("acme")] == ["acme:tracker"]
    assert sys.modules["acme_tracker"].seen == ["run_started"]


def test_an_object_without_lifecycle_hooks_is_no_observer() -> None:
    """A forgotten ``@hookimpl`` is an error when the observer is added."""
    host = PluginHost([])

    with pytest.raises(ValueError, match="'clock' has no lifecycle hook"):
        host.add_observer("clock", object())
    assert host.observers == ()
