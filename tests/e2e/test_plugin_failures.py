"""Plugins that go wrong: one line that names the plugin, exit code 2, and before training."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from safecompress_core.cli import cli

SPEC = """\
version: 1
name: odd
task: {{data: {{type: handwriting}}, model: {{type: mlp, hidden: [8]}}}}
training: {{epochs: 1}}
method:
  type: test-driven
  field: 1
  twins: false
  density: 0.2
  rounds: 1
  strategies: [{{prune: {{type: magnitude}}, grow: {{type: {grow}}}}}]
  defences: [{defence}]
attackers: [{{type: entropy}}]
metrics: [{{type: accuracy}}{metric}]
audit:
  attackers:
    - {{type: {attacker}}}
"""

PLUGIN = """\
import torch
from pydantic import model_validator
from safecompress_core.api import *
from safecompress_core.toolkit import *

class OddParams({base}):
    {check}

class Odd({interface}):
    def __init__(self, params): {init}
    {body}

@hookimpl
def {hook}():
    yield {definition}
"""
ATTACKER = {
    "base": "AttackerParams",
    "interface": "Attacker",
    "hook": "safecompress_attackers",
    "definition": (
        'AttackerDef(name="odd", params=OddParams, target=f"{__name__}:Odd", summary="Odd.", '
        'game="membership", needs=BLACK_BOX)'
    ),
}
OTHER = 'name="odd", params=OddParams, target=f"{__name__}:Odd", summary="Odd."'
KINDS = {
    "attacker": ATTACKER,
    "metric": {
        "base": "Params",
        "interface": "Metric",
        "hook": "safecompress_metrics",
        "definition": f"MetricDef({OTHER})",
    },
    "grow": {
        "base": "Params",
        "interface": "Grow",
        "hook": "safecompress_strategies",
        "definition": f"StrategyDef({OTHER}, role=Role.GROW)",
    },
    "defence": {
        "base": "DefenceParams",
        "interface": "Defence",
        "hook": "safecompress_defences",
        "definition": f"DefenceDef({OTHER})",
    },
}
FIT = "def fit(self, known, *, generator): pass\n    def score(self, evidence): "


def invoke(tmp_path: Path, kind: str, body: str, *options: str, check: str = "pass") -> Result:
    """What ``run`` does with a spec that names a plugin of this kind."""
    (tmp_path / "plugins").mkdir()
    init = "super().__init__()" if kind == "defence" else "pass"
    source = PLUGIN.format(**KINDS[kind], body=body, check=check, init=init)
    (tmp_path / "plugins" / "odd.py").write_text(source)
    named = {"attacker": "gap", "metric": "", "grow": "random", "defence": ""}
    named[kind] = {"metric": ", {type: odd}", "defence": "{type: odd}"}.get(kind, "odd")
    spec = tmp_path / "odd.yaml"
    spec.write_text(SPEC.format(**named))
    command = ["run", str(spec), "--plugins-dir", str(tmp_path / "plugins")]
    return CliRunner().invoke(cli, [*options, *command, "--runs-dir", str(tmp_path / "runs")])


@pytest.mark.parametrize(
    ("kind", "body", "place", "message"),
    [
        (
            "attacker",
            FIT + "return torch.full((len(evidence.seen.labels),), float('nan'))",
            "17:14: audit.attackers.0",
            "attacker 'odd': score() returned 718 NaN for 718 samples; it must return a tensor of "
            "shape (718,), without NaN",
        ),
        (
            "attacker",
            FIT + "raise ValueError('no')",
            "17:14: audit.attackers.0",
            "attacker 'odd': score() raised ValueError: no",
        ),
        (
            "attacker",
            FIT + "raise SystemExit(0)",
            "17:14: audit.attackers.0",
            "attacker 'odd': score() raised SystemExit: 0",
        ),
        (
            "metric",
            "def measure(self, subject): return 0.5",
            "14:36: metrics.1",
            "metric 'odd': measure() returned float; it must return an Estimate of finite numbers",
        ),
        (
            "grow",
            "def grow(self, topology, counts): return {}",
            "11:56: method.strategies.0.grow",
            "grow strategy 'odd': grow() raised TypeError: Odd.grow() got an unexpected keyword "
            "argument 'gradients'",
        ),
        (
            "defence",
            "def loss(self, step, loss): return loss * float('nan')",
            "12:21: method.defences.0",
            "defence 'odd': loss() returned nan for 8 samples and an untrained network; it must "
            "return a finite number",
        ),
    ],
)
def test_a_plugin_that_goes_wrong_is_named_before_training(
    tmp_path: Path, kind: str, body: str, place: str, message: str
) -> None:
    """With its place in the spec, its file, and what it did; nothing else is printed."""
    outcome = invoke(tmp_path, kind, body)

    line = outcome.stderr.strip()
    assert outcome.exit_code == 2
    assert line.startswith(
        f"error: {tmp_path / 'odd.yaml'}:{place}: {tmp_path / 'plugins'} sha256:"
    )
    assert line.endswith(f": odd.py: {message}")
    assert not (tmp_path / "runs").exists()


def test_verbose_shows_where_in_the_plugin(tmp_path: Path) -> None:
    """The traceback is for whoever writes it."""
    outcome = invoke(tmp_path, "attacker", FIT + "raise ValueError('no')", "-v")

    assert 'odd.py", line' in outcome.stderr
    assert outcome.exit_code == 2


@pytest.mark.parametrize("error", ["SystemExit(0)", "KeyError('x')"])
def test_parameters_that_end_the_command_are_told_with_their_plugin(
    tmp_path: Path, error: str
) -> None:
    """They are checked while a spec is validated, where nothing of the run exists yet."""
    check = f"@model_validator(mode='after')\n    def odd(self): raise {error}"

    outcome = invoke(tmp_path, "attacker", FIT + "pass", check=check)

    kind = error.partition("(")[0]
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(f"error: plugin odd.py: its code raised {kind}: ")


@pytest.mark.parametrize("error", ["SystemExit(0)", "KeyboardInterrupt()"])
def test_a_plugin_that_exits_when_it_is_imported_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """A warning names it, and what it would have provided is unknown."""
    # as in the program: it knows that nobody has sent an interrupt
    monkeypatch.setattr("safecompress_core.termination._listening", [True])

    outcome = invoke(tmp_path, "attacker", f"raise {error}")

    assert outcome.exit_code == 1
    assert f": odd.py ({error.partition('(')[0]}" in outcome.stderr
    assert "no attacker is called 'odd'" in outcome.stderr
