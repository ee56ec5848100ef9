"""The aansluitingsformulier as a page, for those who have no account yet: one file, which brings
its own policy."""

import re
from html import unescape

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from acmidm_sandbox.beheerportaal.context import Portal

_POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]*)"')


def show(request: Request) -> Response:
    """Return the page, with the policy that it has in itself also as a header, where frames can be
    forbidden too."""
    portal: Portal = request.app.state.portal_of()
    if portal.settings.form_page is None:
        raise HTTPException(404)
    html = portal.settings.form_page.read_text("utf-8")
    policy = _POLICY.search(html)
    own = unescape(policy[1]) if policy else "default-src 'none'"
    return HTMLResponse(html, headers={"Content-Security-Policy": f"{own}; frame-ancestors 'none'"})
