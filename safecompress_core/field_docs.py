"""Docstrings of a model's fields, read from its source on demand.

pydantic's ``use_attribute_docstrings`` parses the source of each class when it is defined, which
costs more than the class itself; only a JSON Schema and a few messages need the text.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from pydantic import BaseModel

__all__ = ["field_docs"]

Docs = dict[str, str]


def field_docs(model: type[BaseModel]) -> Docs:
    """Return the docstring of each field that has one, inherited ones included.

    A field that is declared anew without a docstring keeps that of the parent.

    >>> from safecompress_core.api import AttackerParams
    >>> field_docs(AttackerParams)["id"]
    'What results call this attacker; by default its type.'
    """
    docs: Docs = {}
    # From the root of the hierarchy, so that a subclass's docstring wins.
    for parent in reversed(model.__mro__):
        if issubclass(parent, BaseModel) and parent is not BaseModel:
            docs |= _classes_of(parent.__module__).get(parent.__qualname__, {})
    return {name: text for name, text in docs.items() if name in model.model_fields}


@cache
def _classes_of(module: str) -> dict[str, Docs]:
    """Return the documented fields of a module's classes, by qualified name.

    A module without source has none.
    """
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    # Generated classes and compiled modules have no source.
    except (KeyError, OSError, TypeError, SyntaxError):
        return {}
    return dict(_classes_in(tree))


def _classes_in(node: ast.AST, scope: str = "") -> Iterator[tuple[str, Docs]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield f"{scope}{child.name}", dict(_documented(child))
            yield from _classes_in(child, f"{scope}{child.name}.")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            # Classes in functions are qualified with <locals>, as Python does it.
            yield from _classes_in(child, f"{scope}{child.name}.<locals>.")
        elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _classes_in(child, scope)


def _documented(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    # A field's docstring is the expression right after it.
    for statement, follower in pairwise(node.body):
        match statement, follower:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)
