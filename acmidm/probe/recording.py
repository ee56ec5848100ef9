"""Writes evidence beside the form: what was proven, signed by the key that was proven."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from acmidm.probe.private_key import PrivateKey
from acmidm_onboarding.model.evidence import TYPE, Payload
from acmidm_onboarding.model.jwk import PublicJwk


def signed(payload: Payload, key: PrivateKey, public: PublicJwk, alg: str) -> str:
    """Return the payload as a flattened JWS (RFC 7515 §7.2.2), with the public half of ``key`` in its header."""
    header = {"alg": alg, "kid": public.kid, "typ": TYPE, "jwk": dict(public.members)}
    jws = key.sign(payload.model_dump_json(), header)
    return json.dumps(json.loads(jws.serialize()), indent=2) + "\n"


def write(file: Path, text: str) -> None:
    """Write a file whole or not at all, over an earlier one of its name. A link of that name is replaced, not followed."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False) as stream:
        try:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
            os.chmod(stream.name, 0o644)  # noqa: PTH101 - public, as the form beside it is
            os.replace(stream.name, file)  # noqa: PTH105 - the temporary file has no Path
        except BaseException:
            os.unlink(stream.name)  # noqa: PTH108 - as above
            raise
