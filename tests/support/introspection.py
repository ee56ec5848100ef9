"""What a portal says of a token."""

from __future__ import annotations

import httpx

from tests.support.portal import ASSERTION_TYPE, RunningPortal, sign_assertion
from tests.support.trust import TRUSTED


def introspect(portal: RunningPortal, token: str, **form: str) -> httpx.Response:
    """RFC 7662 §2.1, as the operator; `form` overrides its authentication."""
    assertion = sign_assertion(portal.operator_key, "test-operator", portal.issuer)
    sent = form or {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    return httpx.post(
        f"{portal.issuer}/v1/introspect", data={"token": token, **sent}, timeout=10, verify=TRUSTED
    )
