"""Two revisions are read and checked together: what they have in common once. What a review says is
what it says of revisions that are read apart, each from a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from acmidm.commands.review import review_between
from acmidm.git import PLAIN_FILE, Tree, TreeEntry
from acmidm.render.markdown import as_markdown
from acmidm_onboarding.forms.files import Files, Findings
from acmidm_onboarding.values.problems import InvalidForms
from acmidm_onboarding.values.terms import Environment
from tests.support.forms import NOTIFICATIES, PLAIN, SEND
from tests.support.offered import SHIPPED
from tests.support.portal import new_key, public_jwk

CODES = {"aalst": "OVO000001", "gent": "OVO000002", "leverancier": "OVO000003"}
KEYS = tuple(json.dumps(public_jwk(new_key(f"key-{number}"))) for number in range(7))
CATALOGUE = {f"catalogue/{file.name}": file.read_text() for file in sorted(SHIPPED.iterdir())}
BLOBS: dict[str, bytes] = {}
days = st.sampled_from(["2020-12-31", "2090-12-31"])


def rarely(values: st.SearchStrategy[Any], otherwise: object = None) -> st.SearchStrategy[Any]:
    """One of the values now and then: most revisions have to be valid to be compared."""
    return st.integers(0, 59).flatmap(lambda drawn: values if drawn == 23 else st.just(otherwise))


def mapping(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping without the names whose value is None."""
    return st.fixed_dictionaries(values).map(
        lambda drawn: {name: value for name, value in drawn.items() if value is not None}
    )


def organisations(folder: str) -> st.SearchStrategy[Any]:
    return mapping(
        name=st.sampled_from([folder, f"Stad {folder}"]),
        ovo=rarely(st.sampled_from([*CODES.values(), None]), CODES[folder]),
        kbo=rarely(st.just("0207.451.227")),
        owners=st.sampled_from([None, [f"@{folder}/api"]]),
        formerly=st.sampled_from([None, "OVO000009", "OVO000009/loket"]),
        speaks_for=st.sampled_from([("aanbieder_uri", "merk_code")] * 7 + [("merk_code",)]).map(
            lambda names: {name: [NOTIFICATIES[name]] for name in names}
        ),
    )


mandates = st.fixed_dictionaries(
    {
        "supplier": rarely(st.just("niemand"), "leverancier"),
        "applications": st.sampled_from([["loket"], ["loket", "balie"]]),
        "until": days,
    }
).map(lambda mandate: {"mandates": [mandate]})
suppliers = mapping(
    tni=st.just(["a.jwk.json"]), prod=st.sampled_from([None, ["b.jwk.json"], ["b.jwk.json"]])
)


def requests(key_file: str) -> st.SearchStrategy[Any]:
    scopes = mapping(
        **{
            PLAIN: st.sampled_from([{}, {"until": "2020-12-31"}, {"until": "2090-12-31"}]),
            SEND: st.just({}),
            "dv_unknown": rarely(st.just({})),
        }
    )
    return mapping(
        scopes=scopes,
        products=st.just({"notificaties": dict(NOTIFICATIES)}),
        jwks=st.sampled_from([[key_file], [key_file], None]),
    )


def supplied(form: dict[str, Any]) -> dict[str, Any]:
    """A form with the keys of a supplier lists none of its own."""
    for request in form["environments"].values() if "keys_of" in form else ():
        request.pop("jwks", None)
    return form


def forms(application: str) -> st.SearchStrategy[Any]:
    return mapping(
        application=rarely(st.just("ander"), application),
        formerly=st.sampled_from([None, None, "oud", "loket" if application == "balie" else None]),
        contacts=st.just(["api@stad.example"]),
        keys_of=st.sampled_from([None, None, "leverancier"]),
        retire=rarely(days.map(lambda day: {"on": day})),
        exemptions=rarely(
            st.just({"promotion-gate": {"reason": "older than the gate", "reference": "SD-1"}})
        ),
        environments=mapping(tni=requests("a.jwk.json"), prod=st.none() | requests("b.jwk.json")),
    ).map(supplied)


def texts(
    values: st.SearchStrategy[Any], *, may_be_missing: bool = True
) -> st.SearchStrategy[str | None]:
    """A file, which is no YAML now and then, and where it may not be there is missing as often."""
    texts = rarely(st.just("a: ["), "").flatmap(
        lambda broken: st.just(broken) if broken else values.map(json.dumps)
    )
    return st.none() | texts if may_be_missing else texts


def files_of(folder: str, number: int) -> dict[str, st.SearchStrategy[str | None]]:
    key = st.sampled_from(KEYS)
    return {
        f"onboardings/{folder}/organisation.yaml": organisations(folder).map(json.dumps),
        f"onboardings/{folder}/mandates.yaml": texts(mandates),
        f"onboardings/{folder}/keys.yaml": texts(suppliers, may_be_missing=False),
        f"onboardings/{folder}/a.jwk.json": rarely(key, KEYS[2 * number]),
        f"onboardings/{folder}/b.jwk.json": rarely(key, KEYS[2 * number + 1]),
        f"onboardings/{folder}/loket.yaml": texts(forms("loket")),
        f"onboardings/{folder}/balie.yaml": texts(forms("balie")),
    }


def stacks(environment: str) -> st.SearchStrategy[str]:
    config = st.fixed_dictionaries(
        {
            "acmidm:environment": st.just(environment),
            "acmidm:promotionGate": st.sampled_from(["off", "enforce"]),
            "acmidm:profile": rarely(st.just("fapi2"), "acmidm"),
            "acmidm:keyOverlapDays": st.sampled_from(["0", "7"]),
        }
    )
    return config.map(lambda drawn: json.dumps({"config": drawn}))


FILES: dict[str, st.SearchStrategy[str | None]] = {
    "catalogue/proef.yaml": rarely(st.sampled_from(["product: proef\n", "product: [\n"])),
    "Pulumi.tni.yaml": stacks("tni"),
    "Pulumi.prod.yaml": stacks("prod"),
}
for index, name in enumerate(CODES):
    FILES |= files_of(name, index)


Texts = dict[str, str | None]
GENT = {
    "name": "gent",
    "ovo": "OVO000002",
    "formerly": "OVO000009/loket",
    "speaks_for": {name: [NOTIFICATIES[name]] for name in ("aanbieder_uri", "merk_code")},
}


def form_of(application: str, *, scope: str = PLAIN, **fields: Any) -> dict[str, Any]:
    products = {"notificaties": dict(NOTIFICATIES)} if scope == SEND else {}
    request = {"scopes": {scope: {}}, "products": products, "jwks": ["a.jwk.json"]}
    return {
        "application": application,
        "contacts": ["api@stad.example"],
        "environments": {"tni": request},
        **fields,
    }


def project(**documents: Any) -> Texts:
    """The files of one organisation; each document is by the name of its file."""
    files = {"organisation": GENT, "loket": form_of("loket", scope=SEND), **documents}
    written: Texts = {f"onboardings/gent/{name}.yaml": json.dumps(files[name]) for name in files}
    return {**written, "onboardings/gent/a.jwk.json": KEYS[2]}


OF_OTHERS = {
    "its organisation may not send under that name yet": (
        project(organisation={**GENT, "speaks_for": {"merk_code": ["stad-gent"]}}),
        project(),
    ),
    "another form takes its earlier key": (
        project(balie=form_of("balie")),
        project(balie=form_of("balie", formerly="loket")),
    ),
    "its key file has another key": (
        project(),
        {**project(), "onboardings/gent/a.jwk.json": KEYS[3]},
    ),
    "its organisation has another name": (project(), project(organisation={**GENT, "name": "x"})),
}
"""What changes while the form stays: what was found of the form does not hold any more."""


@st.composite
def revisions(draw: st.DrawFn) -> tuple[Texts, Texts]:
    """Two revisions, of which the second differs from the first in a few files."""
    before = {path: draw(text) for path, text in FILES.items()}
    changed = draw(st.lists(st.sampled_from(sorted(FILES)), min_size=1, max_size=6, unique=True))
    return before, before | {path: draw(FILES[path]) for path in changed}


class Checkout(Files):
    """The files of a revision in a folder of their own, and not in the working directory."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def _there(self, path: Path) -> Path:
        here = Path.cwd()
        return self._folder / path.relative_to(here) if path.is_relative_to(here) else path

    def content(self, file: Path) -> bytes:
        return super().content(self._there(file))

    def exists(self, path: Path) -> bool:
        return super().exists(self._there(path))

    def is_folder(self, path: Path) -> bool:
        return super().is_folder(self._there(path))

    def is_link(self, path: Path) -> bool:
        return super().is_link(self._there(path))

    def _below(self, folder: Path, problems: Any) -> Iterator[tuple[Path, list[str], list[str]]]:
        for parent, folders, names in super()._below(self._there(folder), problems):
            yield Path.cwd() / parent.relative_to(self._folder), folders, names


def tree(name: str, contents: Mapping[str, str | None], findings: Findings) -> Tree:
    entries: dict[str, TreeEntry] = {}
    for path, text in {**CATALOGUE, **contents}.items():
        if text is not None:
            content = text.encode()
            object_id = sha256(content).hexdigest()
            entries[path] = TreeEntry(PLAIN_FILE, object_id, len(content))
            BLOBS.setdefault(object_id, content)
    return Tree(name, entries, None, BLOBS, findings)


def reviewed(before: Tree, after: Tree) -> tuple[str, str]:
    """What the review is, as data and as a page; or all that is wrong with the forms."""
    try:
        review = review_between(before, after, list(Environment), allow_mass_change=False)
    except InvalidForms as error:
        return str(error), ""
    return review.model_dump_json(), as_markdown(review.as_document())


# To find the smallest pair of revisions would take minutes.
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(pair=revisions())
def test_a_review_is_that_of_revisions_read_apart(pair: tuple[Texts, Texts]) -> None:
    """On any two revisions, byte for byte: codes, keys that two list, suppliers' keys, mandates,
    earlier keys and totals are those of all forms, whichever of them differ."""
    require_the_same(*pair)


@pytest.mark.parametrize(("old", "new"), OF_OTHERS.values(), ids=OF_OTHERS)
def test_a_form_that_stays_is_looked_at_again(old: Texts, new: Texts) -> None:
    """Where what it depends on changes."""
    require_the_same(old, new)


def require_the_same(old: Texts, new: Texts) -> None:
    findings = Findings()
    together = reviewed(tree("main", old, findings), tree("change", new, findings))

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:

        def checked_out(tree: Tree, wanted: Callable[[str], bool], folders: Any = ()) -> Files:
            top = Path(folder, tree.name, str(len(list(Path(folder).rglob("*")))))
            for path, content in tree.contents(wanted).items():
                (top / path).parent.mkdir(parents=True, exist_ok=True)
                (top / path).write_bytes(content)
            for name in folders:
                (top / name).mkdir(parents=True, exist_ok=True)
            return Checkout(top)

        patched.setattr(Tree, "files", checked_out)
        apart = reviewed(tree("main", old, Findings()), tree("change", new, Findings()))
    assert together == apart


def test_a_finding_holds_for_the_very_same_subjects_alone() -> None:
    """Equal ones are others, for 1 equals true; what it depends on beside them is compared."""
    findings, asked = Findings(), list[int]()
    first, second = ["loket"], ["loket"]

    def find(subject: object, beside: object) -> int:
        def answer() -> int:
            asked.append(len(asked))
            return asked[-1]

        return findings.of(answer, "form", subject, equal=beside)

    assert [find(first, {"until": "2027"}), find(first, {"until": "2027"})] == [0, 0]
    assert find(second, {"until": "2027"}) == 1
    assert find(first, {"until": "2028"}) == 2
    assert find(first, {"until": "2028"}) == 2
