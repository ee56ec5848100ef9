"""``acmidm keys``: what it makes, what it leaves when it fails, and that no private key is ever shown or kept in a repository."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID
from jwcrypto.jwk import JWK
from typer.testing import CliRunner, Result

from acmidm import writing
from acmidm.cli import app
from acmidm_onboarding.model.documents import read_document
from acmidm_onboarding.model.form import MOST_KEYS
from tests.unit.by_hand import contents, descriptor, typed
from tests.unit.model.workspace import FORM, WITHOUT_KEYS, Workspace, private_key, public_key

PASSPHRASE = "correct horse battery staple"
FORM_FILE = "onboardings/gent/mijn-gent.yaml"
ASKING = ["keys", "new", FORM_FILE, "--environment", "tni"]
ENDS = datetime.now(UTC) + timedelta(days=100)


def keys(*arguments: str, passphrase: str | None = PASSPHRASE, form: str = FORM_FILE, environment: str = "tni") -> Result:
    command, *more = arguments
    given = [] if passphrase is None else ["--passphrase-fd", str(descriptor(passphrase))]
    return CliRunner().invoke(app, ["keys", command, form, *more, "--environment", environment, *given])


def refused(*arguments: str, **how: Any) -> str:
    """What is said of a refusal, which leaves everything as it was."""
    before = contents(Path(), Path.home())
    result = keys(*arguments, **how)
    assert (result.exit_code, contents(Path(), Path.home())) == (2, before), result.output
    return result.output


def private_files() -> list[Path]:
    return sorted((Path.home() / ".acmidm/keys").glob("*")) if (Path.home() / ".acmidm").exists() else []


def named(environment: str = "tni") -> list[str]:
    document: Any = read_document(Path(FORM_FILE).absolute(), Path(FORM_FILE)).data
    return list(document["environments"][environment].get("jwks", ()))


def only_public(result: Result) -> None:
    """Neither a private key nor the passphrase is in what a command says."""
    assert "PRIVATE KEY" not in result.output
    assert PASSPHRASE not in result.output
    for file in private_files():
        assert not any(line in result.output for line in file.read_text().splitlines() if len(line) > 20)


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
    assert {name: public[name] for name in ("x", "y")} == {name: known.export_public(as_dict=True)[name] for name in ("x", "y")}
    assert 364 <= (datetime.fromtimestamp(public["exp"], UTC) - datetime.now(UTC)).days <= 365
    assert Path(FORM_FILE).read_text() == before.replace("[tni.jwk.json]", f"[tni.jwk.json, {new}]")
    assert place.sentences() == []
    assert {str(private), f"onboardings/gent/{new}", public["kid"]} <= set(result.output.replace(",", "").split())
    assert "haal daarna uit jwks wat hij vervangt, zodra de ingestelde overlap voorbij is: tni" in result.output


@pytest.mark.usefixtures("place")
def test_it_speaks_the_language_of_the_organisation() -> None:
    file = Path("onboardings/gent/organisation.yaml")
    file.write_text(f"{file.read_text().rstrip()}\nlanguage: en\n")
    assert "take out of jwks what it replaces: tni" in keys("new").output


def test_in_profile_acmidm_it_is_an_rsa_key_of_4096_bits(place: Workspace) -> None:
    """What the public clients of ACM/IDM sign with today."""
    place.write("Pulumi.tni.yaml", "config: {acmidm:environment: tni}\n")
    place.write_form(WITHOUT_KEYS)
    result = keys("new", "--days", "90")
    assert result.exit_code == 0, result.output
    public = json.loads(Path("onboardings/gent", *named()).read_text())
    assert (public["alg"], JWK(**{name: public[name] for name in ("kty", "n", "e")}).get_op_key("verify").key_size) == ("RS256", 4096)
    assert 89 <= (datetime.fromtimestamp(public["exp"], UTC) - datetime.now(UTC)).days <= 90
    assert "een sleutel die in het Beheerportaal staat en hier niet, gaat weg" in result.output


def test_rotation_adds_a_key_beside_the_old_one(place: Workspace) -> None:
    assert "make its first with acmidm keys new" in keys("rotate", form=str(place.write_form(WITHOUT_KEYS))).output
    place.write_form(FORM)
    result = keys("rotate", environment="prod")
    assert result.exit_code == 0, result.output
    assert named("prod")[0] == "prod.jwk.json"
    assert len(named("prod")) == 2
    assert "acmidm probe onboardings/gent/mijn-gent.yaml --stack prod --client-id CLIENT_ID --private-key " in result.output


@pytest.mark.usefixtures("place")
def test_a_sixth_key_is_refused_before_it_is_made() -> None:
    for number in range(MOST_KEYS - 1):
        result = keys("new")
        assert result.exit_code == 0, (number, result.output)
    for command in ("new", "rotate"):
        said = refused(command)
        assert "names 5 keys for tni, and has 5 at most; take one that is no longer used out of jwks first" in said
        assert f"the first to end is tni, on {ENDS:%Y-%m-%d}" in said
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
    file = {"below it": top / "deep/er/key.pem", "linked into it": tmp_path / "link/er/key.pem"}.get(where, top / "key.pem")
    said = refused("new", "--private-key", str(file))
    assert f"is in the Git repository {top.resolve()}" in said


def test_nothing_is_written_over(place: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither a file nor what a link of that name leads to; a file of another key gets another name beside it."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "key.pem").write_text("mine")
    (folder / "link.pem").symlink_to(folder / "absent")
    for name in ("key.pem", "link.pem"):
        assert "exists already, and is never overwritten" in refused("new", "--private-key", str(folder / name))
    assert (folder / "key.pem").read_text() == "mine"
    year = datetime.now(UTC).year
    place.write(f"onboardings/gent/mijn-gent-tni-{year}.jwk.json", "not named by any form")
    assert keys("new").exit_code == 0
    assert named()[-1] == f"mijn-gent-tni-{year}-2.jwk.json"
    assert Path(f"onboardings/gent/mijn-gent-tni-{year}.jwk.json").read_text() == "not named by any form"


@pytest.mark.parametrize("step", ["the private key", "the public key", "the form"])
@pytest.mark.usefixtures("place")
def test_a_step_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """An error of a full disk names no file; the sentence does."""
    before, done, steps = contents(Path(), Path.home()), [], ("the private key", "the public key", "the form")

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


def test_a_form_that_changed_meanwhile_is_left(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    original, theirs = writing.write_once, FORM.replace("dossiers", "their own words")

    def meanwhile(*arguments: Any) -> None:
        place.write_form(theirs)
        original(*arguments)

    before = contents(Path(), Path.home())
    monkeypatch.setattr("acmidm.writing.write_once", meanwhile)
    result = keys("new")
    assert result.exit_code == 2
    assert "was changed meanwhile, and left as it is" in result.output
    assert contents(Path(), Path.home()) == {**before, FORM_FILE: theirs.encode()}


@pytest.mark.usefixtures("place")
def test_the_form_is_replaced_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill at any moment leaves a key that nobody uses, or a form that names a key that is there."""
    seen: list[tuple[bool, bool, bool]] = []

    def looking(original: Callable[..., Any]) -> Callable[..., Any]:
        def look(*arguments: Any) -> Any:
            public = Path(f"onboardings/gent/mijn-gent-tni-{datetime.now(UTC).year}.jwk.json").exists()
            seen.append((bool(list((Path.home() / ".acmidm").rglob("*.pem"))), public, "tni-20" in Path(FORM_FILE).read_text()))
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
    """The profile allows 365 days; what is wrong is told of the form as it would be, at its place."""
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
        ("onboardings/gent/organisation.yaml", "tni", "onboardings/gent/organisation.yaml is no form; name one"),
        ("onboardings/gent/notes.txt", "tni", "is not a mapping of names to values"),
        ("onboardings/gent/absent.yaml", "tni", "there is no file or folder of this name"),
    ):
        said = refused("new", form=form, environment=environment)
        assert sentence in said


REFUSED_FORMS = {
    "a secret": (
        WITHOUT_KEYS.replace("private_key_jwt", "client_secret_basic\nexemptions: {client-secret: {reason: x, reference: y}}"),
        "choose token_endpoint_auth_method private_key_jwt first",
    ),
    "an address": (FORM.replace("jwks: [tni.jwk.json]", "jwks_uri: https://keys.gent.example/jwks"), "publish the key there"),
    "no such environment": (FORM.partition("  prod:")[0], "has no prod under environments; add it first"),
}


@pytest.mark.parametrize("case", REFUSED_FORMS)
def test_a_form_that_takes_no_key_says_why(place: Workspace, case: str) -> None:
    text, sentence = REFUSED_FORMS[case]
    place.write_form(text)
    place.write("Pulumi.tni.yaml", "config: {acmidm:environment: tni, acmidm:profile: fapi2, acmidm:authority: keycloak}\n")
    said = refused("new", environment="prod" if case == "no such environment" else "tni")
    assert sentence in said


@pytest.mark.usefixtures("place")
def test_a_passphrase_is_long_and_comes_from_somewhere() -> None:
    for passphrase, sentence in (("short", "has less than 12 characters"), (None, "there is no terminal to type a passphrase at")):
        said = refused("new", passphrase=passphrase)
        assert sentence in said
        assert "short" not in said
    result = CliRunner().invoke(app, [*ASKING, "--passphrase-fd", "9999"])
    assert "file descriptor 9999 cannot be read" in result.output


@pytest.mark.usefixtures("place")
def test_a_passphrase_is_typed_twice_at_a_terminal_that_does_not_show_it() -> None:
    before = contents(Path(), Path.home())
    assert "the two passphrases differ, and no key was made" in typed(ASKING, PASSPHRASE, PASSPHRASE + "!")
    assert contents(Path(), Path.home()) == before
    shown = typed(ASKING, PASSPHRASE, PASSPHRASE)
    assert PASSPHRASE not in shown
    [private] = private_files()
    assert load_pem_private_key(private.read_bytes(), PASSPHRASE.encode())


PAIR = ec.generate_private_key(ec.SECP256R1())


def certificate(ends: datetime = ENDS) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loket")])
    builder = x509.CertificateBuilder(name, name, PAIR.public_key(), x509.random_serial_number())
    return builder.not_valid_before(ends - timedelta(days=300)).not_valid_after(ends).sign(PAIR, hashes.SHA256())


def jwk(**more: Any) -> dict[str, Any]:
    return {**public_key("given", kty="EC", crv="P-256"), "alg": "ES256", "exp": int(ENDS.timestamp()), **more}


PUBLIC_PEM = PAIR.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PKCS12 = serialize_key_and_certificates(b"loket", PAIR, certificate(), None, BestAvailableEncryption(PASSPHRASE.encode()))
GIVEN: dict[str, tuple[bytes, list[str]]] = {
    "JWK": (json.dumps(jwk()).encode(), []),
    "JWK with a mark": (b"\xef\xbb\xbf" + json.dumps(jwk()).encode(), []),
    "JWK Set": (json.dumps({"keys": [jwk(), {**jwk(), "use": "enc", "kid": "other"}]}).encode(), []),
    "public key in PEM": (PUBLIC_PEM, ["--days", "100"]),
    "public key in DER": (PAIR.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), ["--days", "100"]),
    "certificate in PEM": (certificate().public_bytes(Encoding.PEM), []),
    "certificate in DER": (certificate().public_bytes(Encoding.DER), []),
    "PKCS#12": (PKCS12, []),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_what_people_have_is_taken(place: Workspace, kind: str) -> None:
    content, more = GIVEN[kind]
    file = place.write("given", content)
    result = keys("add", str(file), *more)
    assert result.exit_code == 0, result.output
    only_public(result)
    [_, new] = named()
    public = json.loads(Path("onboardings/gent", new).read_text())
    assert abs(public["exp"] - ENDS.timestamp()) < 86400, "the end of a certificate is that of its key"
    assert public["alg"] == "ES256"
    if not kind.startswith("JWK"):
        assert (public["kid"], public["use"]) == (JWK.from_pyca(PAIR).thumbprint(), "sig")
    assert place.sentences() == []


def test_each_key_of_a_set_gets_a_file(place: Workspace) -> None:
    two = [jwk(), {**public_key("second", kty="EC", crv="P-256"), "alg": "ES256", "exp": int(ENDS.timestamp())}]
    assert keys("add", str(place.write("set", {"keys": two}))).exit_code == 0
    assert [json.loads(Path("onboardings/gent", name).read_text())["kid"] for name in named()[1:]] == ["given", "second"]
    many = [{**public_key(f"k{number}", kty="EC", crv="P-256"), "exp": int(ENDS.timestamp())} for number in range(3)]
    place.write("set", {"keys": many})
    assert "names 3 keys for tni, and has 5 at most" in refused("add", "set")


SECRET = private_key("ec", kty="EC", crv="P-256")
OWN = BestAvailableEncryption(PASSPHRASE.encode())
PRIVATE: dict[str, bytes] = {
    "PKCS#8": PAIR.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "PKCS#8, encrypted": PAIR.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, OWN),
    "PEM of OpenSSL": PAIR.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    "DER": PAIR.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "DER, encrypted": PAIR.private_bytes(Encoding.DER, PrivateFormat.PKCS8, OWN),
    "JWK": json.dumps({**SECRET, "exp": int(ENDS.timestamp())}).encode(),
    "JWK Set": json.dumps({"keys": [{**SECRET, "exp": int(ENDS.timestamp())}]}).encode(),
}
UNREAD: dict[str, bytes] = {
    "OpenSSH": PAIR.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    "PuTTY": b"PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\n" + b"A" * 40,
    "another passphrase": PAIR.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x" * 12)),
    "certificate and key": certificate().public_bytes(Encoding.PEM) + PAIR.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "a member twice": json.dumps(SECRET).replace("{", '{"d": null, ', 1).encode(),
    "symmetric": json.dumps({"kty": "oct", "k": SECRET["d"]}).encode(),
}


def require_unrepeated(content: bytes, said: str) -> None:
    secrets = [SECRET["d"], *(line for line in content.decode("latin-1").splitlines() if len(line) > 30)]
    assert not any(secret in said for secret in secrets)


@pytest.mark.parametrize("kind", PRIVATE)
def test_of_a_private_key_the_public_half_is_taken(place: Workspace, tmp_path_factory: pytest.TempPathFactory, kind: str) -> None:
    """It stays where it is, and nothing of it is shown or written. In a Git repository it is refused, for it is shared one day."""
    file = tmp_path_factory.mktemp("own") / "key"
    file.write_bytes(PRIVATE[kind])
    (file.parent / ".git").mkdir()
    said = refused("add", str(file), "--days", "100")
    assert f"a private key in the Git repository {file.parent}; make a new pair, as this one has been shared" in said
    require_unrepeated(PRIVATE[kind], said)
    (file.parent / ".git").rmdir()
    result = keys("add", str(file), "--days", "100")
    assert result.exit_code == 0, result.output
    assert f"private sleutel   {file} blijft waar hij is" in result.output
    assert f"--private-key {file}" in result.output
    only_public(result)
    require_unrepeated(PRIVATE[kind], result.output)
    written = Path("onboardings/gent", named()[-1]).read_text()
    assert json.loads(written)["kid"] == (SECRET["kid"] if "JWK" in kind else JWK.from_pyca(PAIR).thumbprint())
    require_unrepeated(PRIVATE[kind], written)
    assert place.sentences() == []


@pytest.mark.parametrize("encryption", [NoEncryption(), OWN], ids=["open", "encrypted"])
def test_so_is_the_private_key_of_a_pkcs12_file_in_a_repository(tmp_path: Path, place: Workspace, encryption: Any) -> None:
    file = tmp_path / "own" / "key.p12"
    (file.parent / ".git").mkdir(parents=True)
    file.write_bytes(serialize_key_and_certificates(b"x", PAIR, certificate(), None, encryption))
    assert f"a private key in the Git repository {file.parent}; make a new pair" in refused("add", str(file))
    assert place.sentences() == []


@pytest.mark.parametrize("kind", UNREAD)
def test_a_private_key_that_cannot_be_read_is_refused_and_not_repeated(place: Workspace, kind: str) -> None:
    said = refused("add", str(place.write("given", UNREAD[kind])))
    assert "private" in said or "symmetric" in said
    require_unrepeated(UNREAD[kind], said)


USELESS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "this is no key that can be read"),
    "noise": (b"\x30\x82" + b"x" * 100, "this is no key that can be read"),
    "no JSON": (b'{"kty": "EC",', "this is no JSON that can be read"),
    "PEM of something else": (b"-----BEGIN X-----\nAAAA\n-----END X-----\n", "this is no key that can be read"),
    "ended": (certificate(datetime.now(UTC) - timedelta(days=1)).public_bytes(Encoding.PEM), "ended on"),
    "two certificates": (certificate().public_bytes(Encoding.PEM) * 2, "there are 2 keys or certificates in it"),
    "two public keys": (PUBLIC_PEM * 2, "there are 2 keys or certificates in it"),
    "too large": (b"{" + b" " * 65_536, "is larger than 65536 bytes"),
    "on another curve": (
        ec.generate_private_key(ec.SECP256K1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "secp256k1",
    ),
    "PKCS#12 with another passphrase": (
        serialize_key_and_certificates(b"x", PAIR, certificate(), None, BestAvailableEncryption(b"another passphrase")),
        "cannot be opened; check its passphrase",
    ),
    "PKCS#12 without certificate": (
        serialize_key_and_certificates(b"x", PAIR, None, None, BestAvailableEncryption(PASSPHRASE.encode())),
        "has no certificate of its key",
    ),
    "without an end, where the profile wants one": (PUBLIC_PEM, "has no exp; profile fapi2 requires one"),
}


@pytest.mark.parametrize("kind", USELESS)
def test_what_is_no_key_says_why(place: Workspace, kind: str) -> None:
    content, sentence = USELESS[kind]
    file = place.write("given\nerror: another", content)
    said = refused("add", str(file))
    assert sentence in said
    assert len(said.splitlines()) == 1
