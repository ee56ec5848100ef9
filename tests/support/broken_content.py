"""What nobody should write in a file: arbitrary content, or a document with mistakes in it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

YAML_WORDS = [
    *(
        "a: ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&x ",
        "*x ",
        "<<: ",
        "? ",
        "! ",
        "!!int ",
        "!!binary ",
        "!!python/object:os.system ",
    ),
    *(
        "|\n ",
        ">\n ",
        "'",
        '"',
        "\\",
        "#",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
        "\n",
        "\n  ",
        "\t",
        "\r",
        "\x00",
        "\ufeff",
        "\u2028",
        "~",
        "0x1f",
        "1e999",
        ".inf",
    ),
    *(
        "2026-01-01",
        "0207451227",
        "organisation",
        "environments",
        "tni",
        "scopes",
        "jwks",
        "kbo: ",
        "ovo: ",
        "OVO002067",
    ),
]

yaml_text = st.lists(st.sampled_from(YAML_WORDS) | st.text(max_size=5), max_size=30).map("".join)
content = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")),
    yaml_text.map(str.encode),
)
leaf = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**25), 10**25),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            "x" * 5000,
            "../../etc/passwd",
            "\x00",
            "tni.jwk.json",
            "dv_dosis_schrijven",
            "acmidm",
            "prod",
            "OVO002067",
            "0316380841",
        ]
    ),
)
anything = st.recursive(
    leaf,
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3)
    ),
    max_leaves=8,
)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in it, itself included."""
    yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, (*path, index))


@st.composite
def mutated(draw: st.DrawFn, original: Any) -> Any:
    """The original with one to four of its values dropped, renamed, replaced or doubled."""
    value = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(list(places(value))))
        if not path:
            continue
        parent = value
        for step in path[:-1]:
            parent = parent[step]
        match draw(st.sampled_from(["drop", "rename", "replace", "insert"])):
            case "drop":
                del parent[path[-1]]
            case "rename" if isinstance(parent, dict):
                parent[
                    draw(
                        st.text(max_size=10)
                        | st.sampled_from(["tni", "prod", "geosecure", "scope"])
                    )
                ] = parent.pop(path[-1])
            case "insert" if isinstance(parent, dict):
                parent[draw(st.text(max_size=10))] = draw(anything)
            case _:
                parent[path[-1]] = draw(anything)
    return value
