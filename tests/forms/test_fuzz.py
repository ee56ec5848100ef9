"""Whatever is in a form, an organisation, a catalogue file or a key file: it is read, or refused in
sentences; the loader never crashes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acmidm_onboarding.values.problems import Problem
from tests.support.workspace import CATALOGUE, FORM, ORGANISATION, Workspace, public_key

examples = pytest.mark.parametrize(
    "examples", [60, pytest.param(200, marks=pytest.mark.exhaustive)]
)

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


def well_formed(problems: tuple[Problem, ...]) -> bool:
    return all(
        problem.line >= 1 and problem.column >= 1 and problem.what and problem.remedy
        for problem in problems
    ) and all(str(problem).isprintable() for problem in problems)


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


YAML, JSON = (
    lambda value: yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace"),
    lambda value: json.dumps(value).encode(),
)
KEY = "onboardings/gent/tni.jwk.json"
ORIGINALS: dict[str, tuple[str, Callable[[Any], bytes], Callable[[], dict[str, Any]]]] = {
    "form": ("onboardings/gent/mijn-gent.yaml", YAML, lambda: yaml.safe_load(FORM)),
    "catalogue": (
        "catalogue/notificaties.yaml",
        YAML,
        lambda: yaml.safe_load(CATALOGUE["notificaties.yaml"]),
    ),
    "organisation": (
        "onboardings/gent/organisation.yaml",
        YAML,
        lambda: {
            **yaml.safe_load(ORGANISATION),
            "formerly": ["OVO000001"],
            "speaks_for": {},
        },
    ),
    "key": (
        KEY,
        JSON,
        lambda: {
            **public_key("tni"),
            "use": "sig",
            "alg": "RS256",
            "key_ops": ["verify"],
            "exp": 1_800_000_000,
        },
    ),
    "elliptic key": (
        KEY,
        JSON,
        lambda: {**public_key("ec", kty="EC", crv="P-256"), "use": "sig", "alg": "ES256"},
    ),
}


def read_or_refused(
    workspace: Workspace, file: str, contents: st.SearchStrategy[bytes], examples: int
) -> None:
    """The workspace is made once: each example writes the one file that it is about."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(contents)
    def one(data: bytes) -> None:
        workspace.write(file, data)
        assert well_formed(workspace.problems())

    one()


@examples
@pytest.mark.parametrize("kind", ["form", "catalogue", "key", "organisation"])
def test_arbitrary_content_is_read_or_refused(
    workspace: Workspace, kind: str, examples: int
) -> None:
    read_or_refused(workspace, ORIGINALS[kind][0], content, examples)


@examples
@pytest.mark.parametrize("kind", ORIGINALS)
def test_anything_in_any_place_is_read_or_refused(
    workspace: Workspace, kind: str, examples: int
) -> None:
    file, written, original = ORIGINALS[kind]
    read_or_refused(workspace, file, mutated(original()).map(written), examples)
