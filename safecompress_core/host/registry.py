"""Everything that is registered, by kind, role and name, each with its origin."""

import difflib
import importlib
import os
from collections.abc import Iterable, Iterator
from typing import Any

from safecompress_core.api import (
    AttackerDef,
    AttackerParams,
    CombinedAttackerDef,
    CombinedAttackerParams,
    Definition,
    Kind,
    Params,
    Part,
    Role,
)
from safecompress_core.errors import PluginError, SafeCompressError
from safecompress_core.extras import missing_extra
from safecompress_core.host.boundary import BREAKAGE, Owner, is_signal, wrap_component
from safecompress_core.host.definitions import Key, key_of, label
from safecompress_core.host.sources import BLOCK, Origin, format_error, normalise_name

__all__ = ["Registry"]


class Registry:
    """Definitions by kind, role and name; immutable.

    Args:
        entries: each definition with where it comes from.

    Raises:
        PluginError: if two of them have the same kind, role and name; it names both plugins and
            their distributions.
    """

    def __init__(self, entries: Iterable[tuple[Definition, Origin]]) -> None:
        definitions: dict[Key, tuple[Definition, Origin]] = {}
        for definition, origin in entries:
            key = key_of(definition)
            # An error instead of a priority: results would depend on what is installed.
            if key in definitions:
                raise _conflict(definition, definitions[key][1], origin)
            definitions[key] = (definition, origin)
        # Sorted, so that lists and the schema do not depend on the order of loading.
        self._entries = {key: definitions[key] for key in sorted(definitions, key=_place)}

    def __iter__(self) -> Iterator[Definition]:
        """All definitions, ordered by kind, role and name."""
        return (definition for definition, _ in self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def definitions(self, kind: Kind, role: Role | None = None) -> dict[str, Definition]:
        """All definitions of a kind by name, in name order.

        Raises:
            ValueError: for strategies without a role, since a name may serve in several.
        """
        _check_role(kind, role)
        return {
            name: definition
            for (its_kind, its_role, name), (definition, _) in self._entries.items()
            if (its_kind, its_role) == (kind, role)
        }

    def get(self, kind: Kind, name: str, role: Role | None = None) -> Definition:
        """The definition of that name.

        Raises:
            LookupError: if there is none; the message has the nearest names.
        """
        _check_role(kind, role)
        key = (kind, role, name)
        if key not in self._entries:
            # Only names of this kind and role: a suggestion must be valid in its place.
            near = difflib.get_close_matches(name, self.definitions(kind, role))
            guess = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise LookupError(f"there is no {label(key)}{guess}")
        return self._entries[key][0]

    def origin(self, definition: Definition) -> Origin:
        """Return the origin of a definition.

        Raises:
            LookupError: if it is not registered here.
        """
        registered, origin = self._entries.get(key_of(definition), (None, None))
        # Equal keys are not enough: another object of that name may have other code.
        if origin is None or registered != definition:
            raise LookupError(f"{definition.name!r} is not registered")
        return origin

    def definition_of(self, params: Params) -> Definition:
        """The definition that these parameters are for.

        The spec layer's parameter classes carry theirs as a class variable ``definition``; a
        plugin's own class is looked up, and must then serve one definition alone.

        Raises:
            LookupError: if there is none, or more than one.
        """
        if (carried := type(params).definition) is not None:
            return carried
        fitting = [definition for definition in self if definition.params is type(params)]
        # Components may share a class of parameters, and then it names none of them.
        if len(fitting) != 1:
            count = "several definitions" if fitting else "no definition"
            raise LookupError(f"{count} registered with the parameters {type(params).__name__}")
        return fitting[0]

    def create(self, params: Params) -> Any:
        """Import the implementation and build it from its parameters.

        A later failure names it, see `safecompress_core.host.boundary`.

        Raises:
            MissingExtraError: if it needs a package that an extra of ours brings.
            ComponentError: if it cannot be imported or built.
            SafeCompressError: whatever the implementation itself raises of that kind.
        """
        definition = self.definition_of(params)
        # Parts are built first, since the combined attacker receives them.
        parts = [self._parts(params)] if isinstance(definition, CombinedAttackerDef) else []
        return self._build(definition, params, params, *parts)

    def _build(self, definition: Definition, params: Params, *arguments: Any) -> Any:
        """Call a definition's target with arguments, and wrap what it returns."""
        module, _, attribute = definition.target.partition(":")
        owner = Owner(definition, params, self.origin(definition))
        try:
            # The import is inside, since importing may run any code of the plugin.
            built = getattr(importlib.import_module(module), attribute)(*arguments)
        except SafeCompressError:
            raise
        except BREAKAGE as error:
            if is_signal(error):
                raise
            if extra := missing_extra(error):
                # Chained, so that -v shows where the import failed.
                raise extra from error
            what = f"cannot build the {owner.label} from {definition.target}"
            raise owner.error(f"{what}: {format_error(error)}") from error
        return wrap_component(built, owner)

    def create_game(self, name: str) -> Any:
        """Import a game's implementation and build it from its definition.

        Raises:
            LookupError: if there is no such game.
            ComponentError: if it cannot be imported or built.
        """
        definition = self.get(Kind.GAME, name)
        return self._build(definition, Params(), definition)

    def _parts(self, params: Params) -> tuple[Part, ...]:
        """Build the parts of an attacker that is made of others."""
        assert isinstance(params, CombinedAttackerParams)  # or the host would have refused it
        return tuple(map(self._part, params.attackers))

    def _part(self, params: AttackerParams) -> Part:
        definition = self.definition_of(params)
        assert isinstance(definition, AttackerDef)  # the spec lets no part have parts
        return Part(definition=definition, params=params, attacker=self.create(params))


def _place(key: Key) -> tuple[int, str, str]:
    """Kinds in the order of the spec, then by role and name."""
    kind, role, name = key
    return list(Kind).index(kind), role or "", name


def _check_role(kind: Kind, role: Role | None) -> None:
    if (kind is Kind.STRATEGY) != (role is not None):
        raise ValueError(f"a {kind} {'needs a' if role is None else 'has no'} role")


def _conflict(definition: Definition, first: Origin, second: Origin) -> PluginError:
    return PluginError(
        f"the {label(key_of(definition))} is already defined by {first.name} "
        f"{first.version}; {_hint(first, second)}",
        plugin=second.plugin,
        distribution=second.package,
    )


def _hint(first: Origin, second: Origin) -> str:
    # Names are compared normalised: hyphens and underscores are equal for pip.
    if normalise_name(first.distribution) != normalise_name(second.distribution):
        # The second first: it is probably the one just installed.
        for origin in (second, first):
            # A folder or a built-in plugin cannot be blocked by name.
            is_file = os.sep in origin.distribution
            if not is_file and not origin.is_built_in:
                return f"rename one of them, or set {BLOCK}={origin.distribution}"
    return "rename one of them"
