"""Docstrings of a model's fields."""

from pathlib import Path

from safecompress_core.api import Params
from safecompress_core.field_docs import field_docs
from safecompress_core.host.sources import files_in


class Parent(Params):
    """Fields with a docstring, without one, and with more than one line of it."""

    kept: int = 1
    """Stays."""
    redeclared: int = 1
    """Is declared anew below."""
    silent: int = 1
    wide: int = 1
    """Two
    lines."""
    "No docstring: it follows none of the fields."


class Child(Parent):
    """Declares fields of its parent anew, and one of its own."""

    kept: int = 2
    redeclared: int = 2
    """The child's."""
    own: int = 3
    """Own."""

    class Inner(Params):
        """Is a class of its own."""

        deep: int = 1
        """Deep."""

    def method(self) -> None:
        """No field."""


def test_a_docstring_belongs_to_the_field_before_it() -> None:
    """Lines are dedented as those of any docstring."""
    assert field_docs(Parent) == {
        "kept": "Stays.",
        "redeclared": "Is declared anew below.",
        "wide": "Two\nlines.",
    }


def test_docstrings_are_inherited() -> None:
    """A field that is declared anew without one keeps that of the parent."""
    assert field_docs(Child) == {
        **field_docs(Parent),
        "redeclared": "The child's.",
        "own": "Own.",
    }


def test_classes_in_classes_and_functions_have_their_own() -> None:
    """They are told apart by their qualified names."""

    class Local(Params):
        """Of a function."""

        near: int = 1
        """Near."""

    assert field_docs(Child.Inner) == {"deep": "Deep."}
    assert field_docs(Local) == {"near": "Near."}


def test_they_are_the_descriptions_in_the_json_schema() -> None:
    """Editors explain a spec by them."""
    properties = Child.model_json_schema()["properties"]

    assert properties["own"]["description"] == "Own."
    assert "description" not in properties["silent"]


def test_a_single_file_plugin_has_them_too(tmp_path: Path) -> None:
    """Its module is imported from a file, under a name of ours."""
    text = 'from safecompress_core import api\nclass P(api.Params):\n    a: int = 1\n    """A."""\n'
    (tmp_path / "documented.py").write_text(text, encoding="utf-8")
    (source,) = files_in(tmp_path)

    assert field_docs(source.load().P) == {"a": "A."}  # type: ignore[attr-defined]


def test_a_class_without_source_has_none() -> None:
    """As in an interactive session: nothing is explained, and nothing breaks."""
    made = type("Made", (Parent,), {"__module__": "acme_nowhere"})

    assert field_docs(made) == field_docs(Parent)
