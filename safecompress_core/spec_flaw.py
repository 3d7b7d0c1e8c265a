"""Why a component cannot work where a spec puts it."""

from dataclasses import dataclass

__all__ = ["Flaw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A reason why a method or a defence cannot work.

    Attributes:
        field: the parameter at fault; ``type`` where it is the component as such.
        message: what is wrong with it.
        mend: what to write instead.
    """

    field: str
    message: str
    mend: str
