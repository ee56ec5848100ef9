"""The formats of private keys: ``acmidm keys new`` and ``rotate`` write each, and the reader of
``acmidm probe`` reads all; openssl makes what others read."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from jwcrypto.jwk import JWK

from acmidm.private_key import KeyFormat, PrivateKey, private_key_of, read_private_key
from acmidm_onboarding.values.problems import Failure
from tests.edit.command_line import PASSPHRASE, keys, named, only_public, private_files, refused
from tests.support.engine import ROOT
from tests.support.rsa_keys import rsa_pem, rsa_private_key
from tests.support.workspace import WITHOUT_KEYS, Workspace

BEGINS = {
    KeyFormat.PKCS8: b"-----BEGIN PRIVATE KEY-----",
    KeyFormat.JWK: b"{",
}
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa_private_key("of an organisation")


def opened(file: Path, passphrase: str = PASSPHRASE) -> PrivateKey:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return read_private_key(file, passphrase.encode)


def unread(file: Path, passphrase: str = PASSPHRASE) -> str:
    """Why a private key cannot be read."""
    with pytest.raises(Failure) as refusal:
        read_private_key(file, passphrase.encode)
    return str(refusal.value)


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
    open_too = ["--no-passphrase"] if key_format is KeyFormat.PKCS8 else []
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


@pytest.mark.usefixtures("place")
def test_a_new_key_with_a_passphrase() -> None:
    result = keys("rotate")
    assert result.exit_code == 0, result.output
    assert ", versleuteld; bewaar hem en zijn wachtwoordzin" in result.output
    [file] = private_files()
    assert opened(file).public.kid in Path("onboardings/gent", named()[-1]).read_text()
    assert PASSPHRASE not in result.output
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
            ["--kid", "a b\n"],
            PASSPHRASE,
            "--kid: the key has a kid that is not a text of 1 to 255 bytes",
        ),
        (["--format", "p12"], None, "is not one of"),
    ):
        assert sentence in refused("new", *arguments, passphrase=passphrase)


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
        rsa_pem("too short", 1024),
        "the key is an RSA key of 1024 bits; make one of at least 2048",
    ),
    "nothing": (b"", "this is no private key that can be read"),
    "noise": (bytes(range(256)), "this is no private key that can be read"),
    "a certificate": (
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "this is a public key",
    ),
    "too large": (b"{" + b" " * 65_536, "is larger than 65536 bytes"),
    "OpenSSH, cut off": (
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n",
        "this is no private key that can be read",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_private_key_says_why(tmp_path: Path, kind: str) -> None:
    content, sentence = HOSTILE[kind]
    file = tmp_path / "key\nerror: another"
    file.write_bytes(content)
    said = unread(file)
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not any(
        line in said for line in content.decode("latin-1").splitlines() if len(line) > 20
    )
    assert "c2VjcmV0" not in said


def test_a_wrong_passphrase(tmp_path: Path) -> None:
    file = written(tmp_path, EC, KeyFormat.PKCS8, PASSPHRASE)
    for passphrase in ("another passphrase", ""):
        assert "cannot be opened; check its passphrase" in unread(file, passphrase)


@pytest.mark.parametrize(
    "changed", [{"p": None}, {"d": "AQAB"}], ids=["too few members", "of two keys"]
)
def test_a_private_key_that_cannot_sign_is_refused(
    tmp_path: Path, changed: dict[str, str | None]
) -> None:
    members = {**json.loads(JWK.from_pyca(RSA).export_private()), **changed}
    file = tmp_path / "key.jwk.json"
    file.write_text(json.dumps({name: value for name, value in members.items() if value}))
    assert "this is no private key that can be read" in unread(file)


def test_a_private_key_that_a_link_in_no_repository_leads_to_is_shared(
    place: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "repository/.git").mkdir(parents=True)
    link = place.write("given", "")
    link.unlink()
    link.symlink_to(written(tmp_path / "repository", EC, KeyFormat.JWK))
    assert "this is a private key in the Git repository" in refused("add", str(link))


def test_a_private_key_behind_a_link_is_read(tmp_path: Path) -> None:
    """That is how a cluster mounts its secrets."""
    file, link = written(tmp_path, EC, KeyFormat.JWK), tmp_path / "link"
    link.symlink_to(file)
    assert opened(link).public.thumbprint == JWK.from_pyca(EC).thumbprint()
    link.unlink()
    link.symlink_to(tmp_path / "absent")
    assert "cannot be read: No such file" in unread(link)
    assert "/: is a folder or a device, not a file" in unread(Path("/"))


@pytest.mark.tool
def test_openssl_makes_pkcs12_of_what_we_write(tmp_path: Path) -> None:
    """The one line of the docs, as it stands there, and what it wrote is read back."""
    text = (ROOT / "docs/integrators.md").read_text("utf-8")
    (line,) = [line for line in text.splitlines() if "openssl pkcs12 -export" in line]
    written(tmp_path, RSA, KeyFormat.PKCS8, PASSPHRASE).rename(tmp_path / "e-loket.pem")
    done = subprocess.run(
        ["sh", "-ec", line],
        cwd=tmp_path,
        env={**os.environ, "PASSPHRASE": PASSPHRASE},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    read = load_pkcs12((tmp_path / "e-loket.p12").read_bytes(), PASSPHRASE.encode())
    assert isinstance(read.key, RSAPrivateKey)
    assert read.key.private_numbers() == RSA.private_numbers()
    assert read.cert is not None
    assert read.cert.friendly_name == b"e-loket"
