"""What keeps the keys of the stacks of tests: answers as much of Vault's transit API as the engine
asks of one.

The engine makes the key of a stack with a passphrase by a million rounds of SHA-256, in each
command: a quarter of what a command takes. A stack on a real backend has its key from a service
too; the sandbox's passphrase is in the tests of clones and of the story.
"""

from __future__ import annotations

import json
import os
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.support.offered import SHARED

PROVIDER = "hashivault://acmidm-tests"
_PREFIX = "vault:v1:"


class _Transit(BaseHTTPRequestHandler):
    """Keys are wrapped by their name alone: nothing here is worth more."""

    def do_PUT(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        ciphertext = asked.get("ciphertext")
        data = (
            {"ciphertext": _PREFIX + asked["plaintext"]}
            if ciphertext is None
            else {"plaintext": ciphertext.removeprefix(_PREFIX)}
        )
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@cache
def quick() -> dict[str, str]:
    """The variables that lead an engine there, until this process ends; none for benchmarks, which
    measure what people have."""
    if SHARED not in os.environ:
        return {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Transit)
    Thread(target=server.serve_forever, daemon=True).start()
    lives_for_a_second = {"GOGC": "400"}
    return {
        "VAULT_SERVER_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "VAULT_SERVER_TOKEN": "of-tests",
        **lives_for_a_second,
    }
