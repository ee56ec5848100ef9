"""Whatever a pull request confined to the forms and keys of one organisation holds: it is refused,
or harms nobody else.

Nobody else is: other organisations, their clients without a form, clients that nobody knows,
another stack, the operators, the authority. The forms and keys are hostile in what they hold, in
how files are named, and in what is a link. Valid or not, a change of another organisation that
waits is carried out, and reports go on working.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.values.problems import InvalidForms
from tests.end_to_end.stateful.conftest import portal, read_once
from tests.end_to_end.stateful.speeds import InProcess
from tests.support.by_hand import made_by_hand
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, write_form
from tests.support.offered import ATTRIBUTE, catalogue_folder
from tests.support.portal import OPERATOR, RunningPortal, new_key, public_jwk, sign_assertion
from tests.support.registry import Registry

__all__ = ["portal", "read_once"]

VICTIM = {
    "name": "Stad Aalst",
    "ovo": "OVO001992",
    "kbo": "0207.437.468",
    "speaks_for": {
        "aanbieder_uri": ["https://aalst.example"],
        "merk_code": ["stad-aalst"],
        "bron_uri": ["urn://aalst/"],
    },
}
AUTHOR = {
    "name": "Stad Gent",
    "ovo": "OVO002067",
    "kbo": "0207.451.227",
    "speaks_for": {
        "aanbieder_uri": [NOTIFICATIES["aanbieder_uri"]],
        "merk_code": [NOTIFICATIES["merk_code"]],
        "bron_uri": ["urn://gent/"],
    },
}
VICTIMS_NOTIFICATIES = {
    "aanbieder_uri": "https://aalst.example",
    "merk_code": "stad-aalst",
    "product_ids": ["10244"],
}
VICTIMS_DOSIS = {"bron_uri": "urn://aalst/balie", "product_ids": ["10244"]}
MARKS = ("4dabf18193072939515e22adb298388d", "04da6b54-80e4-46f7-96ec-b56ff0331ba9")
"""What Pulumi's engine takes for a secret and for an unknown value."""
PRIVATE = new_key("private")
SECRET = str(PRIVATE.as_dict(private=True)["d"])
PEM = PRIVATE.as_pem(private=True).decode()
DEEP = '{"kty": ' * 300 + "1" + "}" * 300


@dataclass
class ClientKey:
    """The organisations, what is at the authority, and the names that an attacker may try."""

    stack: InProcess
    registry: Registry
    victims: str
    client_ids: list[str]
    begin: Path
    before: Mapping[str, Any] = field(default_factory=dict)
    is_as_begun: bool = False
    """Whether no pull request was applied since all was as it was."""

    def others(self) -> dict[str, Any]:
        """All at the authority that is not the author's: clients whole, and configurations."""
        clients = self.registry.listed("/management/v1/clients")
        found = {
            one["client_id"]: one
            for one in clients
            if one["organisation"].get("ovo") != AUTHOR["ovo"] or one["managed_by"] == OTHERS
        }
        own = {one["client_id"] for one in clients} - found.keys()
        for product in ("notificaties", "dosis"):
            for one in self.registry.listed(f"/products/v1/{product}/configurations"):
                if one["client_id"] not in own:
                    found[f"{product} of {one['client_id']}"] = one
        return found

    def authors(self) -> list[dict[str, Any]]:
        """The clients that say they are the author's organisation's, with their configurations."""
        clients = [
            one
            for one in self.registry.listed("/management/v1/clients")
            if one["client_id"] not in self.others()
        ]
        products = ("notificaties", "dosis")
        return [
            {
                **one,
                **{name: self.registry.configuration(name, one["client_id"]) for name in products},
            }
            for one in clients
        ]


OTHERS = "elsewhere/tni"


@pytest.fixture(scope="module")
def place(portal: RunningPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientKey]:
    """Two organisations with a form each, applied; clients without a form; another stack's."""
    folder = tmp_path_factory.mktemp("hostile")
    with portal.operator() as http, FaultProxy(portal.origin) as proxy:
        stack = InProcess(portal, proxy, folder)
        registry = Registry(http)
        scopes = (SEND, DOSSIERS)
        products = {"notificaties": VICTIMS_NOTIFICATIES, "dosis": VICTIMS_DOSIS}
        victim = write_form(
            stack.forms,
            "aalst/balie",
            scopes=scopes,
            products=products,
            organisation=VICTIM,
            application="balie",
        )
        own = write_form(
            stack.forms, "gent/loket", scopes=scopes, organisation=AUTHOR, application="loket"
        )
        assert not stack.up().troubled
        named = {name: VICTIM[name] for name in ("name", "ovo")}
        by_hand = made_by_hand(
            registry,
            victim,
            application="oud",
            organisation=named,
            keys=[new_key("old")],
            products={},
        )
        unknown = made_by_hand(
            registry,
            victim,
            application="onbekend",
            organisation={"name": "Ergens", "kbo": "0862884185"},
            keys=[],
            products={},
        )
        elsewhere = made_by_hand(
            registry,
            own,
            application="anders",
            software_id="acmidm/tni/OVO002067/anders",
            managed_by=OTHERS,
            keys=[],
            products={},
            organisation={name: AUTHOR[name] for name in ("name", "ovo")},
        )
        victims = registry.client("balie")["client_id"]
        shutil.copytree(stack.forms, folder / "base")
        yield ClientKey(
            stack,
            registry,
            victims,
            [victims, by_hand, unknown, elsewhere, OPERATOR],
            folder / "base",
        )


def hostile_texts() -> st.SearchStrategy[str]:
    return st.sampled_from(
        [
            "stand-in",
            "OVO000000",
            "OVO001992",
            "balie",
            ".",
            "..",
            "../aalst",
            "**",
            "*",
            "a\nb",
            "\x1b[2J",
            "::error::x",
            "##vso[task.setvariable]x",
            "\u202egnp",
            "stad\u200bgent",
            "\ud800",
            PEM,
            json.dumps(PRIVATE.as_dict(private=True)),
            "x" * 300,
            "https://aalst.example",
            "urn://aalst/balie",
            "urn://gent-aalst/x",
            "urn://gent/../aalst/balie",
            "stad-aalst",
            *MARKS,
        ]
    ) | st.text(max_size=12)


def hostile_values() -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | hostile_texts(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(hostile_texts(), inner, max_size=3)
        ),
        max_leaves=6,
    )


KEY_FILES: dict[str, str] = {
    "own.jwk.json": json.dumps(public_jwk(new_key("own"))),
    "private.jwk.json": json.dumps(PRIVATE.as_dict(private=True)),
    "nested.jwk.json": json.dumps({**public_jwk(new_key("nested")), "x-more": {"d": SECRET}}),
    "deep.jwk.json": DEEP,
    "surrogate.jwk.json": json.dumps({**public_jwk(new_key("s")), "kid": "\ud800"}),
    "mark.jwk.json": json.dumps({**public_jwk(new_key("m")), "kid": MARKS[0]}),
    "unknown.jwk.json": json.dumps({**public_jwk(new_key("u")), "kid": MARKS[1]}),
    "marked.jwk.json": json.dumps(
        {**public_jwk(new_key("k")), MARKS[0]: "1b47061264138c4ac30d75fd1eb44270"}
    ),
    "ended.jwk.json": json.dumps({**public_jwk(new_key("ended")), "exp": 1}),
    "bidi.jwk.json": json.dumps({**public_jwk(new_key("b")), "kid": "\u202eyek"}),
    "endless.jwk.json": json.dumps({**public_jwk(new_key("e")), "exp": 10**400}),
}
LINKS = {
    "link.jwk.json": "../aalst/balie-key-1.jwk.json",
    "password.jwk.json": "/etc/passwd",
    "link.yaml": "../aalst/balie.yaml",
}


APPLICATIONS = ["loket", "nieuw", "tweede", "balie", "oud", "onbekend", "anders", "stand-in"]
NAMES = st.sampled_from(APPLICATIONS)


@st.composite
def forms(draw: st.DrawFn, file: str, client_ids: list[str]) -> dict[str, Any]:
    """A form as its author might write it, in which one or two things are not theirs to write."""
    request: dict[str, Any] = {
        "jwks": ["own.jwk.json"],
        "scopes": {SEND: {}, DOSSIERS: {}, PLAIN: {}},
        "products": {"notificaties": dict(NOTIFICATIES), "dosis": dict(DOSIS)},
    }
    form: dict[str, Any] = {
        "application": file if file in APPLICATIONS else "nieuw",
        "contacts": ["a@gent.example"],
        "environments": {"tni": request},
    }
    for what in draw(
        st.lists(
            st.sampled_from(
                [
                    "application",
                    "jwks",
                    "products",
                    "attributes",
                    "adopt",
                    "formerly",
                    "contacts",
                    "anything",
                ]
            ),
            max_size=2,
        )
    ):
        match what:
            case "application":
                form["application"] = draw(NAMES)
            case "jwks":
                names = st.sampled_from(
                    [
                        *KEY_FILES,
                        *LINKS,
                        "loket-key-1.jwk.json",
                        "../aalst/balie-key-1.jwk.json",
                        "/etc/passwd",
                    ]
                )
                request["jwks"] = draw(
                    st.lists(names, max_size=2) | st.lists(hostile_texts(), max_size=2)
                )
            case "products":
                uris = st.sampled_from(
                    [
                        "urn://aalst/balie",
                        "urn://gentle/x",
                        "urn://gent/../aalst/x",
                        "urn://gent/ander",
                    ]
                )
                request["products"] = {
                    "dosis": {**DOSIS, "bron_uri": draw(uris)},
                    "notificaties": draw(st.sampled_from([NOTIFICATIES, VICTIMS_NOTIFICATIES])),
                }
            case "attributes":
                names = st.sampled_from([ATTRIBUTE, "vo_ovocode", "sub"]) | hostile_texts()
                request["attributes"] = {
                    draw(names): draw(st.sampled_from(["loket", "OVO000067"]) | hostile_texts())
                }
                request["scopes"][PLAIN] = {"default": draw(st.booleans())}
            case "adopt":
                known = st.sampled_from([*client_ids, ".", "..", "a/b", "%2e", "account-console"])
                request["adopt"] = {"acmidm": draw(known | hostile_texts())}
            case "formerly":
                form["formerly"] = draw(NAMES | hostile_texts())
            case "contacts":
                form["contacts"] = draw(
                    st.sampled_from([["a@gent.example"] * 60, ["a@" + "g" * 250 + ".example"]])
                )
            case _:
                _spoil(draw, form)
    return form


def _spoil(draw: st.DrawFn, document: dict[str, Any]) -> None:
    """Put something hostile into a member, at any depth."""
    inside = [value for value in document.values() if isinstance(value, dict) and value]
    if draw(st.booleans()) and inside:
        _spoil(draw, inside[draw(st.integers(0, len(inside) - 1))])
    else:
        document[draw(st.sampled_from(sorted(document)) | hostile_texts())] = draw(hostile_values())


FILES = [
    "organisation",
    "**",
    "a\nb",
    "##vso[x]",
    "\x1b[2J",
    "::error::x",
    "-x",
    ".hidden",
    "sub/deep",
]


@st.composite
def pull_requests(draw: st.DrawFn, client_ids: list[str]) -> dict[str, dict[str, Any]]:
    """Up to two forms, by the names of their files without ``.yaml``."""
    names = draw(st.lists(st.sampled_from(APPLICATIONS[:3]), min_size=1, max_size=2, unique=True))
    if draw(st.integers(0, 5)) == 0:
        names.append(draw(st.sampled_from(FILES)))
    return {name: draw(forms(name, client_ids)) for name in names}


def test_one_organisation_reaches_itself_alone(place: ClientKey, portal: RunningPortal) -> None:
    """Always the same pull requests."""
    examples = 10
    counted = {"refused": 0, "applied": 0}

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
        phases=[Phase.generate],
    )
    @given(pulls=st.lists(pull_requests(place.client_ids), min_size=1, max_size=2))
    def run(pulls: list[dict[str, Any]]) -> None:
        note(ascii(pulls))
        start(place)
        for number, pull in enumerate(pulls):
            write_pull(place, pull)
            counted["applied" if apply(place, portal, number) else "refused"] += 1

    run()
    assert min(counted.values()) > examples / 20


def start(place: ClientKey) -> None:
    """Everything as it was before the pull requests, at the authority too."""
    if place.is_as_begun:
        return
    shutil.rmtree(place.stack.forms)
    shutil.copytree(place.begin, place.stack.forms)
    ran = place.stack.up()
    assert not ran.troubled, ran.troubled
    place.before, place.is_as_begun = place.others(), True


def write_pull(place: ClientKey, pull: Mapping[str, Any]) -> None:
    """Put the forms in the author's folder, in place of those that are there; the organisation's
    own file stays."""
    folder = place.stack.forms / "gent"
    organisation = (folder / "organisation.yaml").read_text()
    for name, text in KEY_FILES.items():
        (folder / name).write_text(text)
    for name, target in LINKS.items():
        if any(name in str(form) for form in pull.values()):
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(target)
    for name, form in pull.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        with contextlib.suppress(UnicodeEncodeError):  # what no file can hold, no pull request does
            file.write_text(yaml.safe_dump(form, sort_keys=False, allow_unicode=False))
    (folder / "organisation.yaml").write_text(organisation)


def apply(place: ClientKey, portal: RunningPortal, number: int) -> bool:
    """Whether the pull request is valid; then its ``up``, with a change of another's beside it."""
    try:
        read_onboardings([place.stack.forms], catalogue_folder()).valid()
    except InvalidForms as error:
        for problem in error.problems:
            assert SECRET not in str(problem)
            assert PEM.splitlines()[1] not in str(problem)
            assert str(problem).isprintable()
        # It is not merged; the forms are as they were.
        shutil.rmtree(place.stack.forms)
        shutil.copytree(place.begin, place.stack.forms)
        return False
    place.is_as_begun = False
    contacts = [f"nieuw-{number}@aalst.example"]
    form = place.stack.forms / "aalst" / "balie.yaml"
    document = yaml.safe_load(form.read_text())
    form.write_text(yaml.safe_dump({**document, "contacts": contacts}))
    ran = place.stack.up()
    assert not [key for key in ran.troubled if not key.startswith("OVO002067/")], ran.troubled
    after, wanted = place.others(), dict(place.before)
    victims = place.victims
    wanted[victims] = {**wanted[victims], "contacts": contacts, "etags": after[victims]["etags"]}
    differing = {
        name for name in after.keys() | wanted.keys() if after.get(name) != wanted.get(name)
    }
    assert not differing, "\n".join(
        json.dumps([name, after.get(name), wanted.get(name)]) for name in differing
    )
    keys = {key["x"] for one in wanted.values() for key in one.get("jwks", {}).get("keys", [])}
    for client in place.authors():
        assert client["organisation"]["name"] == AUTHOR["name"]
        assert not {key["x"] for key in client["jwks"]["keys"]} & keys
        assert "aalst" not in json.dumps([client["notificaties"], client["dosis"]])
    assert (
        portal.request_token(
            sign_assertion(portal.operator_key, OPERATOR, portal.issuer)
        ).status_code
        == 200
    )
    drift = place.stack.acmidm("drift", "--stack", "tni", "--output", "json")
    assert drift.code in (0, 1), drift.stderr
    assert place.registry.audit()
    return True
