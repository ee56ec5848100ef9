"""Several public keys in one text: a JWK Set (RFC 7517 §5), or one JSON Web Key."""

from __future__ import annotations

import json

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.jwk import (
    InvalidJwk,
    PublicJwk,
    Reason,
    parse_jwk,
    public_jwk,
    without_duplicates,
)
from acmidm_onboarding.values.secrecy import private_members_in


def parse_keys(text: str) -> tuple[PublicJwk, ...]:
    """Return the public signing keys in a JSON text, in their order; those that encrypt are left
    out (RFC 7517 §4.2).

    Raises:
        InvalidJwk: with every reason, each with its key where there are several; also where any key
        is private. ValueError: where the text is no JSON.
    """
    if "PRIVATE KEY-----" in text:
        parse_jwk(text)  # which refuses it, without repeating it
    document = json.loads(text, object_pairs_hook=without_duplicates)
    if not isinstance(document, dict) or "keys" not in document:
        return (public_jwk(document),)
    if not isinstance(document["keys"], list) or not document["keys"]:
        raise InvalidJwk(
            Reason(
                tr("is in no list; a JWK Set has the member keys, a list of one key or more"),
                "keys",
            )
        )
    if private_members_in(document):
        public_jwk(document)  # which refuses it, without repeating it
    keys, reasons = [], list[Reason]()
    for number, members in enumerate(document["keys"], 1):
        if isinstance(members, dict) and members.get("use") == "enc":
            continue
        try:
            keys.append(public_jwk(members))
        except InvalidJwk as error:
            for reason in error.reasons:
                sentence = tr("number {number} {sentence}", number=number, sentence=reason.sentence)
                reasons.append(Reason(sentence, reason.member))
    if reasons:
        raise InvalidJwk(*reasons)
    return tuple(keys)
