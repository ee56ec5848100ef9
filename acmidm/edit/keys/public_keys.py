"""The public keys in the files that people have: a JWK, a JWK Set, or a key in PEM.

Of a private key only the public half is used, and nothing is repeated; in a Git repository it is
refused, for that is shared one day.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from acmidm.edit.keys.pair import declared, ended, repository_of
from acmidm.private_key import PEM, PRIVATE_MARKS, is_json
from acmidm_onboarding.forms.documents import Unreadable, read_bytes
from acmidm_onboarding.rules.policies import Profile
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import InvalidJwk, PublicJwk, public_jwk, without_duplicates
from acmidm_onboarding.values.jwk_set import parse_keys
from acmidm_onboarding.values.problems import Failure, on_one_line
from acmidm_onboarding.values.secrecy import PRIVATE_MEMBERS, private_members_in


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
        reasons = (tr("the key {sentence}", sentence=reason.sentence) for reason in error.reasons)
        raise _not_public(file, "; ".join(reasons)) from None
    if not keys:
        raise _not_public(
            file,
            tr(
                "there is no key for signatures in it; {known_kinds}",
                known_kinds=tr("give a JWK, a JWK Set or a key in PEM"),
            ),
        )
    for key in keys:
        if key.has_ended(now):
            raise _not_public(file, ended(key, key.kid))
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
            raise _not_public(
                file,
                tr(
                    "this is no JSON that can be read; {known_kinds}",
                    known_kinds=tr("give a JWK, a JWK Set or a key in PEM"),
                ),
            ) from None
    return (_of_public(file, content, profile),)


def _of_public(file: Path, content: bytes, profile: Profile) -> PublicJwk:
    if (number := content.count(PEM)) > 1:
        raise _not_public(file, tr("there are {number} keys in it; give one", number=number))
    is_pem = PEM in content
    load = serialization.load_pem_public_key if is_pem else serialization.load_der_public_key
    try:
        key = load(content)
    except (ValueError, UnsupportedAlgorithm):
        raise _not_public(
            file,
            tr(
                "this is no key that can be read; {known_kinds}",
                known_kinds=tr("give a JWK, a JWK Set or a key in PEM"),
            ),
        ) from None
    try:
        return declared(key, profile)
    except InvalidJwk:
        raise
    except Exception as error:  # jwcrypto raises for a key of a kind that it does not know
        raise _not_public(
            file,
            tr("this is a key of a kind that signs no assertion; give an RSA key, or one on P-256"),
        ) from error


def _not_public(file: Path, sentence: str) -> Failure:
    """Return why a file has no key that can be registered, and what to do. Nothing of the file is
    repeated."""
    return Failure(on_one_line(f"{file}: {sentence}"))
