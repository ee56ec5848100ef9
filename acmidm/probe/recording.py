"""Evidence that goes beside the form: what was proven, signed by the key that was proven."""

from __future__ import annotations

import json

from acmidm.private_key import PrivateKey
from acmidm_onboarding.values.evidence import TYPE, Evidence
from acmidm_onboarding.values.jwk import PublicJwk


def signed(evidence: Evidence, key: PrivateKey, public: PublicJwk, alg: str) -> str:
    """Return evidence as a flattened JWS (RFC 7515 §7.2.2), with the public half of ``key`` in its
    header."""
    header = {"alg": alg, "kid": public.kid, "typ": TYPE, "jwk": dict(public.members)}
    jws = key.sign(evidence.model_dump_json(), header)
    return json.dumps(json.loads(jws.serialize()), indent=2) + "\n"
