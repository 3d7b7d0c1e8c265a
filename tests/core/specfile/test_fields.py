"""Where an error belongs, and which values carry a mark."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from safecompress_core.api import AttributeMark, AttributeName
from safecompress_core.specfile.fields import Place, field_names, find_marked, locate


class Inner(BaseModel):
    """Fields of all shapes."""

    sizes: int | list[int] = 1
    table: dict[str, list[int]] = {}
    pair: tuple[int, float] = (1, 1.0)
    on: Annotated[int, Field(alias="from")] = 0
    maybe: Annotated[float, Field(gt=0)] | None = None


class Outer(BaseModel):
    """Holds others, alone or in a list."""

    inner: Inner = Inner()
    several: list[Inner] = []
    either: Inner | Literal["none"] = "none"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"inner": {"sizes": [1, "x"]}}, ("inner", "sizes", 1)),
        ({"inner": {"sizes": "x"}}, ("inner", "sizes")),
        ({"several": [{}, {"table": {"int": ["x"]}}]}, ("several", 1, "table", "int", 0)),
        ({"inner": {"pair": [1, "x"]}}, ("inner", "pair", 1)),
        ({"inner": {"from": "x"}}, ("inner", "from")),
        ({"inner": {"maybe": "x"}}, ("inner", "maybe")),
        ({"either": {"sizes": 1, "table": 3}}, ("either", "table")),
    ],
)
def test_the_path_is_the_specs_own(value: object, path: tuple[str | int, ...]) -> None:
    """Without the branches of unions that pydantic puts in between."""
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(value)

    assert path in [locate(Outer, error["loc"])[0] for error in caught.value.errors()]


def test_a_place_knows_its_fields_and_bounds() -> None:
    """What messages offer."""
    _, inner = locate(Outer, ("several", 0))
    _, maybe = locate(Outer, ("inner", "maybe"))

    assert field_names(inner) == ["sizes", "table", "pair", "from", "maybe"]
    assert [mark.gt for place in maybe for mark in place.marks if hasattr(mark, "gt")] == [0]
    assert field_names([Place(int)]) == []


class Reader(BaseModel):
    """Names attributes everywhere."""

    one: AttributeName = "a"
    none: AttributeName | None = None
    some: AttributeName | None = "b"
    many: list[AttributeName] = ["c", "d"]
    table: dict[str, AttributeName] = {"x": "e"}
    literal: Literal["label"] | AttributeName = "label"
    other: Literal["label"] | AttributeName = "f"
    plain: str = "no"
    inner: "Reader | None" = None


def test_marks_are_found_wherever_they_stand() -> None:
    """In options, lists, mappings and models below; not for another branch of a union."""
    found = dict(find_marked(Reader(inner=Reader()), AttributeMark))

    own = {
        ("one",): "a",
        ("some",): "b",
        ("many", 0): "c",
        ("many", 1): "d",
        ("table", "x"): "e",
        ("other",): "f",
    }
    assert found == own | {("inner", *path): name for path, name in own.items()}
