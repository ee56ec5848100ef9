"""A form, a key or a catalogue costs what its size costs, whatever its author writes: nothing takes
the square of it, or for ever."""

from __future__ import annotations

from collections.abc import Callable
from cProfile import Profile
from pathlib import Path

import pytest

from acmidm_onboarding.forms.documents import MAXIMUM_BYTES
from acmidm_onboarding.forms.schemas import LinearValidator, is_pattern
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.stack_files import stacks_in
from tests.support.workspace import CATALOGUE, FORM, WITHOUT_KEYS, Workspace

SCOPE = "      dv_notificaties_import: {}\n"
PRODUCT = "        merk_code:"


def lines(count: int, line: str) -> str:
    return "".join(line.replace("#", str(number)) for number in range(count))


FORMS: dict[str, Callable[[int], str]] = {
    "misspelt fields": lambda n: FORM + lines(n, "contact#: 1\n"),
    "misspelt reasons": lambda n: FORM.replace(
        SCOPE, SCOPE + lines(n, "      dv_x#: {reasn: x}\n"), 1
    ),
    "unknown scopes": lambda n: FORM.replace(
        SCOPE, SCOPE + lines(n, "      dv_notificaties_#:\n"), 1
    ),
    "unknown environments": lambda n: FORM + lines(n, "  tn#: {scope: {}}\n"),
    "unknown products": lambda n: FORM.replace(
        "      dosis:", lines(n, "      dosi#:\n") + "      dosis:"
    ),
    "misspelt exemptions": lambda n: (
        FORM + "exemptions:\n" + lines(n, "  client-secre#: {reasn: a}\n")
    ),
    "fields of a product": lambda n: FORM.replace(
        PRODUCT, lines(n, "        merk_cod#: 1\n") + PRODUCT, 1
    ),
    "values of several types": lambda n: FORM.replace(
        '["10244", "10245"]', "[" + lines(n, '#,"#",') + "1]", 1
    ),
    "values": lambda n: FORM.replace('["10244", "10245"]', "[" + lines(n, '"x#",') + '"1"]', 1),
    "contacts": lambda n: FORM.replace(
        "[api-beheer@stad-gent.example]", "[" + lines(n, "x#,") + "a]"
    ),
    "keys": lambda n: FORM.replace("[tni.jwk.json]", "[" + lines(n, "x#,") + "a]"),
    "one name again and again": lambda n: FORM + lines(n, "contacts: a\n"),
    "tags": lambda n: FORM + "x: [" + lines(n, "!a b,") + "]\n",
    "aliases": lambda n: FORM + "x: &a b\ny: [" + lines(n, "*a,") + "]\n",
    "aliases of aliases": (
        lambda n: (
            "a0: &a0 [x, x]\n"
            + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, n))
        )
    ),
    "braces": lambda n: FORM.replace("dossiers,", f"'{'{' * 10 * n}',"),
    "dots": lambda n: FORM.replace("api-beheer@stad-gent.example", f"a@{'a.' * 10 * n}@"),
}


def calls(act: Callable[[], object]) -> int:
    """How many functions are called: a measure that no busy machine changes."""
    with Profile() as profile:
        act()
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", FORMS)
def test_a_form_twice_as_long_takes_twice_the_work(workspace: Workspace, kind: str) -> None:
    """And says the first mistakes, and that there are more: nobody reads a thousand of them, and a
    log has no room."""
    workspace.problems()  # what is made once
    work, found = [], list[list[str]]()
    for count in (150, 300):
        text = FORMS[kind](count)
        assert len(text) < MAXIMUM_BYTES
        workspace.write_form(text)
        work.append(calls(lambda: found.append(workspace.sentences())))
    assert work[1] < 2.5 * work[0] + 10_000, work
    assert 1 <= len(found[-1]) <= 410
    assert len(found[-1]) <= 100 or any(
        "there are more than 100 mistakes in this file" in sentence for sentence in found[-1]
    )


@pytest.mark.timeout(60)
def test_a_key_with_a_member_again_and_again(workspace: Workspace) -> None:
    for text in (
        "{" + lines(4_000, '"a#": 1, "a#": 2, ') + '"kty": "RSA"}',
        '{"kty": ' + '{"a":' * 5_000 + "1" + "}" * 5_001,
    ):
        workspace.write_key(text)
        [sentence] = workspace.sentences()
        assert len(sentence) < 500


BOMB = "config:\n  acmidm:a0: &a0 [x, x]\n" + "".join(
    f"  acmidm:a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60)
)


@pytest.mark.parametrize("text", [f"{BOMB}  acmidm:environment: *a59\n", "a: " + "[" * 60_000])
def test_a_stack_file_that_is_a_value_without_end(tmp_path: Path, text: str) -> None:
    """It would be written down in a sentence: all the memory there is."""
    (tmp_path / "Pulumi.bomb.yaml").write_text(text)
    with pytest.raises(InvalidSettings, match=r"^Pulumi.bomb.yaml (has YAML aliases|is not YAML)"):
        stacks_in(tmp_path)


CATASTROPHIC = ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", r"^(\w+\s?)*$", "^(.*a){20}$"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", CATASTROPHIC)
def test_a_pattern_takes_linear_time(pattern: str) -> None:
    """Python's own expressions take years for these."""
    assert list(LinearValidator({"pattern": pattern}).iter_errors("a" * 20_000 + "!"))


@pytest.mark.parametrize(
    "pattern", ["^(?=a)b", "(?<!a)b", r"^(a)\1$", "(", "(?P<n", "((a{1000}){1000}){1000}"]
)
def test_a_pattern_that_may_take_longer_is_refused(workspace: Workspace, pattern: str) -> None:
    """Where it stands: in the catalogue."""
    assert not is_pattern(pattern)
    workspace.write(
        "catalogue/dosis.yaml",
        CATALOGUE["dosis.yaml"].replace("type: string}", f"type: string, pattern: '{pattern}'}}"),
    )
    assert any(
        "catalogue/dosis.yaml" in sentence and "configuration" in sentence
        for sentence in workspace.sentences()
    )


def test_patterns_of_names_are_refused(workspace: Workspace) -> None:
    """The library matches them by Python's own expressions."""
    workspace.write(
        "catalogue/proef.yaml",
        CATALOGUE["proef.yaml"].replace("{type: object}", "{patternProperties: {'^(a+)+$': {}}}"),
    )
    assert any("patternProperties" in sentence for sentence in workspace.sentences())
    workspace.write(
        "catalogue/proef.yaml",
        CATALOGUE["proef.yaml"].replace("{type: object}", "{propertyNames: {pattern: '^(a+)+$'}}"),
    )
    form = WITHOUT_KEYS.replace(
        "    products:\n",
        f"      dv_proef: {{}}\n    products:\n      proef: {{{'a' * 100}b: 1}}\n",
        1,
    )
    workspace.write_form(form)
    assert any("proef" in sentence for sentence in workspace.sentences())


@pytest.mark.parametrize(
    ("items", "is_unique"),
    [
        ([1, "1", True, [1], {"a": 1}], True),
        ([1, 1.0], False),
        ([0, False], True),
        ([[1], [True]], True),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1.0}], False),
        ([[], {}], True),
    ],
)
def test_values_are_the_same_as_json_schema_says(items: list[object], is_unique: bool) -> None:
    assert LinearValidator({"uniqueItems": True}).is_valid(items) == is_unique
