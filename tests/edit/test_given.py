"""``acmidm keys add``: which keys that people have it takes, and that nothing private of them is
repeated."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwcrypto.jwk import JWK

from acmidm.edit.keys.pair import keys_in
from acmidm_onboarding.rules.policies import Profile
from tests.edit.command_line import PASSPHRASE, keys, named, only_public, refused
from tests.support.workspace import Workspace, private_key, public_key

ENDS = datetime.now(UTC) + timedelta(days=100)
PAIR = ec.generate_private_key(ec.SECP256R1())


def jwk(**more: Any) -> dict[str, Any]:
    return {
        **public_key("given", kty="EC", crv="P-256"),
        "alg": "ES256",
        "exp": int(ENDS.timestamp()),
        **more,
    }


PUBLIC_PEM = PAIR.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
GIVEN: dict[str, tuple[bytes, list[str]]] = {
    "JWK": (json.dumps(jwk()).encode(), []),
    "JWK with a mark": (b"\xef\xbb\xbf" + json.dumps(jwk()).encode(), []),
    "JWK Set": (
        json.dumps({"keys": [jwk(), {**jwk(), "use": "enc", "kid": "other"}]}).encode(),
        [],
    ),
    "public key in PEM": (PUBLIC_PEM, ["--days", "100"]),
    "public key in DER": (
        PAIR.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        ["--days", "100"],
    ),
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
    assert abs(public["exp"] - ENDS.timestamp()) < 86400
    assert public["alg"] == "ES256"
    if not kind.startswith("JWK"):
        assert (public["kid"], public["use"]) == (JWK.from_pyca(PAIR).thumbprint(), "sig")
    assert place.sentences() == []


def test_a_kid_that_is_no_thumbprint_has_the_thumbprint_beside_it(place: Workspace) -> None:
    """RFC 7638: a kid is a name that whoever made the file chose, and may be that of another."""
    thumbprint = JWK(**jwk()).thumbprint()
    said = keys("add", str(place.write("g", jwk()))).stdout
    assert f"kid given (vingerafdruk {thumbprint}, " in said
    made = keys("new").stdout
    assert "vingerafdruk" not in made


def test_each_key_of_a_set_gets_a_file(place: Workspace) -> None:
    two = [
        jwk(),
        {
            **public_key("second", kty="EC", crv="P-256"),
            "alg": "ES256",
            "exp": int(ENDS.timestamp()),
        },
    ]
    assert keys("add", str(place.write("set", {"keys": two}))).exit_code == 0
    assert [
        json.loads(Path("onboardings/gent", name).read_text())["kid"] for name in named()[1:]
    ] == [
        "given",
        "second",
    ]
    many = [
        {**public_key(f"k{number}", kty="EC", crv="P-256"), "exp": int(ENDS.timestamp())}
        for number in range(3)
    ]
    place.write("set", {"keys": many})
    assert "names 3 keys for tni, and has 5 at most" in refused("add", "set")


SECRET = private_key("ec", kty="EC", crv="P-256")
OWN = BestAvailableEncryption(PASSPHRASE.encode())
PRIVATE: dict[str, bytes] = {
    "PKCS#8": PAIR.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "PKCS#8, encrypted": PAIR.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, OWN),
    "PEM of OpenSSL": PAIR.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ),
    "DER": PAIR.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "DER, encrypted": PAIR.private_bytes(Encoding.DER, PrivateFormat.PKCS8, OWN),
    "JWK": json.dumps({**SECRET, "exp": int(ENDS.timestamp())}).encode(),
    "JWK Set": json.dumps({"keys": [{**SECRET, "exp": int(ENDS.timestamp())}]}).encode(),
}
UNREAD: dict[str, bytes] = {
    "OpenSSH": PAIR.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    "PuTTY": b"PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\n" + b"A" * 40,
    "another passphrase": PAIR.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x" * 12)
    ),
    "a member twice": json.dumps(SECRET).replace("{", '{"d": null, ', 1).encode(),
    "symmetric": json.dumps({"kty": "oct", "k": SECRET["d"]}).encode(),
}


def require_unrepeated(content: bytes, said: str) -> None:
    secrets = [
        SECRET["d"],
        *(line for line in content.decode("latin-1").splitlines() if len(line) > 30),
    ]
    assert not any(secret in said for secret in secrets)


@pytest.mark.parametrize("kind", PRIVATE)
def test_of_a_private_key_the_public_half_is_taken(
    place: Workspace, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    """It stays where it is, and nothing of it is shown or written. In a Git repository it is
    refused, for it is shared one day."""
    file = tmp_path_factory.mktemp("own") / "key"
    file.write_bytes(PRIVATE[kind])
    (file.parent / ".git").mkdir()
    said = refused("add", str(file), "--days", "100")
    assert (
        f"a private key in the Git repository {file.parent}; make a new pair, as this one has been"
        " shared" in said
    )
    require_unrepeated(PRIVATE[kind], said)
    (file.parent / ".git").rmdir()
    result = keys("add", str(file), "--days", "100")
    assert result.exit_code == 0, result.output
    assert f"private sleutel   {file} blijft waar hij is" in result.output
    assert f"--private-key {file}" in result.output
    only_public(result)
    require_unrepeated(PRIVATE[kind], result.output)
    written = Path("onboardings/gent", named()[-1]).read_text()
    assert json.loads(written)["kid"] == (
        SECRET["kid"] if "JWK" in kind else JWK.from_pyca(PAIR).thumbprint()
    )
    require_unrepeated(PRIVATE[kind], written)
    assert place.sentences() == []


@pytest.mark.parametrize("kind", UNREAD)
def test_a_private_key_that_cannot_be_read_is_refused_and_not_repeated(
    place: Workspace, kind: str
) -> None:
    said = refused("add", str(place.write("given", UNREAD[kind])))
    assert "private" in said or "symmetric" in said
    require_unrepeated(UNREAD[kind], said)


def test_an_empty_passphrase_opens_no_private_key(place: Workspace) -> None:
    file = place.write("given", PRIVATE["PKCS#8, encrypted"])
    assert "cannot be opened; check its passphrase" in refused("add", str(file), passphrase="")


def test_a_passphrase_that_nobody_types_ends_the_command(place: Workspace) -> None:
    """Control-D at its prompt is no reason to say that the file has no key."""
    file = place.write("given", PRIVATE["PKCS#8, encrypted"])

    def control_d() -> bytes:
        raise EOFError

    with pytest.raises(EOFError):
        keys_in(file, Profile.ACMIDM, control_d, None, datetime.now(UTC))


USELESS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "this is no key that can be read"),
    "noise": (b"\x30\x82" + b"x" * 100, "this is no key that can be read"),
    "no JSON": (b'{"kty": "EC",', "this is no JSON that can be read"),
    "PEM of something else": (
        b"-----BEGIN X-----\nAAAA\n-----END X-----\n",
        "this is no key that can be read",
    ),
    "ended": (
        json.dumps(jwk(exp=int((datetime.now(UTC) - timedelta(days=1)).timestamp()))).encode(),
        "ended on",
    ),
    "a certificate": (
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "this is no key that can be read",
    ),
    "two public keys": (PUBLIC_PEM * 2, "there are 2 keys in it; give one"),
    "too large": (b"{" + b" " * 65_536, "is larger than 65536 bytes"),
    "on another curve": (
        ec.generate_private_key(ec.SECP256K1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "secp256k1",
    ),
    "without an end, where the profile wants one": (
        PUBLIC_PEM,
        "has no exp; profile fapi2 requires one",
    ),
}


@pytest.mark.parametrize("kind", USELESS)
def test_what_is_no_key_says_why(place: Workspace, kind: str) -> None:
    content, sentence = USELESS[kind]
    file = place.write("given\nerror: another", content)
    said = refused("add", str(file))
    assert sentence in said
    assert len(said.splitlines()) == 1
