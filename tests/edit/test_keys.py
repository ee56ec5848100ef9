"""``acmidm keys``: what it makes, what it leaves when it fails, and that no private key is ever
shown or kept in a repository."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
)
from jwcrypto.jwk import JWK
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.words import first_of
from acmidm_onboarding import files as writing
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.problems import first_listed
from acmidm_onboarding.values.terms import MOST_KEYS, Environment
from tests.edit.command_line import (
    FORM_FILE,
    PASSPHRASE,
    keys,
    named,
    only_public,
    private_files,
    refused,
)
from tests.support.terminal import contents, typed
from tests.support.workspace import FORM, WITHOUT_KEYS, Workspace, public_key

SENDS = """\
api:
  source: the tests
  test_message: {path: /api/v2/notificaties, document: {Id: "TEST-{id}"}}
"""
"""Of a product's API no call is known that only reads."""
ASKING = ["keys", "new", FORM_FILE, "--environment", "tni"]


def test_a_new_pair_is_named_in_the_form_and_encrypted_elsewhere(place: Workspace) -> None:
    before = Path(FORM_FILE).read_text()
    result = keys("new")
    assert result.exit_code == 0, result.output
    only_public(result)
    [private] = private_files()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    assert private.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    with pytest.raises(TypeError, match=r"[Pp]assword"):
        load_pem_private_key(private.read_bytes(), None)
    opened = load_pem_private_key(private.read_bytes(), PASSPHRASE.encode())
    [old, new] = named()
    assert (old, new) == ("tni.jwk.json", f"mijn-gent-tni-{datetime.now(UTC).year}.jwk.json")
    public = json.loads(Path("onboardings/gent", new).read_text())
    known = JWK.from_pyca(opened.public_key())
    assert public["kid"] == known.thumbprint()
    assert (public["use"], public["alg"], public["crv"]) == ("sig", "ES256", "P-256")
    assert {name: public[name] for name in ("x", "y")} == {
        name: known.export_public(as_dict=True)[name] for name in ("x", "y")
    }
    assert 364 <= (datetime.fromtimestamp(public["exp"], UTC) - datetime.now(UTC)).days <= 365
    assert Path(FORM_FILE).read_text() == before.replace("[tni.jwk.json]", f"[tni.jwk.json, {new}]")
    assert place.sentences() == []
    assert {str(private), f"onboardings/gent/{new}", public["kid"]} <= set(
        result.output.replace(",", "").split()
    )
    assert (
        "haal daarna uit jwks wat hij vervangt, met acmidm keys remove, zodra de ingestelde overlap"
        in result.output
    )


@pytest.mark.usefixtures("place")
def test_it_speaks_the_language_of_the_organisation() -> None:
    file = Path("onboardings/gent/organisation.yaml")
    file.write_text(f"{file.read_text().rstrip()}\nlanguage: en\n")
    assert "take out of jwks what it replaces, with acmidm keys remove: tni" in keys("new").output


def test_in_profile_acmidm_it_is_an_rsa_key_of_4096_bits(place: Workspace) -> None:
    """What the public clients of ACM/IDM sign with today."""
    place.write("Pulumi.tni.yaml", "config: {acmidm:environment: tni}\n")
    place.write_form(WITHOUT_KEYS)
    result = keys("new", "--days", "90")
    assert result.exit_code == 0, result.output
    public = json.loads(Path("onboardings/gent", *named()).read_text())
    assert (
        public["alg"],
        JWK(**{name: public[name] for name in ("kty", "n", "e")}).get_op_key("verify").key_size,
    ) == (
        "RS256",
        4096,
    )
    assert 89 <= (datetime.fromtimestamp(public["exp"], UTC) - datetime.now(UTC)).days <= 90
    assert "een sleutel die in het Beheerportaal staat en hier niet, gaat weg" in result.output


def test_rotation_adds_a_key_beside_the_old_one(place: Workspace) -> None:
    assert (
        "make its first with acmidm keys new"
        in keys("rotate", form=str(place.write_form(WITHOUT_KEYS))).output
    )
    place.write_form(FORM)
    result = keys("rotate", environment="prod")
    assert result.exit_code == 0, result.output
    assert named("prod")[0] == "prod.jwk.json"
    assert len(named("prod")) == 2
    assert (
        "acmidm probe onboardings/gent/mijn-gent.yaml --stack prod --client-id CLIENT_ID"
        " --private-key " in result.output
    )


@pytest.mark.parametrize("of", ["form", "supplier"])
@pytest.mark.parametrize("sends", [False, True], ids=["reads", "sends"])
def test_rotation_names_the_command_that_proves_the_new_key(
    place: Workspace, of: str, sends: bool
) -> None:
    """With what the API of a product needs, as the board and the gate name it."""
    if sends:
        file = place.catalogue / "notificaties.yaml"
        file.write_text(file.read_text() + SENDS)
    if of == "supplier":
        supplied(place)
        result = keys("rotate", "--supplier", "leverancier", form=None)
    else:
        result = keys("rotate")
    assert result.exit_code == 0, result.output
    options = "--send-test-message --record" if sends else "--record"
    assert f".private.pem {options} bewijst dat de nieuwe sleutel werkt" in result.output


def test_a_sixth_key_is_refused_before_it_is_made(place: Workspace) -> None:
    exp = json.loads((place.forms / "gent" / "tni.jwk.json").read_text())["exp"]
    ends = datetime.fromtimestamp(exp, UTC)
    for number in range(MOST_KEYS - 1):
        result = keys("new")
        assert result.exit_code == 0, (number, result.output)
    for command in ("new", "rotate"):
        said = refused(command)
        assert (
            "names 5 keys for tni, and has 5 at most; take one that is no longer used out of jwks"
            " first" in said
        )
        assert f"the first to end is tni, on {ends:%Y-%m-%d}" in said
    assert len(private_files()) == MOST_KEYS - 1


PLACES = ("repository", "below it", "worktree", "linked into it", "bare")


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.usefixtures("place")
def test_a_private_key_is_never_in_a_repository(tmp_path: Path, where: str) -> None:
    """Whatever leads there: a work tree whose ``.git`` is a file, a folder below it, a link."""
    top = tmp_path / "elsewhere"
    (top / "deep/er").mkdir(parents=True)
    if where == "worktree":
        (top / ".git").write_text("gitdir: /nowhere\n")
    elif where == "bare":
        for name in ("objects", "refs"):
            (top / name).mkdir()
        (top / "HEAD").write_text("ref: refs/heads/main\n")
    else:
        (top / ".git").mkdir()
    (tmp_path / "link").symlink_to(top / "deep")
    file = {
        "below it": top / "deep/er/key.pem",
        "linked into it": tmp_path / "link/er/key.pem",
    }.get(where, top / "key.pem")
    said = refused("new", "--private-key", str(file))
    assert f"is in the Git repository {top.resolve()}" in said


def test_nothing_is_written_over(
    place: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Neither a file nor what a link of that name leads to; a file of another key gets another name
    beside it."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "key.pem").write_text("mine")
    (folder / "link.pem").symlink_to(folder / "absent")
    for name in ("key.pem", "link.pem"):
        assert "exists already, and is never overwritten" in refused(
            "new", "--private-key", str(folder / name)
        )
    assert (folder / "key.pem").read_text() == "mine"
    year = datetime.now(UTC).year
    place.write(f"onboardings/gent/mijn-gent-tni-{year}.jwk.json", "not named by any form")
    assert keys("new").exit_code == 0
    assert named()[-1] == f"mijn-gent-tni-{year}-2.jwk.json"
    assert (
        Path(f"onboardings/gent/mijn-gent-tni-{year}.jwk.json").read_text()
        == "not named by any form"
    )


@pytest.mark.parametrize("step", ["the private key", "the public key", "the form"])
@pytest.mark.usefixtures("place")
def test_a_step_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """An error of a full disk names no file; the sentence does."""
    before, done, steps = (
        contents(Path(), Path.home()),
        [],
        ("the private key", "the public key", "the form"),
    )

    def fails(number: int) -> None:
        done.append(number)
        if steps[len(done) - 1] == step:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    result = keys("new")
    assert result.exit_code == 2, result.output
    name = {"the private key": ".private.pem", "the public key": ".jwk.json"}.get(step, FORM_FILE)
    assert f"{name} cannot be written: No space left on device; make room " in result.output
    assert contents(Path(), Path.home()) == before
    assert len(done) == steps.index(step) + 1


def test_a_form_that_changed_meanwhile_is_left(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, theirs = writing.write_once, FORM.replace("dossiers", "their own words")

    def meanwhile(*arguments: Any) -> None:
        place.write_form(theirs)
        original(*arguments)

    before = contents(Path(), Path.home())
    monkeypatch.setattr("acmidm_onboarding.files.write_once", meanwhile)
    result = keys("new")
    assert result.exit_code == 2
    assert "was changed meanwhile, and left as it is" in result.output
    assert contents(Path(), Path.home()) == {**before, FORM_FILE: theirs.encode()}


@pytest.mark.usefixtures("place")
def test_the_form_is_replaced_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill at any moment leaves a key that nobody uses, or a form that names a key that is
    there."""
    seen: list[tuple[bool, bool, bool]] = []

    def looking(original: Callable[..., Any]) -> Callable[..., Any]:
        def look(*arguments: Any) -> Any:
            public = Path(
                f"onboardings/gent/mijn-gent-tni-{datetime.now(UTC).year}.jwk.json"
            ).exists()
            seen.append(
                (
                    bool(list((Path.home() / ".acmidm").rglob("*.pem"))),
                    public,
                    "tni-20" in Path(FORM_FILE).read_text(),
                )
            )
            return original(*arguments)

        return look

    for place, name in ((os, "link"), (Path, "replace")):
        monkeypatch.setattr(place, name, looking(getattr(place, name)))
    assert keys("new").exit_code == 0
    assert seen == [(False, False, False), (True, False, False), (True, True, False)]


@pytest.mark.parametrize("command", ["new", "rotate"])
def test_an_end_that_no_calendar_has_is_refused(place: Workspace, command: str) -> None:  # noqa: ARG001
    said = refused(command, "--days", "99999999")
    assert "Traceback" not in said


def test_a_form_that_would_not_be_valid_gets_no_key(place: Workspace) -> None:
    """The profile allows 365 days; what is wrong is told of the form as it would be, at its
    place."""
    said = refused("new", "--days", "400")
    assert said.startswith(f"{FORM_FILE}:7:26: key ")
    assert "profile fapi2 allows 365 days" in said
    place.write_form(FORM.replace("contacts: [api-beheer@stad-gent.example]", "contacts: []"))
    said = refused("new")
    assert said.startswith(f'{FORM_FILE}:2:11: "contacts" is empty')


def test_what_is_no_environment_or_form_is_wrong_use(place: Workspace) -> None:
    place.write("onboardings/gent/notes.txt", "x")
    for form, environment, sentence in (
        (FORM_FILE, "test", '"test" is no environment; it is tni or prod'),
        ("onboardings/gent", "tni", "onboardings/gent is a folder; name one form"),
        (
            "onboardings/gent/organisation.yaml",
            "tni",
            "onboardings/gent/organisation.yaml is no form; name one",
        ),
        ("onboardings/gent/notes.txt", "tni", "is not a mapping of names to values"),
        ("onboardings/gent/absent.yaml", "tni", "there is no file or folder of this name"),
    ):
        said = refused("new", form=form, environment=environment)
        assert sentence in said
    place.write_form("application: [x]\n")
    folder = refused("new", form="onboardings/gent")
    assert "onboardings/gent is a folder; name one form" in folder, "whatever its forms have"


REFUSED_FORMS = {
    "a secret": (
        WITHOUT_KEYS.replace(
            "private_key_jwt",
            "client_secret_basic\nexemptions: {client-secret: {reason: x, reference: y}}",
        ),
        "choose token_endpoint_auth_method private_key_jwt first",
    ),
    "an address": (
        FORM.replace("jwks: [tni.jwk.json]", "jwks_uri: https://keys.gent.example/jwks"),
        "publish the key there",
    ),
    "no such environment": (
        FORM.partition("  prod:")[0],
        "has no prod under environments; add it first",
    ),
}


@pytest.mark.parametrize("case", REFUSED_FORMS)
def test_a_form_that_takes_no_key_says_why(place: Workspace, case: str) -> None:
    text, sentence = REFUSED_FORMS[case]
    place.write_form(text)
    place.write(
        "Pulumi.tni.yaml",
        "config: {acmidm:environment: tni, acmidm:profile: fapi2, acmidm:authority: keycloak}\n",
    )
    said = refused("new", environment="prod" if case == "no such environment" else "tni")
    assert sentence in said


@pytest.mark.usefixtures("place")
def test_a_passphrase_is_long_and_comes_from_somewhere() -> None:
    for passphrase, sentence in (
        ("short", "has less than 12 characters"),
        (None, "there is no terminal to type a passphrase at"),
    ):
        said = refused("new", passphrase=passphrase)
        assert sentence in said
        assert "short" not in said
    result = CliRunner().invoke(app, [*ASKING, "--passphrase-fd", "9999"])
    assert "file descriptor 9999 cannot be read" in result.output


@pytest.mark.tool
@pytest.mark.usefixtures("place")
def test_a_passphrase_is_typed_twice_at_a_terminal_that_does_not_show_it() -> None:
    before = contents(Path(), Path.home())
    assert "the two passphrases differ, and no key was made" in typed(
        ASKING, PASSPHRASE, PASSPHRASE + "!"
    )
    assert contents(Path(), Path.home()) == before
    shown = typed(ASKING, PASSPHRASE, PASSPHRASE)
    assert PASSPHRASE not in shown
    [private] = private_files()
    assert load_pem_private_key(private.read_bytes(), PASSPHRASE.encode())


def test_of_a_supplier_one_list_changes_and_no_form(place: Workspace) -> None:
    """Comments stay; it says whom it reaches. A form with its keys sends there, and no one of two
    places is guessed."""
    place.write_supplier()
    for name in ("tni", "prod"):
        key = {
            **json.loads((place.forms / f"gent/{name}.jwk.json").read_text()),
            "kid": f"of-supplier-{name}",
        }
        (place.forms / f"leverancier/{name}.jwk.json").write_text(json.dumps(key))
        (place.forms / f"gent/{name}.jwk.json").unlink()
    file, form = place.forms / "leverancier/keys.yaml", place.forms / "gent/mijn-gent.yaml"
    file.write_text("# ours\ntni: [tni.jwk.json] # TNI\nprod: [prod.jwk.json]\n")
    before, of_supplier = form.read_text(), ("--supplier", "leverancier", "--environment", "tni")
    result = keys("rotate", "--supplier", "leverancier", form=None)
    assert result.exit_code == 0, result.output
    new = f"leverancier-tni-{datetime.now(UTC).year}"
    assert (
        file.read_text()
        == f"# ours\ntni: [tni.jwk.json, {new}.jwk.json] # TNI\nprod: [prod.jwk.json]\n"
    )
    assert [private.name for private in private_files()] == [f"{new}.private.pem"]
    assert "Dat bereikt 1 formulier: gent/mijn-gent." in result.output
    assert "haal daarna uit keys.yaml wat hij vervangt" in result.output
    assert form.read_text() == before
    public = place.write(
        "public.jwk.json", public_key("third", kty="EC", crv="P-256") | {"alg": "ES256"}
    )
    added = CliRunner().invoke(app, ["keys", "add", str(public), *of_supplier, "--days", "90"])
    assert added.exit_code == 0, added.output
    assert f"{new}-2.jwk.json" in file.read_text()
    [connection] = place.load().connections(Environment.TNI)
    assert len(connection.keys.declared or ()) == 3
    for arguments, said in (
        (
            ["new", FORM_FILE],
            "has the keys of leverancier (keys_of); make the change there: --supplier leverancier",
        ),
        (
            ["new", FORM_FILE, "--supplier", "leverancier"],
            "name one form, or a supplier in its place",
        ),
        (["new"], "name one form, or a supplier in its place"),
        (
            ["new", "--supplier", "derde"],
            "onboardings/derde has no organisation.yaml; name the folder of a supplier",
        ),
    ):
        assert said in refused(*arguments, form=None)


def test_whom_a_supplier_reaches_is_said_in_its_own_language(place: Workspace) -> None:
    """Also that it is nobody yet, and how many more there are than are named."""
    place.write_organisation("name: Leverancier\n", "leverancier")
    said = keys("new", "--supplier", "leverancier", form=None).output
    assert "Dat bereikt 0 formulieren: geen." in said
    assert first_listed(["a", "b", "c", "d"], Language.NL) == "a, b, c en nog 1"
    numbers = [f"form-{number}" for number in range(12)]
    assert first_of(numbers, language=Language.NL).endswith("form-9 en nog 2")


def test_the_first_key_of_a_supplier_makes_its_list(place: Workspace) -> None:
    """For forms that are to come."""
    place.write_organisation("name: Leverancier\nlanguage: en\n", "leverancier")
    assert "names no key for tni" in refused("rotate", "--supplier", "leverancier", form=None)
    result = keys("new", "--supplier", "leverancier", form=None)
    assert result.exit_code == 0, result.output
    assert "It reaches 0 forms: none." in result.output
    assert (
        (place.forms / "leverancier/keys.yaml").read_text()
        == f"# yaml-language-server: $schema=../../schema/keys.schema.json\ntni: [leverancier-tni-{datetime.now(UTC).year}.jwk.json]\n"  # noqa: E501
    )
    assert place.sentences() == []


def test_a_supplier_without_a_list_has_no_key_to_take_out(place: Workspace) -> None:
    place.write_organisation("name: Leverancier\nlanguage: en\n", "leverancier")
    arguments = ("remove", "--supplier", "leverancier", "--kid", "of-tni")
    said = refused(*arguments, form=None, passphrase=None)
    assert said == 'onboardings/leverancier/keys.yaml names no key "of-tni" for tni; it has none\n'


def supplied(place: Workspace) -> None:
    """Have the form take the keys of a supplier."""
    for environment in ("tni", "prod"):
        (place.forms / f"gent/{environment}.jwk.json").unlink()
    place.write_supplier()
    for environment in ("tni", "prod"):
        place.write_key(ending(f"of-{environment}"), f"leverancier/{environment}")


def ending(name: str) -> dict[str, Any]:
    ends = int((datetime.now(UTC) + timedelta(days=100)).timestamp())
    return public_key(name, kty="EC", crv="P-256") | {"alg": "ES256", "exp": ends}


@pytest.mark.parametrize("of", ["form", "supplier"])
def test_a_key_is_taken_out_with_its_file(place: Workspace, of: str) -> None:
    """Of a form or of a supplier; comments stay, and a list is never left empty."""
    form: str | None
    listed, kid, form, whose = place.forms / "gent/mijn-gent.yaml", "tni", FORM_FILE, list[str]()
    if of == "supplier":
        supplied(place)
        listed, kid, form, whose = (
            place.forms / "leverancier/keys.yaml",
            "of-tni",
            None,
            ["--supplier", "leverancier"],
        )
    file = listed.with_name("second.jwk.json")
    file.write_text(json.dumps(ending("second")))
    listed.write_text(
        listed.read_text().replace("[tni.jwk.json]", "[tni.jwk.json, second.jwk.json]")
    )
    said = refused("remove", *whose, "--kid", "another", form=form, passphrase=None)
    assert f'names no key "another" for tni; it has {", ".join(sorted(["second", kid]))}' in said
    result = keys("remove", *whose, "--kid", "second", form=form, passphrase=None)
    assert result.exit_code == 0, result.output
    assert ("[tni.jwk.json]" in listed.read_text(), file.exists(), place.sentences()) == (
        True,
        False,
        [],
    )
    assert ":" in refused("remove", *whose, "--kid", kid, form=form, passphrase=None)


def test_what_cannot_be_read_beside_a_form_keeps_no_key_in_it(place: Workspace) -> None:
    """A form in another encoding may name the file too, so that it stays; a folder names none."""
    (place.forms / "gent/folder.yaml").mkdir()
    latin = 'application: "caf\xe9"\n# {name}\n'
    for name, stays in (("second", True), ("third", False)):
        place.write_key(ending(name), f"gent/{name}")
        place.write_form(FORM.replace("[tni.jwk.json]", f"[tni.jwk.json, {name}.jwk.json]"))
        named_beside = latin.format(name="second.jwk.json").encode("latin-1")
        place.write("onboardings/gent/latin.yaml", named_beside)
        result = keys("remove", "--kid", name, passphrase=None)
        assert result.exit_code == 0, result.output
        assert named() == ["tni.jwk.json"]
        assert (place.forms / f"gent/{name}.jwk.json").exists() is stays


def test_the_key_of_a_supplier_is_changed_there(place: Workspace) -> None:
    """What the form cannot have, the next validate would refuse: each command says where to go
    instead."""
    supplied(place)
    public = place.write("public.jwk.json", ending("third"))
    for arguments in (["new"], ["rotate"], ["add", str(public)], ["remove", "--kid", "of-tni"]):
        said = refused(*arguments, passphrase=None)
        assert (
            "has the keys of leverancier (keys_of); make the change there: --supplier leverancier"
            in said
        )
