"""Weight codes: the weights of a layer in fewer bits, one code for each weight and a table.

The code of 0 is 0 in all of them, so what a topology leaves out stays out.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from safecompress_core.errors import StorageError

__all__ = ["TABLES", "Clustered", "Quantised", "Rounded", "WeightCode", "read_code"]

# O output channels · G groups of a channel's weights · K shared values

TABLES = {"int8": ("scales",), "int4": ("scales",), "cluster": ("codebook",)}
"""The names of each code's tables, where it has some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightCode(ABC):
    """Coded weight: what a model file holds instead of a layer's floating-point values.

    Attributes:
        codes: of the weight's shape (O, ...); 0 stands for a weight of exactly 0.
    """

    codes: Tensor

    @property
    @abstractmethod
    def name(self) -> str:
        """What a model file calls it."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits of a code in a file, at most 8; of floating-point codes those of their dtype."""

    @property
    @abstractmethod
    def tables(self) -> Mapping[str, Tensor]:
        """What the codes are read with, by name."""

    @property
    def options(self) -> Mapping[str, int]:
        """Whole numbers that a file also needs to read it."""
        return {}

    @abstractmethod
    def weight(self) -> Tensor:
        """Return the weight that it stands for, (O, ...): the same bits wherever it is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantised(WeightCode):
    """Quantised weight: w = scale · code, with one scale for each output channel, or group of it.

    Attributes:
        codes: int8, of the weight's shape (O, ...); of 4 bits, in [−8, 7].
        scales: floating point, of the weight's dtype: shape (O,), or (O, G) with groups.
        group: consecutive weights of a channel that share a scale, the last group being shorter
            where it has to be; None for all of the channel.

    Raises:
        StorageError: if they are no such tensors.
    """

    scales: Tensor
    width: int = 8
    group: int | None = None

    def __post_init__(self) -> None:
        fits = self.codes.dtype is torch.int8 and self.scales.is_floating_point()
        # Scales per output channel: one scale a layer loses too much precision.
        if not fits or self.codes.ndim < 1 or self.scales.shape != self._shape_of_scales():
            raise StorageError(
                f"values are {self.codes.dtype} of shape {tuple(self.codes.shape)} and scales "
                f"{self.scales.dtype} of shape {tuple(self.scales.shape)}; quantised values need "
                "one floating-point scale for each index of their first dimension, or group of it"
            )

    def _shape_of_scales(self) -> tuple[int, ...]:
        channels = len(self.codes)
        if self.group is None:
            return (channels,)
        # Ceiling division: the last group of a channel may be shorter.
        return (channels, -(-self.codes[0].numel() // self.group))

    @property
    def name(self) -> str:
        """``int8`` or ``int4``."""
        return f"int{self.width}"

    @property
    def bits(self) -> int:
        """8 or 4."""
        return self.width

    @property
    def tables(self) -> Mapping[str, Tensor]:
        """The scales."""
        return {"scales": self.scales}

    @property
    def options(self) -> Mapping[str, int]:
        """The size of a group, where there are groups."""
        return {} if self.group is None else {"group": self.group}

    def weight(self) -> Tensor:
        """Return scale · code."""
        rows = self.codes.flatten(1) if self.codes.ndim > 1 else self.codes[:, None]
        scales = self.scales if self.group is not None else self.scales[:, None]
        if self.group is not None:
            scales = scales.repeat_interleave(self.group, dim=1)[:, : rows.shape[1]]
        return (rows.to(scales.dtype) * scales).view(self.codes.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustered(WeightCode):
    """Weight whose values are shared: w = codebook[code].

    Source: Han, Mao & Dally 2016, "Deep Compression", ICLR, section 3.

    Attributes:
        codes: uint8, of the weight's shape, positions in the codebook.
        codebook: floating point, shape (K,) with 2 ≤ K ≤ 256; its first value is 0.

    Raises:
        StorageError: if they are no such tensors.
    """

    codebook: Tensor

    def __post_init__(self) -> None:
        count = len(self.codebook)
        fits = self.codes.dtype is torch.uint8 and self.codebook.is_floating_point()
        if not fits or self.codebook.ndim != 1 or not 2 <= count <= 256 or self.codebook[0] != 0:
            raise StorageError(
                f"a codebook of shape {tuple(self.codebook.shape)} and codes of "
                f"{self.codes.dtype}; shared values are 2 to 256 numbers, the first of them 0, and "
                "codes are uint8"
            )
        if self.codes.numel() and int(self.codes.max()) >= count:
            raise StorageError(f"code {int(self.codes.max())} is beyond {count} shared values")

    @property
    def name(self) -> str:
        """``cluster``."""
        return "cluster"

    @property
    def bits(self) -> int:
        """1, 2, 4 or 8: the fewest that hold every position, so that bytes hold whole codes."""
        return next(bits for bits in (1, 2, 4, 8) if len(self.codebook) <= 2**bits)

    @property
    def tables(self) -> Mapping[str, Tensor]:
        """The codebook."""
        return {"codebook": self.codebook}

    def weight(self) -> Tensor:
        """Return the shared value of each code."""
        return self.codebook[self.codes.long()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounded(WeightCode):
    """Weight of half as many bits: w = code, in float32.

    Attributes:
        codes: float16 or bfloat16, of the weight's shape.

    Raises:
        StorageError: if they are of another dtype.
    """

    DTYPES: ClassVar = {"float16": torch.float16, "bfloat16": torch.bfloat16}

    def __post_init__(self) -> None:
        if self.codes.dtype not in self.DTYPES.values():
            raise StorageError(f"codes are {self.codes.dtype}, and no float16 or bfloat16")

    @property
    def name(self) -> str:
        """``float16`` or ``bfloat16``."""
        return str(self.codes.dtype).removeprefix("torch.")

    @property
    def bits(self) -> int:
        """16."""
        return 16

    @property
    def tables(self) -> Mapping[str, Tensor]:
        """None."""
        return {}

    def weight(self) -> Tensor:
        """Return the same numbers in float32."""
        return self.codes.float()


def read_code(
    name: str, codes: Tensor, tables: Mapping[str, Tensor], options: Mapping[str, Any]
) -> WeightCode:
    """Return the code that was written with these parts.

    Args:
        name: of the code.
        codes: of the weight's shape.
        tables: by name.
        options: by name.

    Raises:
        StorageError: if no code has this name, or parts do not fit each other.
        KeyError: if a table is missing.
    """
    if name in ("int8", "int4"):
        width, group = int(name.removeprefix("int")), options.get("group")
        return Quantised(codes=codes, scales=tables["scales"], width=width, group=group)
    if name == "cluster":
        return Clustered(codes=codes, codebook=tables["codebook"])
    if name in Rounded.DTYPES:
        return Rounded(codes=codes)
    raise StorageError(f"no code of weights is called {name!r}")
