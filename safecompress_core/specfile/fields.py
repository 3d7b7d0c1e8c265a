"""Fields of nested models: the annotation and description at a path."""

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from safecompress_core.field_docs import field_docs
from safecompress_core.specfile.models.components import TAG, Choice, Nested
from safecompress_core.specfile.problems import SpecPath

__all__ = ["Place", "field_names", "find_marked", "locate"]

SERIES = (list, tuple, set, frozenset, Sequence)
TABLES = (dict, Mapping)


@dataclass(frozen=True, slots=True)
class Place:
    """Declaration of a value in a model.

    Attributes:
        annotation: its type.
        marks: what ``Annotated`` and ``Field`` add to it.
        field: the model and the name, if it is a field.
    """

    annotation: Any
    marks: tuple[Any, ...] = ()
    field: "tuple[type[BaseModel], str] | None" = None

    @property
    def description(self) -> str:
        """Return the field's description; empty without one."""
        if self.field is None:
            return ""
        model, name = self.field
        attribute = _attribute(model, name)
        # The docstring is looked up last, since it needs the class's source.
        return model.model_fields[attribute].description or field_docs(model).get(attribute, "")

    def plain(self) -> "Place":
        """This place without aliases, ``Annotated`` and ``| None``."""
        # A type alias (PEP 695) holds its type in __value__.
        if hasattr(self.annotation, "__value__"):
            return Place(self.annotation.__value__, self.marks, self.field).plain()
        if get_origin(self.annotation) is Annotated:
            inner, *given = get_args(self.annotation)
            marks = [mark for annotation in given for mark in _marks_of(annotation)]
            return Place(inner, (*self.marks, *marks), self.field).plain()
        # Nested models are expanded with their components, as pydantic sees them.
        for mark in self.marks:
            if isinstance(mark, Nested):
                model = mark.components.expand(mark.model)
                return Place(model, field=self.field)
        # `X | None` has one member, and is treated as X.
        if len(members := self.members()) == 1:
            return Place(members[0], self.marks, self.field).plain()
        return self

    def members(self) -> tuple[Any, ...]:
        """The types of a union but ``None``; nothing if this is no union."""
        if get_origin(self.annotation) not in (Union, types.UnionType):
            return ()
        return tuple(
            argument for argument in get_args(self.annotation) if argument is not type(None)
        )

    def alternatives(self) -> "list[Place]":
        """The places of a union's members; this one alone if it is none."""
        members = self.members()
        if not members:
            return [self]
        return [Place(member, self.marks, self.field).plain() for member in members]

    def below(self, step: str | int) -> "Place | None":
        """Return the declaration of a field, a key or an item of the value."""
        # A tag names the branch of a union of components.
        if isinstance(step, str) and step.startswith(TAG):
            choice = next(mark for mark in self.marks if isinstance(mark, Choice))
            return Place(choice.components.models(choice.slot)[step.removeprefix(TAG)])
        if _is_model(self.annotation):
            is_field = str(step) in _fields(self.annotation)
            return _place_of(self.annotation, str(step)) if is_field else None
        origin, arguments = get_origin(self.annotation), get_args(self.annotation)
        if isinstance(step, int) and origin in SERIES and arguments:
            # tuple[int, str] has a type for each place, tuple[int, ...] one for all.
            is_fixed = origin is tuple and arguments[-1] is not ...
            return Place(arguments[min(step, len(arguments) - 1) if is_fixed else 0])
        if isinstance(step, str) and origin in TABLES and arguments:
            return Place(arguments[1])
        return None


def locate(model: type[BaseModel], loc: Iterable[str | int]) -> tuple[SpecPath, list[Place]]:
    """The spec's path for pydantic's location of an error, and what is declared there.

    A location also names the branch of every union on its way, which a spec does not.

    Returns:
        The path, and a place for each branch that may be meant; none if nothing is declared.
    """
    path: list[str | int] = []
    places = [Place(model)]
    for step in loc:
        if any(place.members() for place in places):
            places = [alternative for place in places for alternative in place.alternatives()]
            continue
        # A tag and '[key]' are steps of pydantic's that a spec does not have.
        if not (isinstance(step, str) and (step.startswith(TAG) or step == "[key]")):
            path.append(step)
        below = [place.below(step) for place in places]
        places = [place.plain() for place in below if place is not None]
    return tuple(path), [alternative for place in places for alternative in place.alternatives()]


def field_names(places: Iterable[Place]) -> list[str]:
    """The fields that a mapping may have at one of these places, in the order of the model."""
    models = [place.annotation for place in places if _is_model(place.annotation)]
    # dict.fromkeys keeps the order of the model and removes duplicates.
    return list(dict.fromkeys(name for model in models for name in _fields(model)))


def find_marked(value: Any, mark: type, path: SpecPath = ()) -> Iterator[tuple[SpecPath, Any]]:
    """Every value below a model whose declaration carries a mark of this type, with its path."""
    if isinstance(value, BaseModel):
        for name in _fields(type(value)):
            attribute = getattr(value, _attribute(type(value), name))
            yield from _find_marked(attribute, _place_of(type(value), name), mark, (*path, name))


def _find_marked(
    value: Any, place: Place, mark: type, path: SpecPath
) -> Iterator[tuple[SpecPath, Any]]:
    if value is None:
        return
    place = next(
        (alternative for alternative in place.plain().alternatives() if _fits(value, alternative)),
        place,
    )
    if any(isinstance(value_mark, mark) for value_mark in place.marks):
        yield path, value
    elif isinstance(value, BaseModel):
        yield from find_marked(value, mark, path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _find_marked(item, place.below(str(key)) or Place(Any), mark, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _find_marked(item, place.below(index) or Place(Any), mark, (*path, index))


def _fits(value: Any, place: Place) -> bool:
    """Return whether a value was parsed as this member of a union."""
    if get_origin(place.annotation) is Literal:
        return value in get_args(place.annotation)
    origin = get_origin(place.annotation) or place.annotation
    if origin is Any or not isinstance(origin, type):
        # Any, and forms that isinstance cannot check, fit everything.
        return True
    return isinstance(value, origin)


def _marks_of(mark: Any) -> list[Any]:
    """Return the metadata of a ``Field`` inside an annotation; any other mark as it is."""
    return list(mark.metadata) if isinstance(mark, FieldInfo) else [mark]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


@lru_cache(maxsize=1024)
def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields by the name that a spec gives them; ``type`` comes first."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    # `type` first, where readers look for it; False sorts before True.
    return {name: fields[name] for name in sorted(fields, key=lambda name: name != "type")}


def _attribute(model: type[BaseModel], name: str) -> str:
    fields = model.model_fields.items()
    return next(attribute for attribute, field in fields if name == (field.alias or attribute))


# Cached: locating errors and marks asks for the same fields repeatedly.
@lru_cache(maxsize=4096)
def _place_of(model: type[BaseModel], name: str) -> Place:
    field = _fields(model)[name]
    return Place(field.annotation, tuple(field.metadata), (model, name)).plain()
