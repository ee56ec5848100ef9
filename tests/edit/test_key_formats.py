"""The formats of private keys: ``acmidm keys new`` and ``rotate`` write each, ``export`` makes one
of another, and the reader of ``acmidm probe`` reads all."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    load_pkcs12,
    serialize_key_and_certificates,
)
from jwcrypto.jwk import JWK
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm.private_key import KeyFormat, PrivateKey, private_key_of, read_private_key
from tests.edit.command_line import PASSPHRASE, keys, named, only_public, private_files, refused
from tests.support.terminal import contents, descriptor, typed
from tests.support.workspace import WITHOUT_KEYS, Workspace

BEGINS = {
    KeyFormat.PKCS8: b"-----BEGIN PRIVATE KEY-----",
    KeyFormat.PKCS1: b"-----BEGIN RSA PRIVATE KEY-----",
    KeyFormat.JWK: b"{",
    KeyFormat.P12: b"\x30",
}
ENCRYPTABLE = [KeyFormat.PKCS8, KeyFormat.P12]
EC, RSA = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)


def export(file: Path, *arguments: str, passphrase: str | None = None) -> Result:
    given = [] if passphrase is None else ["--passphrase-fd", str(descriptor(passphrase))]
    return CliRunner().invoke(app, ["keys", "export", str(file), *arguments, *given])


def not_exported(file: Path, *arguments: str, passphrase: str | None = None) -> str:
    """What is said of a refusal: one sentence, and nothing was written."""
    before = contents(file.parent)
    result = export(file, *arguments, passphrase=passphrase)
    assert (result.exit_code, contents(file.parent)) == (2, before), result.output
    assert len(result.output.splitlines()) == 1
    assert PASSPHRASE not in result.output
    return result.output


def opened(file: Path, passphrase: str = PASSPHRASE) -> PrivateKey:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return read_private_key(file, passphrase.encode)


def written(folder: Path, key: Any, key_format: KeyFormat, passphrase: str | None = None) -> Path:
    file = folder / f"key{key_format.ending}"
    private = private_key_of(json.loads(JWK.from_pyca(key).export_private()))
    file.write_bytes(private.content(key_format, passphrase.encode() if passphrase else None))
    file.chmod(0o600)
    return file


@pytest.mark.parametrize("key_format", KeyFormat)
def test_a_new_key_in_the_format_that_software_reads(
    place: Workspace, key_format: KeyFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unencrypted, which is said; the probe reads it, and its public half is that of the form."""
    monkeypatch.setattr("acmidm.edit.keys.pair.RSA_BITS", 2048)
    place.write("Pulumi.tni.yaml", "config: {acmidm:environment: tni}\n")
    place.write_form(WITHOUT_KEYS)
    open_too = ["--no-passphrase"] if key_format in ENCRYPTABLE else []
    result = keys(
        "new", "--format", key_format, *open_too, "--kid", "8abae908-client", passphrase=None
    )
    assert result.exit_code == 0, result.output
    [file] = private_files()
    assert file.name.endswith(f".private{key_format.ending}")
    assert (
        f"{file}, niet versleuteld: wie het bestand leest, kan zich als de applicatie aanmelden"
        in result.output
    )
    assert file.read_bytes().startswith(BEGINS[key_format])
    public = json.loads(Path("onboardings/gent", *named()).read_text())
    key = opened(file)
    assert (public["kid"], public["n"]) == ("8abae908-client", key.public.members["n"])
    assert not any(
        key.content(KeyFormat.PKCS8, None).decode()[100:160] in text
        for text in (result.output, str(public))
    )
    if key_format is KeyFormat.JWK:
        members = json.loads(file.read_bytes())
        assert {name: members[name] for name in public} == public, "with kid, alg, use and exp"
    if key_format is KeyFormat.P12:
        certificate = load_pkcs12(file.read_bytes(), None).cert
        assert certificate is not None
        assert certificate.friendly_name == b"8abae908-client"
        assert int(certificate.certificate.not_valid_after_utc.timestamp()) == public["exp"]


@pytest.mark.parametrize("key_format", ENCRYPTABLE)
@pytest.mark.usefixtures("place")
def test_a_new_key_with_a_passphrase(key_format: KeyFormat) -> None:
    result = keys("rotate", "--format", key_format)
    assert result.exit_code == 0, result.output
    assert ", versleuteld; bewaar hem en zijn wachtwoordzin" in result.output
    [file] = private_files()
    assert opened(file).public.kid in Path("onboardings/gent", named()[-1]).read_text()
    assert PASSPHRASE not in result.output
    if key_format is KeyFormat.PKCS8:
        only_public(result)


@pytest.mark.usefixtures("place")
def test_what_a_new_key_cannot_be() -> None:
    for arguments, passphrase, sentence in (
        (
            ["--format", "jwk"],
            PASSPHRASE,
            "a file that is not encrypted has no passphrase; leave out --passphrase-fd",
        ),
        (["--no-passphrase"], PASSPHRASE, "a file that is not encrypted has no passphrase"),
        (
            ["--format", "pkcs1"],
            None,
            "this key is not RSA, and PKCS#1 is for RSA alone; choose --format pkcs8",
        ),
        (
            ["--kid", "a b\n"],
            PASSPHRASE,
            "--kid: the key has a kid that is not a text of 1 to 255 bytes",
        ),
        (["--format", "der"], None, "is not one of"),
    ):
        assert sentence in refused("new", *arguments, passphrase=passphrase)


@pytest.mark.parametrize("source", KeyFormat)
@pytest.mark.parametrize("target", KeyFormat)
def test_an_export_is_the_same_key(tmp_path: Path, source: KeyFormat, target: KeyFormat) -> None:
    """With the passphrase of its source, where it takes one; the source stays."""
    secret = PASSPHRASE if source in ENCRYPTABLE else None
    file, new = written(tmp_path, RSA, source, secret), tmp_path / "new" / "key"
    before = file.read_bytes()
    result = export(file, "--format", target, "--private-key", str(new), passphrase=PASSPHRASE)
    assert result.exit_code == 0, result.output
    assert file.read_bytes() == before
    assert opened(new).public.thumbprint == JWK.from_pyca(RSA).thumbprint()
    assert ("encrypted; keep it and its passphrase" in result.output) == (target in ENCRYPTABLE)
    if target in ENCRYPTABLE:
        assert "check its passphrase" in not_exported(
            new, "--private-key", f"{new}-2", passphrase="x" * 12
        )
    if target is KeyFormat.JWK:
        members = json.loads(new.read_bytes())
        assert (members["kid"], members["alg"], members["use"]) == (
            JWK.from_pyca(RSA).thumbprint(),
            "RS256",
            "sig",
        )
    assert f"kid {JWK.from_pyca(RSA).thumbprint()} (RS256)" in result.output


def test_an_export_lies_beside_its_source_and_keeps_its_kid(tmp_path: Path) -> None:
    file = written(tmp_path, EC, KeyFormat.PKCS8)
    assert export(file, "--format", "jwk", "--kid", "mine").exit_code == 0
    assert export(tmp_path / "key.jwk.json", "--format", "p12", "--no-passphrase").exit_code == 0
    members = json.loads((tmp_path / "key.jwk.json").read_text())
    assert (members["kid"], members["alg"]) == ("mine", "ES256")
    certificate = load_pkcs12((tmp_path / "key.jwk.p12").read_bytes(), None).cert
    assert certificate is not None
    assert certificate.friendly_name == b"mine"
    assert certificate.certificate.not_valid_after_utc == datetime(
        9999, 12, 31, 23, 59, 59, tzinfo=UTC
    )


def test_a_key_that_has_ended_and_one_of_ed25519_are_exported(tmp_path: Path) -> None:
    ended = {**json.loads(JWK.from_pyca(EC).export_private()), "exp": 1_700_000_000}
    (tmp_path / "ended").write_text(json.dumps(ended))
    assert export(tmp_path / "ended", "--format", "p12", "--no-passphrase").exit_code == 0
    other = written(tmp_path, ed25519.Ed25519PrivateKey.generate(), KeyFormat.JWK)
    assert export(other, "--format", "p12", "--no-passphrase").exit_code == 0
    assert opened(tmp_path / "key.jwk.p12").alg == "EdDSA"


def test_a_passphrase_for_an_unencrypted_key_is_typed_twice(tmp_path: Path) -> None:
    file = written(tmp_path, EC, KeyFormat.JWK)
    command = ["keys", "export", str(file)]
    assert "the two passphrases differ" in typed(command, PASSPHRASE, PASSPHRASE + "!")
    assert PASSPHRASE not in typed(command, PASSPHRASE, PASSPHRASE)
    assert opened(tmp_path / "key.jwk.pem").public.thumbprint == JWK.from_pyca(EC).thumbprint()


SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is refused
HOSTILE: dict[str, tuple[bytes, str]] = {
    "a public key in PEM": (
        EC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "this is a public key; give the private one, which stays with you",
    ),
    "a public JWK": (
        JWK.from_pyca(EC.public_key()).export_public().encode(),
        "this is a public key",
    ),
    "a shared secret": (
        b'{"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0"}',
        "this is a shared secret",
    ),
    "a JWK Set": (b'{"keys": []}', "this is no private key that can be read"),
    "an RSA key that is too short": (
        SHORT.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "the key is an RSA key of 1024 bits; make one of at least 2048",
    ),
    "nothing": (b"", "this is no private key that can be read"),
    "noise": (bytes(range(256)), "this is no private key that can be read"),
    "PKCS#12 that is noise": (
        b"\x30\x82\x01\x00\x02\x01\x03" + b"x" * 250,
        "this PKCS#12 file cannot be opened",
    ),
    "too large": (b"{" + b" " * 65_536, "is larger than 65536 bytes"),
    "OpenSSH, cut off": (
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n",
        "this is no private key that can be read",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_cannot_be_exported_says_why(tmp_path: Path, kind: str) -> None:
    content, sentence = HOSTILE[kind]
    file = tmp_path / "key\nerror: another"
    file.write_bytes(content)
    said = not_exported(file, "--format", "jwk", passphrase=PASSPHRASE)
    assert sentence in said
    assert not any(
        line in said for line in content.decode("latin-1").splitlines() if len(line) > 20
    )
    assert "c2VjcmV0" not in said


@pytest.mark.parametrize("key_format", ENCRYPTABLE)
def test_a_wrong_passphrase(tmp_path: Path, key_format: KeyFormat) -> None:
    file = written(tmp_path, EC, key_format, PASSPHRASE)
    for passphrase in ("another passphrase", ""):
        said = not_exported(file, "--format", "jwk", passphrase=passphrase)
        assert "cannot be opened; check its passphrase" in said
    assert "there is no terminal to type a passphrase at" in not_exported(file, "--format", "jwk")


@pytest.mark.parametrize(
    "changed", [{"p": None}, {"d": "AQAB"}], ids=["too few members", "of two keys"]
)
def test_a_private_key_that_cannot_sign_is_refused(
    tmp_path: Path, changed: dict[str, str | None]
) -> None:
    members = {**json.loads(JWK.from_pyca(RSA).export_private()), **changed}
    file = tmp_path / "key.jwk.json"
    file.write_text(json.dumps({name: value for name, value in members.items() if value}))
    assert "this is no private key that can be read" in not_exported(
        file, "--format", "pkcs8", "--no-passphrase"
    )


def test_a_certificate_alone_is_public(tmp_path: Path) -> None:
    whole = load_pkcs12(written(tmp_path, EC, KeyFormat.P12).read_bytes(), None)
    assert whole.cert is not None
    file = tmp_path / "certificate"
    for content in (
        whole.cert.certificate.public_bytes(Encoding.PEM),
        serialize_key_and_certificates(b"x", None, whole.cert.certificate, None, NoEncryption()),
    ):
        file.write_bytes(content)
        assert "this is a public key" in not_exported(file, "--format", "jwk")


def test_no_export_lies_in_a_repository_or_over_a_file_or_behind_a_link(tmp_path: Path) -> None:
    """A link that names a key is read: that is how a cluster mounts its secrets."""
    file, theirs, link = (
        written(tmp_path, EC, KeyFormat.JWK),
        tmp_path / "theirs",
        tmp_path / "link",
    )
    theirs.write_text("theirs")
    link.symlink_to(theirs)
    for new in (file, theirs, link):
        said = not_exported(file, "--format", "jwk", "--private-key", str(new))
        assert "exists already, and is never overwritten" in said
    (tmp_path / "repository/.git").mkdir(parents=True)
    new = tmp_path / "repository/key"
    assert "is in the Git repository" in not_exported(
        file, "--format", "jwk", "--private-key", str(new)
    )
    link.unlink()
    link.symlink_to(file)
    assert export(link, "--format", "jwk", "--private-key", str(tmp_path / "new")).exit_code == 0
    link.unlink()
    link.symlink_to(tmp_path / "absent")
    assert "cannot be read: No such file" in not_exported(
        link, "--format", "pkcs8", passphrase=PASSPHRASE
    )
    assert "/: is a folder or a device, not a file" in export(Path("/")).output


def test_a_private_key_that_a_link_in_no_repository_leads_to_is_shared(
    place: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "repository/.git").mkdir(parents=True)
    link = place.write("given", "")
    link.unlink()
    link.symlink_to(written(tmp_path / "repository", EC, KeyFormat.JWK))
    assert "this is a private key in the Git repository" in refused("add", str(link))


TOOLS = {
    "openssl": ["openssl", "pkcs12", "-in", "FILE", "-passin", f"pass:{PASSPHRASE}", "-nodes"],
    "keytool": ["keytool", "-list", "-keystore", "FILE", "-storepass", PASSPHRASE, "-rfc"],
    "php": [
        "php",
        "-r",
        f"exit(openssl_pkcs12_read(file_get_contents('FILE'), $read, '{PASSPHRASE}') ? 0 : 1);",
    ],
}


def ran(command: Sequence[str], file: Path) -> subprocess.CompletedProcess[str]:
    words = [word.replace("FILE", str(file)) for word in command]
    return subprocess.run(
        words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize("tool", TOOLS)
def test_what_others_read_of_pkcs12(tmp_path: Path, tool: str) -> None:
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not on PATH")
    done = ran(TOOLS[tool], written(tmp_path, RSA, KeyFormat.P12, PASSPHRASE))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("keytool"), reason="only a JDK makes PKCS#12 with two keys")
def test_pkcs12_with_several_keys(place: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "own" / "two.p12"
    file.parent.mkdir()
    for alias in ("one", "two"):
        made = [
            "-genkeypair",
            "-alias",
            alias,
            "-dname",
            "CN=x",
            "-keyalg",
            "EC",
            "-storetype",
            "PKCS12",
        ]
        done = ran(["keytool", *made, "-keystore", "FILE", "-storepass", PASSPHRASE], file)
        assert done.returncode == 0, done.stdout + done.stderr
    sentence = "there are several private keys in it; give a file with one"
    assert sentence in not_exported(file, "--format", "jwk", passphrase=PASSPHRASE)
    assert sentence in refused("add", str(file))
    assert place.sentences() == []
