"""Tokens for programs, of real portals: in a program's environment, kept in a file, and at a
socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.private_key import read_private_key
from acmidm.probe.inputs import given
from acmidm.probe.token_socket import serving
from acmidm.probe.tokens import Tokens
from tests.support.connection import Connection
from tests.support.forms import DOSSIERS, SEND

ACMIDM = (sys.executable, "-c", "import acmidm; acmidm.main()")
SHOW = (
    sys.executable,
    "-c",
    "import os, sys; print(os.environ['ACCESS_TOKEN'], *sys.argv[1:]); sys.exit(7)",
)
ONE = ("--scope", SEND)
OTHER_USER = 65534


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the tokens that are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/acmidm/tokens"


def words(connection: Connection, *more: str, command: tuple[str, ...] = ()) -> list[str]:
    own = (
        "--stack",
        "tni",
        "--private-key",
        str(connection.key_file),
        "--client-id",
        connection.client_id,
    )
    return [
        "token",
        *command,
        str(connection.form.path),
        *own,
        "--platform",
        connection.platform,
        *more,
    ]


def ran(command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **how)


def printed(connection: Connection, *more: str) -> str:
    done = CliRunner().invoke(app, words(connection, *more, "--print"))
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def requests(connection: Connection) -> int:
    """How many tokens the portal was asked for."""
    return sum(
        "POST /op/v1/token" in line for line in connection.portal.log.read_text().splitlines()
    )


def test_a_program_has_it_in_its_environment(connection: Connection, tmp_path: Path) -> None:
    """All that follows --exec is the program's, its options too; it runs where its user is, and
    ends the command."""
    folder = tmp_path / "below"
    folder.mkdir()
    Path("Pulumi.yaml").write_text("name: acmidm\nruntime: python\n")
    own = [
        str(Path("..") / word) if word.startswith("onboardings") else word
        for word in words(connection, *ONE)
    ]
    done = ran([*ACMIDM, *own, "--exec", *SHOW, "--print", "--", os.curdir], cwd=folder)
    token, *arguments = done.stdout.split()
    assert (done.returncode, arguments) == (7, ["--print", "--", "."])
    assert token == printed(connection, *ONE)
    assert token not in done.stderr


def test_it_is_kept_until_shortly_before_its_end(connection: Connection, cache: Path) -> None:
    """By client, scopes and API, for this user alone."""
    before = requests(connection)
    token = printed(connection, "--audience", "dosis")
    read = f"{connection.portal.origin}/api/v2/dosis/bronnen/uris"
    assert httpx.get(read, headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert printed(connection, "--scope", DOSSIERS) == token
    assert printed(connection, *ONE) != token
    assert requests(connection) == before + 2
    kept = next(file for file in cache.iterdir() if token in file.read_text())
    assert [stat.S_IMODE(path.stat().st_mode) for path in (kept, cache)] == [0o600, 0o700]
    assert 3300 < json.loads(kept.read_text())["renew_at"] - time.time() < 3600 - 50
    for content in ("{", json.dumps({**json.loads(kept.read_text()), "renew_at": time.time()})):
        kept.write_text(content)
        new = printed(connection, "--audience", "dosis")
        assert new != token
        token = new


def test_geosecure_takes_all_scopes_at_once(on_geosecure: Connection) -> None:
    """Its tokens name no API; a product chooses its scopes."""
    assert printed(on_geosecure) != printed(on_geosecure, "--audience", "dosis")


REFUSED = {
    "neither": (("--scope", SEND), 2, "give either --exec with a program"),
    "both": (("--print", "--exec", "true"), 2, "give either --exec with a program"),
    "nothing to run": (("--exec",), 2, "give either --exec with a program"),
    "no program": (
        (*ONE, "--exec", "no-such-program"),
        2,
        '"no-such-program" cannot be started: No such file',
    ),
    "unknown scope": (
        ("--scope", "dv_x", "--print"),
        2,
        '--scope: "dv_x" is not a scope of the form; use one of these',
    ),
    "several APIs": (("--print",), 2, "choose with --audience: dosis, notificaties"),
    "no scope": (
        ("--audience", "elys", "--print"),
        2,
        '--audience: the form has no scope of "elys"; name another',
    ),
    "not granted": (("--scope", DOSSIERS, "--print"), 1, f"the token for {DOSSIERS} is refused ("),
}


@pytest.mark.parametrize("case", REFUSED)
def test_why_there_is_none(connection: Connection, case: str) -> None:
    connection.grant(SEND)
    more, code, sentence = REFUSED[case]
    done = CliRunner().invoke(app, words(connection, *more))
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (code, "", 1), (
        done.output
    )
    assert sentence in done.stderr


def test_where_nobody_answers_and_where_it_may_not_be_kept(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without a client-ID that the stack could tell."""
    command = [*words(connection, *ONE, "--print")]
    without = [word for word in command if word not in ("--client-id", connection.client_id)]
    assert "the client-ID is not known here" in CliRunner().invoke(app, without).stderr
    connection.set_stack(issuer="http://127.0.0.1:1/op")
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, done.stdout) == (3, "")
    (tmp_path / "work/.git").mkdir(parents=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "work"))
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, "which is in the Git repository" in done.stderr) == (2, True)


@contextmanager
def socket_of(connection: Connection, cache: Path) -> Iterator[Path]:
    key = read_private_key(connection.key_file, bytes)
    inputs = given(connection.form.path, "tni", connection.platform, connection.client_id)
    file = cache.parent.parent.parent / "tokens.sock"
    with serving(Tokens(inputs.trial(key, None, sends_test_message=False), cache), file):
        yield file


def posted(file: Path, path: str = "/token", **form: str) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(file))) as client:
        return client.post(f"http://localhost{path}", data=form)


def test_a_socket_hands_it_out(connection: Connection, cache: Path) -> None:
    """Many callers at once are one request to the issuer. What is refused is one sentence."""
    with socket_of(connection, cache) as file:
        before = requests(connection)
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: posted(file, audience="dosis"), range(40)))
        assert len({answer.json()["access_token"] for answer in answers}) == 1
        assert requests(connection) == before + 1
        assert answers[0].headers["cache-control"] == "no-store"
        assert answers[0].json()["token_type"] == "Bearer"
        assert 3500 < answers[0].json()["expires_in"] <= 3600
        connection.grant(DOSSIERS)
        for answer, status, error, sentence in (
            (posted(file), 400, "invalid_request", "choose with --audience"),
            (posted(file, scope="dv_x"), 400, "invalid_request", "is not a scope of the form"),
            (posted(file, scope=SEND), 502, "server_error", "is refused ("),
            (posted(file, "/else"), 404, "invalid_request", "send POST /token"),
            (posted(file, scope="x" * 9000), 400, "invalid_request", "send POST /token"),
        ):
            said = answer.json()
            assert (answer.status_code, said["error"]) == (status, error)
            assert sentence in said["error_description"]
            assert "\n" not in said["error_description"]


def test_a_socket_is_one_users_and_goes_at_the_end(connection: Connection, tmp_path: Path) -> None:
    """The socket of a server that was killed is taken over; that of one that runs, and any other
    file, is not."""
    file = tmp_path / "a.sock"
    command = [*ACMIDM, *words(connection, "--socket", str(file), command=("serve",))]
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert server.stderr is not None
        assert server.stderr.readline() == f"tokens are handed out at {file}; stop with Ctrl-C\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert posted(file, audience="dosis").status_code == 200
        second = ran(command)
        assert (
            second.returncode,
            f"{file} cannot be the socket: Address already in use" in second.stderr,
        ) == (2, True)
        server.send_signal(number)
        assert server.wait(30) == (-number if number == signal.SIGKILL else 0)
        assert server.stderr.read() == ""
    assert not file.exists()
    file.write_text("mine")
    assert ran(command).returncode == 2
    assert file.read_text() == "mine"


def test_a_socket_that_cannot_be_tried_stays(connection: Connection, tmp_path: Path) -> None:
    """It is another user's, or of another kind."""
    file = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(file))
        done = ran([*ACMIDM, *words(connection, "--socket", str(file), command=("serve",))])
    assert (
        done.returncode,
        f"{file} cannot be the socket: Address already in use" in done.stderr,
    ) == (2, True)
    assert file.is_socket()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_nobody_else_gets_one(connection: Connection, cache: Path, tmp_path: Path) -> None:
    """Not even where the socket's mode lets them in."""
    tmp_path.chmod(0o755)
    with socket_of(connection, cache) as file, socket.socket(socket.AF_UNIX) as caller:
        os.seteuid(OTHER_USER)
        try:
            with pytest.raises(PermissionError):
                caller.connect(file.name)
        finally:
            os.seteuid(0)
        file.chmod(0o666)
        os.seteuid(OTHER_USER)
        try:
            caller.connect(file.name)
        finally:
            os.seteuid(0)
        with suppress(ConnectionError):
            caller.sendall(b"POST /token HTTP/1.0\r\n\r\n")
            assert caller.recv(99) == b""
