"""Evidence for tests: what the probe would have recorded, signed by a key of the test."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from acmidm.probe.private_key import private_key_of
from acmidm.probe.recording import signed
from acmidm_onboarding.values.evidence import Payload
from tests.support.forms import FormFile
from tests.support.portal import RunningPortal


def evidence_text(private: dict[str, Any], **changes: Any) -> str:
    """The text of an evidence file for Stad Gent's mijn-gent on TNI, signed by a private JSON Web Key; ``changes`` of
    its payload."""
    key = private_key_of(private)
    public = key.public
    payload: dict[str, Any] = {
        "organisation": "OVO002067",
        "application": "mijn-gent",
        "environment": "tni",
        "platform": "acmidm",
        "issuer": "https://tni.example/op",
        "client_id": "8abae908-3b66-41e8-bf7d-262d136515b4",
        "scopes": ["dv_notificaties_import"],
        "products": [],
        "thumbprint": public.thumbprint,
        "iat": int(time.time()),
        "signs_with_kid": True,
        **changes,
    }
    return signed(Payload.model_validate(payload), key, public, key.alg)


def write_evidence(folder: Path, private: dict[str, Any], **changes: Any) -> Path:
    """Write such a file under the name that its payload gives it."""
    named = {"application": "mijn-gent", "environment": "tni", "platform": "acmidm", **changes}
    file = folder / f"{named['application']}.{named['environment']}.{named['platform']}.evidence.json"
    file.write_text(evidence_text(private, **changes))
    return file


def prove(portal: RunningPortal, form: FormFile, kid: str, client_id: str, *scopes: str, **changes: Any) -> Path:
    """Get a token for these scopes at a real portal, and write the evidence of it, as the probe does."""
    key = form.keys[kid]
    portal.client_token(key, client_id, scope=" ".join(scopes))
    about = {"application": form.application, "issuer": portal.issuer, "client_id": client_id, "scopes": list(scopes)}
    return write_evidence(form.path.parent, key.as_dict(private=True), **about, **changes)
