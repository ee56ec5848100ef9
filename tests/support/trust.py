"""Who the HTTP clients of tests trust."""

from __future__ import annotations

import httpx

TRUSTED = httpx.create_ssl_context()
"""The authorities of this machine, read once: a client that has no context of its own reads them in
40 ms."""
