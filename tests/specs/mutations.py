"""Mutations of a spec's text, as slips and malice make them."""

import random
from collections.abc import Callable

__all__ = ["MAX_LENGTH", "mutated"]

MAX_LENGTH = 64 * 1024
"""Bytes of a mutated spec."""

FRAGMENTS = (
    b"\t",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x85",
    b"\r",
    b"---\n",
    b"...\n",
    b"%YAML 1.1\n---\n",
    b"&a ",
    b"*a",
    b"<<: *a\n",
    b"&a [*a, *a]",
    b"!!int ",
    b"!!float ",
    b"!!bool x",
    b"!!binary aGk=",
    b"!!set {a}",
    b"!x ",
    b"!",
    b"? ",
    b"- ",
    b": ",
    b"[",
    b"]",
    b"{",
    b"}",
    b"'",
    b'"',
    b"|\n",
    b">\n",
    b"#",
    b"@",
    b"`",
    b",",
    b'"\\ud800"',
    b'"\\0"',
    b'"\\UFFFFFFFF"',
    b'"\\x1b[2J"',
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"1e999",
    b"-1e999",
    b".nan",
    b".inf",
    b"2e2",
    b"1e-400",
    b"0x" + b"f" * 300,
    b"9" * 5000,
    b"-9223372036854775809",
    b"0o17",
    b"1_000",
    b"null",
    b"~",
    b"true",
    b"[]",
    b"{}",
    b"''",
    b"type: ",
    b"extends: x.yaml\n",
    b"base: x\n",
    b"variants: []\n",
    b"kind: audit\n",
    b"__class__",
    b"model_fields",
    b"../",
    b"/dev/zero",
    b"${env:NOPE}",
    b"${env:}",
    b"a" * 500,
)


def mutated(text: bytes, rng: random.Random) -> bytes:
    """Return a text with one to four mutations, of at most `MAX_LENGTH` bytes."""
    for _ in range(rng.randint(1, 4)):
        text = rng.choice(MUTATIONS)(text, rng)[:MAX_LENGTH]
    return text


def _place(text: bytes, rng: random.Random) -> int:
    return rng.randrange(len(text) + 1)


def _insert(text: bytes, rng: random.Random) -> bytes:
    at = _place(text, rng)
    return text[:at] + rng.choice(FRAGMENTS) + text[at:]


def _replace_value(text: bytes, rng: random.Random) -> bytes:
    """What stands behind a colon becomes a fragment."""
    colons = [at for at in range(len(text)) if text[at : at + 2] == b": "]
    if not colons:
        return text
    at = rng.choice(colons) + 2
    end = min((e for e in (text.find(c, at) for c in (b"\n", b",", b"}")) if e >= 0), default=at)
    return text[:at] + rng.choice(FRAGMENTS) + text[end:]


def _flip(text: bytes, rng: random.Random) -> bytes:
    if not text:
        return text
    changed = bytearray(text)
    changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _cut(text: bytes, rng: random.Random) -> bytes:
    first, last = sorted((_place(text, rng), _place(text, rng)))
    return text[:first] + text[min(last, first + rng.choice((1, 5, 40, 400))) :]


def _swap_lines(text: bytes, rng: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    rng.shuffle(window := lines[(start := rng.randrange(len(lines) + 1)) : start + 6])
    return b"".join([*lines[:start], *window, *lines[start + 6 :]])


def _repeat(text: bytes, rng: random.Random) -> bytes:
    """A part, many times: long lists, deep nests, keys that are given twice."""
    first = _place(text, rng)
    part = text[first : first + rng.choice((1, 2, 8, 60))]
    return text[:first] + part * rng.choice((2, 20, 2000, 20000)) + text[first:]


def _repeat_line(text: bytes, rng: random.Random) -> bytes:
    lines = text.splitlines(keepends=True) or [b""]
    at = rng.randrange(len(lines))
    return b"".join([*lines[:at], lines[at] * rng.choice((2, 50, 1000)), *lines[at:]])


def _repeat_item(text: bytes, rng: random.Random) -> bytes:
    """An item of a flow list, many times."""
    start = text.find(b"[", _place(text, rng))
    end = text.find(b"]", start)
    if start < 0 or end < 0:
        return text
    item = text[start + 1 : end] + b", "
    return text[: start + 1] + item * rng.choice((2, 30, 500, 5000)) + text[start + 1 :]


def _nest(text: bytes, rng: random.Random) -> bytes:
    depth = rng.choice((10, 70, 3000))
    opening, closing = rng.choice(((b"[", b"]"), (b"{a: ", b"}"), (b"- ", b""), (b"? ", b"")))
    return text + b"\nzz: " + opening * depth + closing * rng.choice((0, depth))


def _alias(text: bytes, rng: random.Random) -> bytes:
    """Aliases of aliases."""
    width, levels = rng.choice((2, 9, 40)), rng.choice((3, 8, 60))
    lines = [b"a0: &a0 {x: [1, 2]}"]
    for level in range(1, levels):
        items = b", ".join([b"*a%d" % (level - 1)] * width)
        lines.append(b"a%d: &a%d [%s]" % (level, level, items))
    return b"\n".join(lines) + b"\n" + text + rng.choice((b"", b"\n<<: *a0\n"))


def _recode(text: bytes, rng: random.Random) -> bytes:
    encoding = rng.choice(("utf-16", "utf-16-le", "latin-1", "utf-8-sig"))
    return text.decode("utf-8", "replace").encode(encoding, "replace")


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _insert,
    _insert,
    _replace_value,
    _replace_value,
    _replace_value,
    _flip,
    _cut,
    _swap_lines,
    _repeat,
    _repeat_line,
    _repeat_item,
    _nest,
    _alias,
    _recode,
)
