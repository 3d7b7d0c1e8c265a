"""Problems in every format."""

import json

import pytest

from safecompress_core.formats import FORMATS, render


def test_no_problems_are_no_lines_or_an_empty_document() -> None:
    """A machine gets a document in any case, a person and a runner nothing."""
    assert [render((), name) for name in ("text", "github")] == ["", ""]
    assert json.loads(render((), "json")) == {"problems": []}
    assert json.loads(render((), "sarif"))["runs"][0]["results"] == []


def test_there_is_no_other_format() -> None:
    """The command line offers exactly these."""
    assert list(FORMATS) == ["text", "json", "github", "sarif"]
    with pytest.raises(KeyError):
        render((), "xml")
