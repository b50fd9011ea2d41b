"""Where keys stand in a TOML text: by example, and against tomli on generated documents."""

from __future__ import annotations

from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from mgeconvert.manifest.lines import Position, positions

pytestmark = [pytest.mark.core, pytest.mark.slow]

Path = tuple[str | int, ...]

SAMPLE = '''\
# [not.a.table]
a = 1
[table]
  b = "# no = comment"   # c = 1
"quoted key".'x.y' = """
d = 1
[no]
"""
'lit' = \'\'\'e = 2
\'\'\'
list = [
  1, # ]
  "]",
  { f = 1, g.h = [2, 3] },
]
[[many]]
i = 1
[many.sub]
j = 1979-05-27 07:32:00
[[many]]
i = 2
[[many.deep]]
k = {}
[ spaced . "in\\u0041" ]
l = ["""a"""", \'\'\'b\'\'\'\'\']
'''


def test_every_key_of_a_rich_example_is_found() -> None:
    assert positions(SAMPLE) == {
        ("a",): (2, 1),
        ("table",): (3, 2),
        ("table", "b"): (4, 3),
        ("table", "quoted key"): (5, 1),
        ("table", "quoted key", "x.y"): (5, 14),
        ("table", "lit"): (9, 1),
        ("table", "list"): (11, 1),
        ("table", "list", 0): (12, 3),
        ("table", "list", 1): (13, 3),
        ("table", "list", 2): (14, 3),
        ("table", "list", 2, "f"): (14, 5),
        ("table", "list", 2, "g"): (14, 12),
        ("table", "list", 2, "g", "h"): (14, 14),
        ("table", "list", 2, "g", "h", 0): (14, 19),
        ("table", "list", 2, "g", "h", 1): (14, 22),
        ("many",): (16, 3),
        ("many", 0): (16, 3),
        ("many", 0, "i"): (17, 1),
        ("many", 0, "sub"): (18, 7),
        ("many", 0, "sub", "j"): (19, 1),
        ("many", 1): (20, 3),
        ("many", 1, "i"): (21, 1),
        ("many", 1, "deep"): (22, 8),
        ("many", 1, "deep", 0): (22, 8),
        ("many", 1, "deep", 0, "k"): (23, 1),
        ("spaced",): (24, 3),
        ("spaced", "inA"): (24, 12),
        ("spaced", "inA", "l"): (25, 1),
        ("spaced", "inA", "l", 0): (25, 6),
        ("spaced", "inA", "l", 1): (25, 16),
    }


def test_a_table_is_where_its_own_header_is_not_where_it_is_first_mentioned() -> None:
    assert positions("[a.b]\n[a]\n")[("a",)] == Position(2, 2)


def test_carriage_returns_do_not_count_as_lines() -> None:
    assert positions("a = 1\r\nb = '''\r\n'''\r\nc = 1\r\n")[("c",)] == Position(4, 1)


def test_columns_count_characters() -> None:
    assert positions('"ä" = {"€" = 1, x = 2}')[("ä", "x")] == Position(1, 17)


def test_deep_nesting_is_no_recursion() -> None:
    text = "a = " + "[" * 200 + "{b = " + "[" * 100 + "]" * 100 + "}" + "]" * 200
    assert positions(text).keys() == flatten(tomli.loads(text)).keys()


def flatten(value: Any, path: Path = ()) -> dict[Path, Any]:
    """Return the value at every key path of a parsed document."""
    pairs: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    found: dict[Path, Any] = {}
    for name, item in pairs:
        found[(*path, name)] = item
        found |= flatten(item, (*path, name))
    return found


BARE = st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True)
NASTY = st.text("ab.\"\\'#[]{}=, \tä", min_size=0, max_size=5)
BLANK = st.sampled_from(["", " ", "\t ", "  "])
BREAK = st.sampled_from(["", " ", "\n", " # [c] = {\n", "\n\n  "])


def basic(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


@st.composite
def words(draw: st.DrawFn) -> str:
    """One key part, spelled in one of the three ways."""
    if draw(st.booleans()):
        return draw(BARE)
    name = draw(NASTY)
    if "'" in name or draw(st.booleans()):
        return basic(name)
    return f"'{name}'"


LONG = st.text("ab\n#=[]{}',", max_size=8)
SCALARS = st.one_of(
    st.integers(-9, 9).map(str),
    st.sampled_from(["true", "1.5e3", "-inf", "1979-05-27", "0xFF", '""', "''", '"a\\\\"']),
    NASTY.map(basic),
    LONG.map(lambda text: f'"""{text}"""'),
    LONG.map(lambda text: '"""' + text + 'x"""""'),
    LONG.map(lambda text: "'''\n" + text.replace("'", "") + "'''"),
    LONG.map(lambda text: "'''" + text.replace("'", "") + "x'''''"),
)


@st.composite
def keys(draw: st.DrawFn) -> str:
    parts = draw(st.lists(words(), min_size=1, max_size=3))
    return f"{draw(BLANK)}.{draw(BLANK)}".join(parts)


def lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.tuples(BREAK, values, BREAK).map("".join)
    return st.tuples(st.lists(items, max_size=3).map(",".join), BREAK).map(
        lambda both: f"[{both[0]}{both[1]}]"
    )


def tables(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(BLANK, keys(), BLANK, st.just("="), BLANK, values, BLANK).map("".join)
    return st.lists(pairs, max_size=3).map(lambda found: "{" + ",".join(found) + "}")


VALUES = st.recursive(SCALARS, lambda inner: lists(inner) | tables(inner), max_leaves=6)
PAIRS = st.tuples(keys(), BLANK, VALUES).map(lambda p: f"{p[0]}{p[1]}={p[1]}{p[2]}")
HEADERS = st.one_of(keys().map(lambda key: f"[{key}]"), keys().map(lambda key: f"[[ {key} ]]"))
LINES = st.lists(st.tuples(BLANK, PAIRS | HEADERS | st.just("# x = ["), BLANK).map("".join))


@st.composite
def documents(draw: st.DrawFn) -> str:
    """TOML documents: lines that tomli refuses after those before them are left out."""
    text = ""
    for line in draw(LINES):
        try:
            tomli.loads(f"{text}{line}\n")
        except tomli.TOMLDecodeError:
            continue
        text = f"{text}{line}\n"
    return text


@given(documents())
def test_the_paths_are_those_of_tomli(text: str) -> None:
    assert positions(text).keys() == flatten(tomli.loads(text)).keys()


@given(documents())
def test_what_stands_at_a_position_is_the_key(text: str) -> None:
    lines = text.split("\n")
    for path, place in positions(text).items():
        rest = lines[place.line - 1][place.column - 1 :]
        if isinstance(path[-1], str):
            assert first_word(rest) == path[-1]


def first_word(rest: str) -> str:
    """Return the key part at the beginning of the text, as tomli understands it."""
    for size in range(1, len(rest) + 1):
        try:
            (name,) = tomli.loads(f"{rest[:size]} = 1")
        except tomli.TOMLDecodeError:
            continue
        if rest[0] in "\"'" or not rest[size : size + 1] or rest[size] not in WORD:
            return name
    raise AssertionError(rest)


WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


@given(st.lists(st.sampled_from(["header", "dotted", "inline", "list"]), max_size=12))
def test_a_value_stands_on_the_line_of_its_key(styles: list[str]) -> None:
    shapes = {
        "header": "[t{n}]\n\n  k = {n}\n",
        "dotted": "[d{n}]\nt.'u' . k = {n}\n",
        "inline": "[i{n}]\nt = {{ u = 0, k = {n} }}\n",
        "list": "[l{n}]\nt = [\n  0,\n  {n}, # {n}\n]\n",
    }
    text = "".join(shapes[s].format(n=1000 + n) for n, s in enumerate(styles))
    found = flatten(tomli.loads(text))
    numbered = {path: value for path, value in found.items() if value in range(1000, 2000)}
    assert len(numbered) == len(styles)
    for path, value in numbered.items():
        assert str(value) in text.splitlines()[positions(text)[path].line - 1]
