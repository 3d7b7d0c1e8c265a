"""The command line that a run was started with."""

import json
import shlex

from safecompress_core.results.command_line import Invocation


def test_it_is_plain_json_that_a_shell_takes_apart_again() -> None:
    """Words with blanks included."""
    words = ["safecompress", "run", "my spec.yaml", "--set", "name=it's"]
    invocation = Invocation(line=shlex.join(words), directory="/home/me")

    found = json.loads(json.dumps(invocation.to_json()))

    assert shlex.split(found["line"]) == words
    assert found == {"line": shlex.join(words), "directory": "/home/me"}
