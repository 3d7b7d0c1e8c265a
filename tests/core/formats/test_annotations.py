"""Problems as GitHub shows them."""

from safecompress_core.formats.annotations import as_annotations
from safecompress_core.specfile.problems import LocatedProblem
from tests.core.fixtures.problems import IN_FILE, OVERRIDE, WHOLE


def test_github_annotations_escape_what_the_runner_would_read() -> None:
    """Percent signs and newlines in the text, colons and commas in properties too."""
    odd = LocatedProblem("a,b:c.yaml", 1, 2, "x", "50%", "y: z, w")

    assert as_annotations((IN_FILE, odd)).splitlines() == [
        "::error file=specs/my spec.yaml,line=14,col=7,title=attackers.1.type::"
        "no such attacker: 100%25; try, 'b'%0A    so",
        "::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=x::50%25; y: z, w",
    ]


def test_github_annotations_without_a_file_say_where_in_words() -> None:
    """An override is on the command line; a problem of the whole file has no field."""
    assert as_annotations((OVERRIDE, WHOLE)).splitlines() == [
        "::error title=seed::--set seed=-1: -1 is less than 0; write a number",
        "::error file=/specs/a.yaml,line=1,col=1,title=spec::the file is empty; write a spec",
    ]
