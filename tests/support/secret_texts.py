"""Keys and tokens as people paste them, and the pieces of one that no message may show."""

from __future__ import annotations

import base64
import json
import random

from tests.support.workspace import private_key

BYTES = random.Random(2026).randbytes(600)  # noqa: S311 - always the same
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"RS256"}', b'{"iss":"mijn-gent","exp":1}', BYTES[:64])
)
PEM = (
    f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(BYTES[:300]).decode()}\n-----END PRIVATE"
    " KEY-----"
)
SECRETS = {
    "PEM": PEM,
    "JWK": json.dumps(private_key("ec", kty="EC", crv="P-256")),
    "JWK, nested": json.dumps({"keys": [{"kty": "RSA", "deep": {"d": "c2hvcnQtc2VjcmV0"}}]}),
    "JWT": JWT,
}


def pieces(secret: str) -> list[str]:
    return [
        secret[start : start + 12]
        for start in range(len(secret) - 11)
        if any(map(str.isdigit, secret[start : start + 12]))
    ]
