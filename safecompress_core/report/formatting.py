"""Numbers and lists as people write them."""

import math
from collections.abc import Sequence

__all__ = [
    "and_list",
    "duration",
    "format_distinct",
    "format_fraction",
    "format_interval",
    "format_number",
    "or_list",
    "size",
]

DECIMALS = 3


def format_number(value: float, *, decimals: int = DECIMALS) -> str:
    """A figure with three decimals; one from 100 on without, and with commas.

    >>> format_number(0.24074), format_number(-0.5), format_number(206416.0)
    ('0.241', '−0.500', '206,416')
    """
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.{decimals}f}"
    return text.replace("-", "−")


def format_fraction(value: float) -> str:
    """A fraction with three decimals, or as many as show two figures of it.

    >>> [format_fraction(value) for value in (0.1, 0.0025, 9.81e-05, 0.0)]
    ['0.100', '0.0025', '0.000098', '0.000']
    """
    figures = 1 - math.floor(math.log10(value)) if value > 0 else DECIMALS
    return format_number(value, decimals=max(DECIMALS, figures))


def format_interval(low: float, high: float) -> str:
    """An interval; with words where a dash would stand next to a minus.

    >>> format_interval(0.191, 0.2963), format_interval(-0.02, 0.05)
    ('0.191–0.296', '−0.020 to 0.050')
    """
    joint = " to " if low < 0 else "–"
    return f"{format_number(low)}{joint}{format_number(high)}"


def format_distinct(value: float, other: float) -> str:
    """Return a figure with enough decimals to distinguish it from another one.

    >>> format_distinct(0.40004, 0.4), format_distinct(0.4, 0.4)
    ('0.40004', '0.400')
    """
    for decimals in range(DECIMALS, 10):
        if value == other or format_number(value, decimals=decimals) != format_number(
            other, decimals=decimals
        ):
            return format_number(value, decimals=decimals)
    return format_number(value)


def and_list(names: Sequence[str]) -> str:
    """Names as a sentence lists them.

    >>> and_list(["a"]), and_list(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return _join(names, "and")


def or_list(names: Sequence[str]) -> str:
    """Names as a sentence lists them where not all of them are meant.

    >>> or_list(["a", "b"])
    'a or b'
    """
    return _join(names, "or")


def _join(names: Sequence[str], last: str) -> str:
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def duration(seconds: float) -> str:
    """Minutes and seconds; hours from one on.

    >>> duration(7.6), duration(187), duration(3725)
    ('0:08', '3:07', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: int) -> str:
    """Bytes of a file, with two figures at least.

    >>> size(346), size(29624), size(206416), size(12_300_000)
    ('346 B', '30 kB', '206 kB', '12 MB')
    """
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if value >= 9.95 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
