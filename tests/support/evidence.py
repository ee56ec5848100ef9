"""Evidence for tests: what the probe would have recorded, signed by a key of the test."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from acmidm.private_key import private_key_of
from acmidm.probe.inputs import signed_evidence
from acmidm_onboarding.values.evidence import Evidence
from tests.support.forms import FormFile
from tests.support.portal import RunningPortal


def proof(**changes: Any) -> Evidence:
    """Evidence of Stad Gent's mijn-gent on TNI, with ``changes``."""
    said: dict[str, Any] = {
        "organisation": "OVO002067",
        "application": "mijn-gent",
        "environment": "tni",
        "platform": "acmidm",
        "issuer": "https://tni.example/op",
        "client_id": "8abae908-3b66-41e8-bf7d-262d136515b4",
        "scopes": ["dv_notificaties_import"],
        "products": [],
        "thumbprint": "thumb",
        "iat": int(time.time()),
        "signs_with_kid": True,
    }
    return Evidence.model_validate({**said, **changes})


def evidence_text(private: dict[str, Any], **changes: Any) -> str:
    """The text of a file of evidence, signed by a private JSON Web Key."""
    key = private_key_of(private)
    return signed_evidence(
        proof(**{"thumbprint": key.public.thumbprint, **changes}), key, key.public, key.alg
    )


def write_evidence(folder: Path, private: dict[str, Any], **changes: Any) -> Path:
    """Write such a file under the name that its payload gives it."""
    named = {"application": "mijn-gent", "environment": "tni", "platform": "acmidm", **changes}
    file = (
        folder / f"{named['application']}.{named['environment']}.{named['platform']}.evidence.json"
    )
    file.write_text(evidence_text(private, **changes))
    return file


def prove(
    portal: RunningPortal, form: FormFile, kid: str, client_id: str, *scopes: str, **changes: Any
) -> Path:
    """Get a token for these scopes at a real portal, and write the evidence of it, as the probe
    does."""
    key = form.keys[kid]
    portal.client_token(key, client_id, scope=" ".join(scopes))
    about = {
        "application": form.application,
        "issuer": portal.issuer,
        "client_id": client_id,
        "scopes": list(scopes),
    }
    return write_evidence(form.path.parent, key.as_dict(private=True), **about, **changes)
