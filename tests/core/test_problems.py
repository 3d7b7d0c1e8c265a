"""A problem, seen from a component and from the spec that holds it."""

from safecompress_core.problems import Problem


def test_a_problem_within_a_spec_continues_its_path() -> None:
    """What is wrong, and whether it is the key, stay as they are."""
    problem = Problem(("density",), "it is too low", "ask for more", at_key=True)

    found = problem.within("method", "student")

    assert found.path == ("method", "student", "density")
    assert (found.message, found.hint, found.at_key) == ("it is too low", "ask for more", True)
