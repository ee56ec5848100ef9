"""A key pair of an application: made on the organisation's own machine, its private half in a file
outside any Git work tree. And the public keys in the files that people have: a JWK, a JWK Set, or a
key in PEM.

Of a private key only the public half is used, and nothing is repeated; in a Git repository it is
refused, for that is shared one day.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)
from jwcrypto.jwk import JWK

from acmidm.private_key import PEM, PRIVATE_MARKS, RSA_BITS, PrivateKey, is_json
from acmidm_onboarding.files import private_folder, written_together
from acmidm_onboarding.forms.documents import Unreadable, read_bytes
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, public_jwk, without_duplicates
from acmidm_onboarding.values.jwk_set import parse_keys
from acmidm_onboarding.values.problems import Failure, on_one_line
from acmidm_onboarding.values.secrecy import PRIVATE_MEMBERS, private_members_in

_RSA_EXPONENT = 65537
ALGORITHMS = {Profile.ACMIDM: "RS256", Profile.FAPI2: "ES256"}
"""What a new key signs with: what works at ACM/IDM today, or what the FAPI 2.0 Security Profile
§5.4.1 allows."""
_OF_RSA = {Profile.ACMIDM: "RS256", Profile.FAPI2: "PS256"}
_OF_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}


def make_key(profile: Profile, ends: datetime, kid: str | None) -> PrivateKey:
    """Make a key for a profile: RSA of 4096 bits, or P-256. Without ``kid``, that is its thumbprint
    (RFC 7638). Raises Failure."""
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if ALGORITHMS[profile] == "RS256":
        private = rsa.generate_private_key(_RSA_EXPONENT, RSA_BITS)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    key = PrivateKey(declared(private.public_key(), profile, ends), JWK.from_pyca(private))
    try:
        return key if kid is None else key.named(kid)
    except InvalidJwk as error:
        raise Failure(f"--kid: {error}") from None


def declared(key: PublicKeyTypes, profile: Profile, ends: datetime | None = None) -> PublicJwk:
    """Return a public key as it is registered: with its use, its algorithm and its end. Raises
    InvalidJwk."""
    members: dict[str, Any] = {**JWK.from_pyca(key).export_public(as_dict=True), "use": "sig"}
    algorithm = _OF_CURVES.get(str(members.get("crv")))
    if members["kty"] == "RSA":
        algorithm = _OF_RSA[profile]
    if algorithm:
        members["alg"] = algorithm
    if ends:
        members["exp"] = int(ends.timestamp())
    return public_jwk(members)


def about_ended(key: PublicJwk, kid: str) -> str:
    """Return why a key that has ended is not taken. ``kid`` is what its reader knows it by."""
    return tr(
        "key {kid} ended on {expires:%Y-%m-%d}; give one that can still be used",
        kid=kid,
        expires=key.expires,
    )


def written_members(key: PublicJwk) -> dict[str, object]:
    """Return the members of a public key as its file has them, its ``kid`` first."""
    return {"kid": key.kid, **key.members}


def key_text(key: PublicJwk) -> str:
    """Return a public key as its file has it."""
    return json.dumps(written_members(key), indent=2, ensure_ascii=False) + "\n"


def default_folder() -> Path:
    """Where private keys go by default, for this user alone."""
    return Path.home() / ".acmidm" / "keys"


def require_outside_git(file: Path, option: str = "--private-key FILE") -> None:
    """Refuse a place in a Git work tree: what lies there is shared one day. Raises Failure."""
    if folder := repository_of(file):
        raise Failure(
            tr(
                "{file} is in the Git repository {folder}; name a place outside of any with"
                " {option}",
                file=file,
                folder=folder,
                option=option,
            )
        )
    if os.path.lexists(file):
        raise Failure(
            tr(
                "{file} exists already, and is never overwritten; name another file with {option}",
                file=file,
                option=option,
            )
        )


def repository_of(file: Path) -> Path | None:
    """Return the Git repository that a file is in, also one that a link leads into."""
    return next(filter(_is_repository, (file.parent.resolve() / file.name).parents), None)


def _is_repository(folder: Path) -> bool:
    is_bare = (
        (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
    )
    return folder.name == ".git" or is_bare or os.path.lexists(folder / ".git")


def write_private_key(
    file: Path, content: str | bytes, then: Callable[[], object] = lambda: None
) -> None:
    """Write a private key or a secret, whole and with mode 0600, then do what makes use of it; take
    it away again where that fails.

    ``file`` was checked before, see ``require_outside_git``. A kill in between leaves a private key
    whose public half nobody knows. A person names the place, so a link on the way is followed.
    Raises OSError.
    """
    file = file.parent.resolve() / file.name
    if not file.parent.exists():
        private_folder(file.parent)
    with written_together({file: content}, 0o600):
        then()


def keys_in(
    file: Path,
    profile: Profile,
    passphrase: Callable[[], bytes],
    ends: datetime | None,
    now: datetime,
) -> tuple[tuple[PublicJwk, ...], bool]:
    """Return the public keys in a file, and whether its key is private. ``ends`` is the end of keys
    without an end of their own.

    Raises:
        Failure: for a file without a key, and for a key that has ended, cannot be registered, or is
        private and in a Git repository.
    """
    try:
        content = read_bytes(file)
        half = _public_half(file, content, passphrase)
        keys = tuple(_keys(file, half or content, profile))
    except Unreadable as error:
        raise _not_public(file, str(error)) from None
    except InvalidJwk as error:
        raise _not_public(file, "; ".join(str(error).splitlines())) from None
    if not keys:
        raise _no_key(file, tr("there is no key for signatures in it"))
    for key in keys:
        if key.has_ended(now):
            raise _not_public(file, about_ended(key, key.kid))
    if ends:
        keys = tuple(_ending(key, ends) for key in keys)
    return keys, half is not None


def _ending(key: PublicJwk, ends: datetime) -> PublicJwk:
    """Return a key with an end, where it has none of its own."""
    if key.expires:
        return key
    return public_jwk({**key.members, "exp": int(ends.timestamp())})


def _public_half(file: Path, content: bytes, passphrase: Callable[[], bytes]) -> bytes | None:
    """Return the public half of a private key, in PEM or as a JSON Web Key; None for a file that is
    not a private key alone, or cannot be read."""
    load = load_pem_private_key if PEM in content else load_der_private_key
    of_json = is_json(content)
    try:
        if of_json:
            private = json.loads(content, object_pairs_hook=without_duplicates)
        else:
            private = load(content, None)
    except TypeError:  # it is encrypted
        private = None
    except Exception:  # whatever it is, it is no private key
        return None
    if of_json and not private_members_in(private):
        return None
    _require_unshared(file)
    if of_json:
        public = json.loads(
            content,
            object_hook=lambda key: {name: key[name] for name in key.keys() - PRIVATE_MEMBERS},
        )
        return json.dumps(public, sort_keys=True).encode()
    try:
        key = (private or load(content, passphrase())).public_key()
        encoded: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return encoded
    except (TypeError, ValueError):  # TypeError: an empty passphrase
        raise _not_public(
            file, tr("this private key cannot be opened; check its passphrase")
        ) from None


def _require_unshared(file: Path) -> None:
    """Raises Failure where a private key is in a Git repository, by its path or by what a link
    there means."""
    if folder := repository_of(file) or repository_of(file.resolve()):
        raise _not_public(
            file,
            tr(
                "this is a private key in the Git repository {folder}; {shared}",
                folder=folder,
                shared=tr(
                    "make a new pair, as this one has been shared, and give its public half alone"
                ),
            ),
        )


def _keys(file: Path, content: bytes, profile: Profile) -> tuple[PublicJwk, ...]:
    """Return the public keys in JSON, or the one in PEM or DER. Raises Failure, also where a
    private key is among them; InvalidJwk."""
    if any(mark in content for mark in PRIVATE_MARKS):
        raise _not_public(
            file,
            tr(
                "there is a private key in it, whose public half cannot be read; give that half"
                " alone"
            ),
        )
    if is_json(content):
        try:
            return parse_keys(content.decode("utf-8-sig"))
        except InvalidJwk:
            raise
        except (ValueError, RecursionError):
            raise _no_key(file, tr("this is no JSON that can be read")) from None
    return (_key_of_pem_or_der(file, content, profile),)


def _key_of_pem_or_der(file: Path, content: bytes, profile: Profile) -> PublicJwk:
    """Return the one public key in PEM or DER. Raises Failure where there are several or none that
    can be registered; InvalidJwk."""
    if (number := content.count(PEM)) > 1:
        raise _not_public(file, tr("there are {number} keys in it; give one", number=number))
    is_pem = PEM in content
    load = serialization.load_pem_public_key if is_pem else serialization.load_der_public_key
    try:
        key = load(content)
    except (ValueError, UnsupportedAlgorithm):
        raise _no_key(file, tr("this is no key that can be read")) from None
    try:
        return declared(key, profile)
    except InvalidJwk:
        raise
    except Exception as error:  # jwcrypto raises for a key of a kind that it does not know
        raise _not_public(
            file,
            tr("this is a key of a kind that signs no assertion; give an RSA key, or one on P-256"),
        ) from error


def _no_key(file: Path, what: str) -> Failure:
    return _not_public(file, f"{what}; {tr('give a JWK, a JWK Set or a key in PEM')}")


def _not_public(file: Path, sentence: str) -> Failure:
    """Return why a file has no key that can be registered, and what to do. Nothing of the file is
    repeated."""
    return Failure(on_one_line(f"{file}: {sentence}"))
