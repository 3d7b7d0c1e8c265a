"""Check of the language of docstrings, comments and pages: ``python docs/check_language.py``.

codespell rejects single words (``docs/dialect.txt``). This script rejects phrases, and measures
what words do not show: docstrings of modules that open with a question word, functions named by a
past participle, and comments per 100 lines. It needs no package, and prints the figures.
"""
# ruff: noqa: INP001, T201  a script next to the pages, no package; it prints its figures

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("safecompress_core", "plugins")

PROSE = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "specs/**/*.yaml")
EXCEPT = ("docs/components.md", "docs/results")  # generated from the code, or by comparisons

PHRASES = {
    r"in (the )?place of": "instead of",
    r"by heart": "memorised, overfits",
    r"drawn by lot|by lot": "at random",
    r"as far as": "if, within",
    r"held against": "compared with",
    r"at hand": "available",
    r"g[ia]ve[sn]? (\w+ )?away": "reveals, leaks",
    r"(is|are|be|was|were) to be had": "is available",
    r"nothing to choose": "no parameters",
    r"learns? along": "learns at the same time",
}
QUESTION = re.compile(
    r"(What|How|Who|Whoever|Whose|Whom|Whether|Which|Why|Where|When|That)\b", re.IGNORECASE
)
DIRECTIVE = re.compile(r"#\s*(noqa|type:|pragma|fmt:|ruff:|-{5})")

IRREGULAR = {
    *("begun", "bound", "built", "chosen", "dealt", "drawn", "found", "given", "gone", "grown"),
    *("held", "hidden", "kept", "known", "laid", "left", "lost", "made", "met", "seen", "sent"),
    *(
        "shown",
        "shut",
        "spent",
        "stood",
        "taken",
        "thrown",
        "told",
        "understood",
        "worn",
        "written",
    ),
}
VERBS = {"embed", "feed", "need", "seed", "speed"}
"""Words that end like a participle and are none."""
MOST_PARTICIPLES = 0.03
FEWEST_COMMENTS = 3.0


def modules(folder: str) -> Iterator[tuple[Path, str, ast.Module]]:
    """Yield path, source and syntax tree of each module of a folder."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        yield path, source, ast.parse(source)


def comments(source: str) -> int:
    """Count comment lines, without directives to tools."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return sum(
        token.type == tokenize.COMMENT and not DIRECTIVE.match(token.string) for token in tokens
    )


def is_participle(name: str) -> bool:
    """Return whether a function's name begins with a past participle."""
    first = name.strip("_").partition("_")[0]
    return first not in VERBS and (first.endswith("ed") or first in IRREGULAR)


def phrases(path: Path, text: str) -> Iterator[str]:
    """Yield each phrase of the dialect in a file, with position and term."""
    for phrase, term in PHRASES.items():
        # A phrase may be broken over two lines, also with a comment sign in between.
        pattern = rf"\b{phrase}\b".replace(" ", r"[\s#]+")
        for match in re.finditer(pattern, text, re.IGNORECASE):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path.relative_to(ROOT)}:{line}: {match[0]!r}; write: {term}"


def pages() -> Iterator[Path]:
    """Yield the pages and specs that are written by hand."""
    for pattern in PROSE:
        for path in sorted(ROOT.glob(pattern)):
            if not str(path.relative_to(ROOT)).startswith(EXCEPT):
                yield path


def check(folder: str) -> list[str]:
    """Print the figures of a folder, and return its problems."""
    problems: list[str] = []
    lines = written = functions = participles = questions = 0
    for path, source, tree in modules(folder):
        lines += source.count("\n")
        written += comments(source)
        problems += phrases(path, source)
        if QUESTION.match(ast.get_docstring(tree) or ""):
            questions += 1
            problems.append(f"{path.relative_to(ROOT)}:1: open the docstring with a noun")
        names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        functions += len(names)
        participles += sum(map(is_participle, names))
    density = 100 * written / lines
    share = participles / functions
    print(
        f"{folder}: {questions} docstrings of modules open with a question word; "
        f"{share:.1%} of {functions} functions are named by a participle; "
        f"{density:.1f} comments per 100 lines"
    )
    if share > MOST_PARTICIPLES:
        problems.append(f"{folder}: at most {MOST_PARTICIPLES:.0%} participles; name what it does")
    if density < FEWEST_COMMENTS:
        problems.append(f"{folder}: at least {FEWEST_COMMENTS:g} comments per 100 lines; say why")
    return problems


def main() -> int:
    """Check all packages and pages; 1 if anything is wrong."""
    problems = []
    for folder in PACKAGES:
        found = check(folder)
        problems += found
    for path in pages():
        problems += phrases(path, path.read_text(encoding="utf-8"))
    print("\n".join(problems))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
