"""A key pair of an application: made on the organisation's own machine, its private half in a file
outside any Git work tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from jwcrypto.jwk import JWK

from acmidm.private_key import RSA_BITS, PrivateKey
from acmidm_onboarding.files import private_folder, written_together
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, public_jwk
from acmidm_onboarding.values.problems import Failure

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


def ended(key: PublicJwk, kid: str) -> str:
    """Return why a key that has ended is not taken, by how its reader knows it."""
    return tr(
        "key {kid} ended on {expires:%Y-%m-%d}; give one that can still be used",
        kid=kid,
        expires=key.expires,
    )


def written_members(key: PublicJwk) -> dict[str, object]:
    """Return the members of a public key as its file has them, its ``kid`` first."""
    return {"kid": key.kid, **key.members}


def text_of(key: PublicJwk) -> str:
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
    if file.exists() or file.is_symlink():
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
    return (
        folder.name == ".git"
        or is_bare
        or (folder / ".git").exists()
        or (folder / ".git").is_symlink()
    )


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
