"""Runtime models: what a spec may write where a component belongs, from what is registered.

Decisions:

- A field marked with a ``Slot`` becomes a union, discriminated on ``type``, with one model a
  definition: a subclass of its parameters with ``type`` added and the definition attached.
- A component's model is built when a value first names it. A spec names some 20 of more than 100
  components, and building all of them would be the largest part of ``validate``. Only a JSON
  Schema needs complete unions.
- Unions and models are looked up when pydantic builds its schema, not when a class is made, so a
  component may hold components of its own kind.
- Inside, the union's tags begin with a NUL, so that a problem's path can leave them out and never
  loses a field of the same name.
- Numbers and booleans are strict: ``epochs: "200"`` and ``weight: true`` are mistakes.
- A whole number has an upper bound, its field's own or one for all.
"""

import dataclasses
import types
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    ClassVar,
    ForwardRef,
    Literal,
    NoReturn,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from annotated_types import Le, Lt
from pydantic import (
    BaseModel,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator, core_schema
from typing_extensions import TypeAliasType

from safecompress_core.api import (
    AttackerDef,
    CombinedAttackerDef,
    Definition,
    GameDef,
    Kind,
    Params,
    Role,
    Slot,
)

__all__ = [
    "MOST",
    "TAG",
    "UNKNOWN_COMPONENT",
    "Choice",
    "Components",
    "Definitions",
    "Nested",
    "attacker_of",
    "definition_of",
    "game_of",
]

TAG = "\0"
"""What the tags of component unions begin with, and no field's name does."""
MOST = 1_000_000_000
"""The bound of a whole number whose field states none; nothing that is counted needs more."""
UNKNOWN_COMPONENT = "unknown_component"
"""The error type of a ``type`` that is missing or not registered; its context has the names."""

Model = TypeVar("Model", bound=BaseModel)


class Definitions(Protocol):
    """Registry as the spec layer needs it."""

    def definitions(self, kind: Kind, role: Role | None = None) -> Mapping[str, Definition]:
        """All definitions of a kind, and role if it has roles, by name in name order."""

    def __hash__(self) -> int:
        """By identity: what is registered never changes."""


def definition_of(component: Params) -> Any:
    """The definition of a component that a spec holds, whose parameters are a runtime model."""
    # vars() instead of getattr: an inherited definition would be another component's.
    return vars(type(component))["definition"]


def attacker_of(component: Any) -> AttackerDef:
    """The definition of an attacker; of one that is made of others, with what these are."""
    definition: AttackerDef | CombinedAttackerDef = definition_of(component)
    if isinstance(definition, CombinedAttackerDef):
        return definition.of([attacker_of(part) for part in component.attackers])
    return definition


def game_of(component: Any) -> GameDef:
    """The game that an attacker plays; one that is made of others plays that of these."""
    if isinstance(definition_of(component), CombinedAttackerDef):
        return game_of(component.attackers[0])
    game: GameDef = vars(type(component))["game_played"]
    return game


class Components:
    """The runtime models of everything that a registry holds; made when first asked for.

    Args:
        registry: what is registered.
        is_complete: whether models hold the whole union of each slot, as a JSON Schema needs it,
            instead of a validator that builds what is named.
    """

    def __init__(self, registry: Definitions, *, is_complete: bool = False) -> None:
        self.is_complete = is_complete
        self._registry = registry
        self._models: dict[Slot, _Models] = {}
        self._validators: dict[tuple[Slot, str], SchemaValidator] = {}
        self._types: dict[Slot, Any] = {}
        self._nested: dict[type[BaseModel], type[BaseModel]] = {}

    def models(self, slot: Slot) -> "_Models":
        """The model of each component that fits a slot, by name; each is built when it is read."""
        if slot not in self._models:
            # Definitions only; models are built on access.
            definitions = self._registry.definitions(slot.kind, slot.role)
            self._models[slot] = _Models(slot, definitions, self)
        return self._models[slot]

    def validator(self, slot: Slot, name: str) -> SchemaValidator:
        """The validator of one component of a slot: a union of this one alone."""
        if (slot, name) not in self._validators:
            model = self.models(slot)[name]
            # Forward references are resolved when all classes exist.
            model.model_rebuild()
            self._validators[slot, name] = SchemaValidator(
                core_schema.tagged_union_schema(
                    # The tag is part of each error's location, as in a full union.
                    {TAG + name: model.__pydantic_core_schema__},
                    discriminator=_tag_of,
                )
            )
        return self._validators[slot, name]

    def expand(self, model: type[Model]) -> type[Model]:
        """The model with each slot in it, however deep, replaced by its union."""
        # Cached, so that recursive models end, and equal fields have one class.
        if model not in self._nested:
            self._nested[model] = self._subclass(model, model.__name__, model.__doc__, {})
        return self._nested[model]  # type: ignore[return-value]

    def component(self, definition: Definition, slot: Slot) -> type[Params]:
        """A new model of one component."""
        words = (slot.kind, slot.role or "", *definition.name.split("-"))
        title = "".join(word.title() for word in words)
        cites = f" {definition.cites}." if definition.cites else ""
        tag = Field(description=definition.summary)
        attached: dict[str, Definition] = {"definition": definition}
        if isinstance(definition, AttackerDef):
            # A registered attacker's game exists: the host has left out all others.
            attached["game_played"] = self._registry.definitions(Kind.GAME)[definition.game]
        return self._subclass(
            definition.params,
            title,
            f"{definition.summary}{cites}",
            {
                "type": (Literal[definition.name], tag),
                **{name: (ClassVar[Any], value) for name, value in attached.items()},
            },
        )

    def _subclass(
        self, model: type[Model], name: str, doc: str | None, added: dict[str, Any]
    ) -> type[Model]:
        # Rebuilt only if needed: it costs more than the check.
        if not all(_is_resolved(field.annotation) for field in model.model_fields.values()):
            model.model_rebuild()
        fields = {}
        for field_name, field in model.model_fields.items():
            expanded = self._field(field)
            # By identity: an unchanged field is inherited, which keeps its docstring.
            if expanded is not field:
                fields[field_name] = (expanded.annotation, expanded)
        return create_model(  # type: ignore[no-any-return, call-overload]
            name,
            __base__=model,
            __module__=model.__module__,
            __doc__=doc,
            # Built on first use.
            __cls_kwargs__={"defer_build": True},
            **fields,
            **added,
        )

    def _field(self, field: FieldInfo) -> FieldInfo:
        """The field with what is marked in it replaced; the very same if nothing is."""
        slot = _slot_in(field.metadata)
        annotation = (
            self._type(slot) if slot else self._annotation(field.annotation, field.metadata)
        )
        if annotation is field.annotation:
            return field
        # A copy, since the field belongs to the plugin's class as well.
        expanded = copy(field)
        expanded.annotation = annotation
        # The slot is replaced by the union, and must not be found again.
        expanded.metadata = [mark for mark in field.metadata if mark is not slot]
        return expanded

    def _annotation(self, annotation: Any, marks: Sequence[Any] = ()) -> Any:
        """The type with what is marked in it replaced; ``marks`` are those of the type itself."""
        if annotation in (int, float, bool):
            # Only without a bound of its own: Le(MOST) would otherwise show in messages.
            is_open = annotation is int and not any(map(_is_upper_bound, marks))
            # Strict: pydantic would read "200" and True as numbers.
            return Annotated[(annotation, Strict(), *([Le(MOST)] if is_open else []))]
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return Annotated[annotation, Nested(annotation, self)]
        origin, arguments = get_origin(annotation), get_args(annotation)
        # No type arguments: nothing can be marked inside.
        if origin is None or origin is Literal:
            return annotation
        if origin is Annotated:
            inner, *marks = arguments
            slot = _slot_in(marks)
            inner = self._type(slot) if slot else self._annotation(inner, marks)
            other_marks = [mark for mark in marks if mark is not slot]
            return Annotated[(inner, *other_marks)] if other_marks else inner
        expanded = tuple(self._annotation(argument) for argument in arguments)
        # The same object where nothing changed, by which `_field` recognises it.
        if expanded == arguments:
            return annotation
        # `X | Y` cannot be subscripted, Union can.
        return (Union if origin is types.UnionType else origin)[expanded]

    def _type(self, slot: Slot) -> Any:
        if slot not in self._types:
            name = f"{slot.kind}-{slot.role}" if slot.role else str(slot.kind)
            # An alias, so that a component may contain components of its own kind.
            self._types[slot] = TypeAliasType(name, Annotated[Params, Choice(slot, self)])
        return self._types[slot]


@dataclass(slots=True)
class _Models(Mapping[str, type[Params]]):
    """The models of a slot by name, in name order, each built when it is first read."""

    slot: Slot
    definitions: Mapping[str, Definition]
    components: Components
    built: dict[str, type[Params]] = dataclasses.field(default_factory=dict)

    def __getitem__(self, name: str) -> type[Params]:
        if name not in self.built:
            self.built[name] = self.components.component(self.definitions[name], self.slot)
        return self.built[name]

    def __contains__(self, name: object) -> bool:
        return name in self.definitions

    def __iter__(self) -> Iterator[str]:
        return iter(self.definitions)

    def __len__(self) -> int:
        return len(self.definitions)


@dataclass(frozen=True, slots=True)
class Nested:
    """Stands in a runtime model for a model that is no component but may hold some."""

    model: type[BaseModel]
    components: Components

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler.generate_schema(self.components.expand(self.model))
        return core_schema.no_info_before_validator_function(self._as_written, schema)

    def _as_written(self, value: Any) -> Any:
        # Only an instance is converted: a default that is written as in a spec passes.
        return _fields_given(value) if type(value) is self.model else value


@dataclass(frozen=True, slots=True)
class Choice:
    """Stands in a runtime model for any component that fits a slot."""

    slot: Slot
    components: Components

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        models = self.components.models(self.slot)
        # A union without members is no valid schema.
        if not models:
            return core_schema.no_info_plain_validator_function(self._refuse)
        # One validator a component instead of a union of all.
        if not self.components.is_complete:
            return core_schema.no_info_plain_validator_function(self._validated)
        union = core_schema.tagged_union_schema(
            {TAG + name: handler.generate_schema(model) for name, model in models.items()},
            discriminator=_tag_of,
            custom_error_type=UNKNOWN_COMPONENT,
            custom_error_message=self._message(),
            custom_error_context=self._context(),
        )
        return core_schema.no_info_before_validator_function(self._as_written, union)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # {"not": {}} matches nothing.
        return handler(schema) if self.components.models(self.slot) else {"not": {}}

    def _as_written(self, value: Any) -> Any:
        """Parameters that a default gives as an instance, as a spec would write them."""
        # Instances of runtime models have a tag already.
        if not isinstance(value, Params) or _tag_of(value) is not None:
            return value
        for name, definition in self.components.models(self.slot).definitions.items():
            # By identity: a subclass would be another component.
            if definition.params is type(value):
                return {"type": name, **_fields_given(value)}
        return value

    def _validated(self, value: Any) -> Any:
        """The component that a value names; pydantic adds the path of the field to its errors."""
        written = self._as_written(value)
        name = (_tag_of(written) or "").removeprefix(TAG)
        if name not in self.components.models(self.slot):
            self._refuse(value)
        return self.components.validator(self.slot, name).validate_python(written)

    def _refuse(self, _: Any) -> NoReturn:
        raise PydanticCustomError(UNKNOWN_COMPONENT, self._message(), self._context())

    def _message(self) -> str:
        return f"no such {self.slot.kind}"

    def _context(self) -> dict[str, Any]:
        # As text, since pydantic formats the context of errors.
        names = "\n".join(self.components.models(self.slot))
        return {"kind": str(self.slot.kind), "role": str(self.slot.role or ""), "names": names}


def _fields_given(value: BaseModel) -> dict[str, Any]:
    # Only given fields, so that defaults are those of the runtime model.
    return {field: getattr(value, field) for field in value.model_fields_set}


def _is_upper_bound(mark: Any) -> bool:
    if isinstance(mark, FieldInfo):  # a ``Field`` inside an annotation
        return any(map(_is_upper_bound, mark.metadata))
    return isinstance(mark, Le | Lt)


def _is_resolved(annotation: Any) -> bool:
    """Return whether an annotation has no forward reference left."""
    if isinstance(annotation, str | ForwardRef):
        return False
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return True
    # Only the first argument of Annotated is a type.
    return all(map(_is_resolved, arguments[:1] if origin is Annotated else arguments))


def _slot_in(marks: Any) -> Slot | None:
    return next((mark for mark in marks if isinstance(mark, Slot)), None)


def _tag_of(value: Any) -> str | None:
    if isinstance(value, Mapping):
        name = value.get("type")
    else:
        definition = type(value).definition if isinstance(value, Params) else None
        name = definition and definition.name
    return TAG + name if isinstance(name, str) else None
