"""Evidence for tests: what the probe would have recorded, signed by a key of the test."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from jwcrypto.jwk import JWK

from acmidm.probe.recording import signed
from acmidm_onboarding.model.evidence import Payload
from acmidm_onboarding.model.jwk import algorithms_of, public_jwk


def evidence_text(private: dict[str, Any], **changes: Any) -> str:
    """The text of an evidence file for Stad Gent's mijn-gent on TNI, signed by a private JSON Web Key; ``changes`` of its payload."""
    key = JWK(**{name: value for name, value in private.items() if name not in ("kid", "use", "alg", "exp", "key_ops")})
    described = {name: private[name] for name in ("kid", "use", "alg", "exp") if name in private}
    public = public_jwk({**json.loads(key.export_public()), **described})
    payload: dict[str, Any] = {
        "organisation": "OVO002067",
        "application": "mijn-gent",
        "environment": "tni",
        "platform": "acmidm",
        "client_id": "8abae908-3b66-41e8-bf7d-262d136515b4",
        "scopes": ["dv_notificaties_schrijven"],
        "products": [],
        "thumbprint": public.thumbprint,
        "iat": int(time.time()),
        "signs_with_kid": True,
        **changes,
    }
    alg = next(alg for alg in ("RS256", "ES256", "EdDSA") if alg in algorithms_of(public.members))
    return signed(Payload.model_validate(payload), key, public, alg)


def write_evidence(folder: Path, private: dict[str, Any], **changes: Any) -> Path:
    """Write such a file under the name that its payload gives it."""
    named = {"application": "mijn-gent", "environment": "tni", "platform": "acmidm", **changes}
    file = folder / f"{named['application']}.{named['environment']}.{named['platform']}.evidence.json"
    file.write_text(evidence_text(private, **changes))
    return file
