"""SafeCompress finds the installed plugin, and accepts a spec that names it."""

import json
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / "specs" / "example.yaml"


def safecompress(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, as a user calls it."""
    program = "from safecompress_core.cli import main; main()"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_listed_with_its_distribution() -> None:
    """List the definition: its entry point exists and the host accepts it."""
    outcome = safecompress("plugins", "list", "--kind", "attacker", "--json")

    rows = {row["name"]: row["distribution"] for row in json.loads(outcome.stdout)}
    assert rows["confidence-gap"] == "safecompress-example-attacker"


def test_the_example_spec_is_valid() -> None:
    """A spec names it like any built-in attack, parameters included."""
    outcome = safecompress("validate", str(EXAMPLE))

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_a_parameter_out_of_range_is_a_problem_of_the_spec(tmp_path: Path) -> None:
    """Its own parameters are checked as strictly as those of a built-in."""
    spec = tmp_path / "wrong.yaml"
    spec.write_text(EXAMPLE.read_text().replace("prior: 20", "prior: -1"))

    outcome = safecompress("validate", str(spec))

    assert outcome.returncode == 1
    assert "prior" in outcome.stdout + outcome.stderr
