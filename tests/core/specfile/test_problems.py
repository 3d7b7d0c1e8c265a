"""How a problem reads."""

from safecompress_core.specfile.problems import LocatedProblem, dotted_path


def test_a_problem_reads_as_place_field_message_hint() -> None:
    """The format that editors and terminals make clickable."""
    problem = LocatedProblem(
        "a.yaml", 14, 7, "attackers.1.type", "no such attacker", "did you mean 'b'?"
    )

    text = "a.yaml:14:7: attackers.1.type: no such attacker; did you mean 'b'?"
    assert str(problem) == text


def test_a_problem_of_the_whole_file_names_no_field() -> None:
    """There is no empty place between two colons."""
    problem = LocatedProblem("a.yaml", 1, 1, "", "the file is empty", "write a spec")

    assert str(problem) == "a.yaml:1:1: the file is empty; write a spec"


def test_problems_are_ordered_as_they_stand_in_the_file() -> None:
    """Line before column, as numbers."""
    places = [(10, 1), (9, 20), (9, 3)]
    problems = [LocatedProblem("a", line, column, "", "", "") for line, column in places]

    assert [(one.line, one.column) for one in sorted(problems)] == [(9, 3), (9, 20), (10, 1)]


def test_only_overrides_are_overrides() -> None:
    """Formats show them without a file to open."""
    assert LocatedProblem("--set a=b", 1, 1, "a", "", "").is_override
    assert not LocatedProblem("set.yaml", 1, 1, "a", "", "").is_override


def test_a_path_reads_with_dots() -> None:
    """List places are numbers."""
    assert dotted_path(("attackers", 1, "type")) == "attackers.1.type"
