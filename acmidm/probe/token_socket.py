"""A Unix socket that hands the tokens of a client to programs of the same user, by HTTP: POST
/token, with ``scope`` and ``audience`` as a token endpoint takes them (RFC 6749 §4.4.2)."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

from acmidm.probe.tokens import Tokens, chosen
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Failure, on_one_line

_PATH = "/token"
_LONGEST_BODY = 8192
_WRONG_USE = 2
_OWNER_ALONE = 0o177


@contextmanager
def serving(tokens: Tokens, file: Path) -> Iterator[None]:
    """Hand out tokens at a socket for a with statement, at whose end requests that have begun are
    answered. Raises Failure."""
    if file.is_socket() and not _answers(file):
        file.unlink()  # of a server that was killed
    umask = os.umask(_OWNER_ALONE)
    try:
        server = _Server(str(file), _Handler)
    except OSError as error:
        raise Failure(say("token.no_socket", file=file, reason=error.strerror or error)) from None
    finally:
        os.umask(umask)
    server.tokens = tokens
    Thread(target=server.serve_forever).start()
    try:
        yield
    finally:
        server.shutdown()
        file.unlink(missing_ok=True)
        server.server_close()


def _answers(file: Path) -> bool:
    """Return whether a socket may be somebody's: what cannot be tried, such as another user's, may
    be."""
    with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
        client.settimeout(_Handler.timeout)
        return client.connect_ex(str(file)) != errno.ECONNREFUSED
    return True


class _Server(ThreadingMixIn, UnixStreamServer):
    tokens: Tokens
    request_queue_size = 128

    def verify_request(self, request: Any, _: object) -> bool:
        """Serve this user alone, whatever the mode of the socket has become."""
        if sys.platform != "linux":
            return True
        process = struct.Struct("3i")  # pid, uid, gid
        peer = request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, process.size)
        return bool(process.unpack(peer)[1] == os.getuid())

    def handle_error(self, *_: object) -> None:
        """Show no traceback, which could hold a token; a program that went away is no trouble."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            sys.stderr.write(f"{say('token.unforeseen', kind=type(error).__name__)}\n")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5

    def do_POST(self) -> None:
        size = self.headers.get("content-length", "0")
        if self.path != _PATH or not size.isdecimal() or int(size) > _LONGEST_BODY:
            self.send_error(404 if self.path != _PATH else 400)
            return
        form = dict(parse_qsl(self.rfile.read(int(size)).decode(errors="replace")))
        try:
            request = chosen(
                self.server.tokens.trial, form.get("scope", "").split(), form.get("audience")
            )
            token = self.server.tokens.current(request)
        except Failure as failure:
            code, error = (
                (400, "invalid_request")
                if failure.exit_code == _WRONG_USE
                else (502, "server_error")
            )
            self._refuse(code, error, on_one_line(str(failure)))
            return
        left = max(0, int(token.ends_at - time.time()))
        self._answer(
            200, {"access_token": token.access_token, "token_type": "Bearer", "expires_in": left}
        )

    def send_error(self, code: int, *_: object, **__: object) -> None:
        """Refuse what is no request for a token."""
        self._refuse(code, "invalid_request", say("token.no_request", path=_PATH))

    def log_message(self, *_: object) -> None:
        """Log nothing: who wants a token is the callers' own business."""

    def _refuse(self, code: int, error: str, sentence: str) -> None:
        self._answer(code, {"error": error, "error_description": sentence})

    def _answer(self, code: int, document: Mapping[str, object]) -> None:
        """Answer as RFC 6749 §5 has it."""
        content = json.dumps(document).encode()
        self.send_response(code)
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(content))),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
