"""Send requests to Keycloak and the products without this project: with bare httpx, as many at once
as the engine runs steps, or one by one in a loop with python-keycloak or ``kcadm.sh``.

Prints the seconds that they took, without the start of Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

AT_ONCE = 4 * (os.cpu_count() or 1)
"""What the engine's ``--parallel`` is by default."""
Send = Callable[[str, str, Any], object]
"""Sends a method, a path below the realm's Admin REST API, and a document. Of the acts that a tool
carries out, these are POST /clients and DELETEs."""


def main(tool: str, act: str, file: str) -> None:
    """Send the requests of an act in a file that ``MeasuredAuthority.requests`` made, by a tool:
    ``httpx``, or one of ``_TOOLS``. Print the seconds."""
    content = json.loads(Path(file).read_text())
    admin, token = content["admin"], content["token"]
    with httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=60) as http:

        def send_request(method: str, url: str, document: Any, **headers: str) -> None:
            http.request(method, url, json=document, headers=headers).raise_for_status()

        def send_to_realm(method: str, path: str, document: Any) -> None:
            send_request(method, admin + path, document)

        send = send_to_realm if tool == "httpx" else _TOOLS[tool](admin, token)

        def send_in_order(requests: list[Any]) -> None:
            for method, path, document, headers in requests:
                if path.startswith("http"):  # the products, which no tool for Keycloak knows
                    send_request(method, path, document, **headers)
                else:
                    send(method, path, document)

        threads = AT_ONCE if tool == "httpx" else 1
        start = time.monotonic()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(send_in_order, content["acts"][act]))
        sys.stdout.write(str(time.monotonic() - start))


def _python_keycloak(admin: str, token: str) -> Send:
    """Return a function that sends a request by the library python-keycloak."""
    from keycloak import KeycloakAdmin  # not for the others: it takes longer than they do

    origin, _, realm = admin.partition("/admin/realms/")
    make: Any = KeycloakAdmin  # has no types
    keycloak = make(
        server_url=origin, realm_name=realm, token={"access_token": token, "expires_in": 3600}
    )

    def send(method: str, path: str, document: Any) -> None:
        if method == "POST":
            keycloak.create_client(document)
        else:
            keycloak.connection.raw_delete(f"admin/realms/{realm}{path}").raise_for_status()

    return send


def _kcadm(admin: str, token: str) -> Send:
    """Return a function that sends a request by Keycloak's command line, in a process of its own.
    It ends this process where that fails."""
    from tests.support.keycloak import of_this_clone

    origin, _, realm = admin.partition("/admin/realms/")
    program = str(of_this_clone().folder / "bin" / "kcadm.sh")
    login = (
        "--no-config",
        "--server",
        origin,
        "--token",
        token,
        "--realm",
        realm,
        "--target-realm",
        realm,
    )

    def send(method: str, path: str, document: Any) -> None:
        verb, *options = ("create", "--file", "-") if method == "POST" else ("delete",)
        command = [program, verb, path.lstrip("/"), *login, *options]
        done = subprocess.run(
            command, input=json.dumps(document), text=True, capture_output=True, check=False
        )
        if done.returncode:  # the error of `check=True` would print the token
            sys.exit(f"kcadm.sh {verb} {path} ended with {done.returncode}: {done.stderr}")

    return send


_TOOLS = {"python-keycloak": _python_keycloak, "kcadm.sh": _kcadm}

if __name__ == "__main__":
    main(*sys.argv[1:])
