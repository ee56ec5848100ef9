"""A new key pair of an application, whose private half is written outside any Git repository; and
the public keys in a file that somebody gives: a JWK, a JWK Set, or a key in PEM or DER.

Of a private key in such a file only the public half is used, and no message repeats anything of it.
One in a Git repository is refused: a repository is shared sooner or later.
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
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwcrypto.jwk import JWK

from acmidm.private_key import (
    PEM,
    PRIVATE_MARKS,
    RSA_BITS,
    PrivateKey,
    is_json,
    open_private_key,
)
from acmidm_onboarding.files import private_folder, written_together
from acmidm_onboarding.forms.documents import Unreadable, read_bytes
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, public_jwk, without_duplicates
from acmidm_onboarding.values.jwk_set import parse_keys
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.problems import Failure, Unusable, on_one_line
from acmidm_onboarding.values.secrecy import PRIVATE_MEMBERS, private_members_in

_RSA_EXPONENT = 65537
_ALGORITHM_OF_RSA = {Profile.ACMIDM: "RS256", Profile.FAPI2: "PS256"}
_ALGORITHM_OF_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
"""What a key that somebody gives in PEM signs with, which PEM does not say."""


def make_key(profile: Profile, ends: datetime, kid: str | None) -> PrivateKey:
    """Make a key pair for a profile: RSA of 4096 bits, or P-256. Without ``kid``, the ``kid`` is
    its thumbprint (RFC 7638). Raises Failure for a ``kid`` that no key may have."""
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if profile is Profile.ACMIDM:  # RS256 works at ACM/IDM today
        private = rsa.generate_private_key(_RSA_EXPONENT, RSA_BITS)
    else:  # the FAPI 2.0 Security Profile §5.4.1 allows ES256
        private = ec.generate_private_key(ec.SECP256R1())
    key = PrivateKey(_with_members(private.public_key(), profile, ends), JWK.from_pyca(private))
    try:
        return key if kid is None else key.named(kid)
    except InvalidJwk as error:
        raise Failure(f"--kid: {error}") from None


def _with_members(key: PublicKeyTypes, profile: Profile, ends: datetime | None = None) -> PublicJwk:
    """Return a public key as a JSON Web Key with ``use``, ``alg`` and ``exp``, its end. Raises
    InvalidJwk where it may not be registered."""
    members: dict[str, Any] = {**JWK.from_pyca(key).export_public(as_dict=True), "use": "sig"}
    algorithm = _ALGORITHM_OF_CURVE.get(str(members.get("crv")))
    if members["kty"] == "RSA":
        algorithm = _ALGORITHM_OF_RSA[profile]
    if algorithm:
        members["alg"] = algorithm
    if ends:
        members["exp"] = int(ends.timestamp())
    return public_jwk(members)


def about_ended(key: PublicJwk, kid: str) -> str:
    """Return the refusal of a key that has ended. ``kid`` is what the reader knows the key by, such
    as its quoted thumbprint."""
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
    """Raises Failure where a new file for a secret would be in a Git repository, or exists already.
    ``option`` is the one by which another place is named."""
    if folder := _repository_of(file):
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


def _repository_of(file: Path) -> Path | None:
    """Return the folder of the Git repository that a file is in, or would be in; None where there
    is none. Links among its folders are followed, and the file itself is not."""
    return next(filter(_is_repository, (file.parent.resolve() / file.name).parents), None)


def _is_repository(folder: Path) -> bool:
    """Return whether a folder is the top of a Git work tree, a bare repository, or ``.git``."""
    is_bare = (
        (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
    )
    return folder.name == ".git" or is_bare or os.path.lexists(folder / ".git")


def write_private_key(
    file: Path, content: str | bytes, then: Callable[[], object] = lambda: None
) -> None:
    """Write a new file with a private key or a secret, with mode 0600; then call ``then``, which
    writes the public half into the form. Where that fails, the file is removed again.

    Call ``require_outside_git`` first. A kill in between leaves a private key whose public half
    nobody knows. Links among the folders are followed, as a person named the place. Raises OSError,
    and what ``then`` raises.
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
    """Return the public keys in a file, and whether it is a private key, of which only the public
    half is returned. ``passphrase`` is called where it is encrypted. A key without ``exp`` gets the
    end ``ends``, unless that is None.

    Raises:
        Failure: for a file without a key, and for a key that has ended, may not be registered, or
        is private and in a Git repository.
    """
    try:
        content = read_bytes(file)
        half = _public_half(file, content, passphrase)
        keys = _public_keys(file, half or content, profile)
    except Unreadable as error:
        raise _refused(file, str(error)) from None
    except InvalidJwk as error:
        raise _refused(file, "; ".join(str(error).splitlines())) from None
    if not keys:
        raise _no_key(file, tr("there is no key for signatures in it"))
    for key in keys:
        if key.has_ended(now):
            raise _refused(file, about_ended(key, key.kid))
    if ends:
        keys = tuple(_ending(key, ends) for key in keys)
    return keys, half is not None


def _ending(key: PublicJwk, ends: datetime) -> PublicJwk:
    """Return a key that ends at ``ends``, or as it is where it has an end."""
    if key.expires:
        return key
    return public_jwk({**key.members, "exp": int(ends.timestamp())})


def _public_half(file: Path, content: bytes, passphrase: Callable[[], bytes]) -> bytes | None:
    """Return the public half of a private key, as JSON where the file is that, else as PEM; None
    for a file that is no private key, which ``_public_keys`` then reads or refuses. Raises Failure
    for a private key in a Git repository, or one that the passphrase does not open."""
    if is_json(content):
        try:
            members = json.loads(content, object_pairs_hook=without_duplicates)
        except Exception:  # whatever it is, it is no private key
            return None
        if not private_members_in(members):
            return None
        _require_unshared(file)
        public = json.loads(content, object_hook=lambda key: without(key, PRIVATE_MEMBERS))
        return json.dumps(public, sort_keys=True).encode()

    def passphrase_of_unshared() -> bytes:
        _require_unshared(file)  # before somebody types a passphrase in vain
        return passphrase()

    try:
        private = open_private_key(content, passphrase_of_unshared)
    except Unusable as error:  # the passphrase does not fit
        raise _refused(file, str(error)) from None
    except (ValueError, UnsupportedAlgorithm):  # whatever it is, it is no private key
        return None
    _require_unshared(file)
    encoded: bytes = private.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


def _require_unshared(file: Path) -> None:
    """Raises Failure where a private key is in a Git repository, by its path or as the target of
    a link."""
    if folder := _repository_of(file) or _repository_of(file.resolve()):
        raise _refused(
            file,
            tr(
                "this is a private key in the Git repository {folder}; {shared}",
                folder=folder,
                shared=tr(
                    "make a new pair, as this one has been shared, and give its public half alone"
                ),
            ),
        )


def _public_keys(file: Path, content: bytes, profile: Profile) -> tuple[PublicJwk, ...]:
    """Return the public keys in JSON, or the one in PEM or DER. Raises Failure for content that
    has a private key, or is no key; InvalidJwk for a key that may not be registered."""
    if any(mark in content for mark in PRIVATE_MARKS):
        raise _refused(
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
        raise _refused(file, tr("there are {number} keys in it; give one", number=number))
    is_pem = PEM in content
    load = serialization.load_pem_public_key if is_pem else serialization.load_der_public_key
    try:
        key = load(content)
    except (ValueError, UnsupportedAlgorithm):
        raise _no_key(file, tr("this is no key that can be read")) from None
    try:
        return _with_members(key, profile)
    except InvalidJwk:  # a reason of its own, which keys_in reports
        raise
    except Exception as error:  # jwcrypto raises for a key of a kind that it does not know
        raise _refused(
            file,
            tr("this is a key of a kind that signs no assertion; give an RSA key, or one on P-256"),
        ) from error


def _no_key(file: Path, what: str) -> Failure:
    """Return the refusal of a file that has no public key."""
    return _refused(file, f"{what}; {tr('give a JWK, a JWK Set or a key in PEM')}")


def _refused(file: Path, sentence: str) -> Failure:
    """Return the refusal of a file: why, and what to do. Nothing in the file is repeated."""
    return Failure(on_one_line(f"{file}: {sentence}"))
