"""``acmidm-sandbox``: the portal alone, from one YAML file: as a real process, but for mistakes,
which are reported before it serves anything."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import httpx
import pytest
from joserfc.jwk import RSAKey

from acmidm_sandbox import main, start
from acmidm_sandbox.beheerportaal.store.opening import open_database
from acmidm_sandbox.file import read_sandbox
from story.person import MENU, PortalVisitor
from tests.support.ports import reserve_port
from tests.support.rsa_keys import rsa_key

PROJECT = Path(__file__).parents[2]
EXAMPLE = PROJECT / "acmidm_sandbox" / "sandbox.yaml"
COMMAND = (sys.executable, "-m", "acmidm_sandbox")
NEEDS_NONE_OF = ("acmidm", "acmidm_onboarding", "openpyxl", "psutil", "pulumi", "ruamel", "typer")
"""The command line, and what the extra ``sandbox`` does not bring."""


@dataclass
class Alone:
    """One that runs, and what it said before that."""

    origin: str
    said: str

    @property
    def commands(self) -> str:
        return "\n".join(line for line in self.said.splitlines() if line.startswith("    "))

    def token(self) -> dict[str, object]:
        """What the commands that it said get, in a shell of their own."""
        shell = subprocess.run(
            ["sh", "-ec", self.commands], capture_output=True, text=True, check=True, timeout=60
        )
        return dict(json.loads(shell.stdout))


@pytest.fixture
def port() -> Iterator[socket.socket]:
    with reserve_port() as reserved:
        yield reserved


@pytest.fixture
def file(tmp_path: Path, port: socket.socket) -> Path:
    """The example, on a free port, in a folder whose name a shell would take apart."""
    written = tmp_path / "it's a folder" / "sandbox.yaml"
    written.parent.mkdir()
    written.write_text(EXAMPLE.read_text().replace("8511", str(port.getsockname()[1])))
    return written


@contextmanager
def alone(file: Path) -> Iterator[Alone]:
    """Start it, and end it once it was used."""
    origin = f"http://127.0.0.1:{re.findall(r'port: ([0-9]+)', file.read_text())[0]}"
    output = file.with_name("said")
    with (
        output.open("w") as said,
        subprocess.Popen(
            [*COMMAND, file], stdout=said, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr
        log = ""
        while "Uvicorn running" not in log:
            line = process.stderr.readline()
            assert line, log
            log += line
        try:
            yield Alone(origin, output.read_text())
        finally:
            process.terminate()
            log += process.stderr.read()
    assert "Traceback" not in log


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[Path], str]]:
    """What it says where it does not start."""

    def run(file: Path) -> str:
        monkeypatch.setattr(sys, "argv", ["acmidm-sandbox", str(file)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, str), "Python says a text, and ends with 1"
        assert capsys.readouterr() == ("", "")
        return ended.value.code

    mask = os.umask(0o022)
    yield run
    os.umask(mask)


@pytest.mark.tool
def test_what_it_says_gets_a_token_and_logs_on(file: Path) -> None:
    """By three commands and a password, as they are. After another start the client-ID and the key
    are what they were, and a password is not shown again."""
    with alone(file) as first:
        assert len(first.commands.splitlines()) == 3
        token = first.token()
        assert (token["token_type"], token["scope"]) == ("Bearer", "dv_notificaties_import")
        found = re.search(r"beheerder of OVO002067 .* the password (\S+)", first.said)
        assert found, first.said
        with httpx.Client(base_url=first.origin, headers={"Origin": first.origin}) as http:
            door = http.get("/portaal/nl/aanmelden").text
            assert "sandbox.yaml" in door
            assert "acmidm sandbox" not in door, "a command that needs a project"
            somebody = PortalVisitor(http, "beheerder", found[1])
            assert somebody.log_on().status_code == 303
            listed = http.get(f"/portaal/nl{MENU}").text
            (client_id,) = re.findall(r"mijn-oauth-clients/([0-9a-f-]{36})", listed)
            page = http.get(f"/portaal/nl{MENU}/{client_id}").text
            assert "mijn-gent" in page
            assert "producten" not in page, "the example has none"
    with alone(file) as second:
        assert second.commands == first.commands
        assert second.token()["scope"] == "dv_notificaties_import"
        assert "password" not in second.said


@pytest.mark.exhaustive
@pytest.mark.parametrize("platform", ["acmidm", "geosecure"])
def test_the_commands_break_no_rule(file: Path, platform: str) -> None:
    """Of neither platform, nor one that it tolerates."""
    file.write_text(f"{file.read_text()}platform: {platform}\nstrict: true\n")
    with alone(file) as started:
        assert started.token().get("scope") == "dv_notificaties_import"


@pytest.mark.exhaustive
def test_what_a_file_calls_an_api_is_no_command(file: Path) -> None:
    """Somebody copies the three commands into a shell, which does nothing else."""
    made = file.parent.with_name("made")
    client_id = f"$(touch {made}); a&b=c 'd'"
    file.write_text(
        file.read_text().replace("{scopes: [", f'{{client_id: "{client_id}", scopes: [', 1)
    )
    with alone(file) as started:
        assert started.token()["scope"] == "dv_notificaties_import"
    assert not made.exists()


@pytest.mark.exhaustive
def test_what_it_keeps_is_its_owners_alone(file: Path) -> None:
    """The private key and the database."""
    with alone(file):
        modes = {path.name: path.stat().st_mode & 0o077 for path in file.parent.rglob("*.data/*")}
        assert modes.keys() >= {"mijn-gent.pem", "portal.db"}
        assert set(modes.values()) == {0}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "Gent, scopes: [dv_not",
            "Gent, scopes: [a, b, dv_not",
            [
                "sandbox.yaml:15:73: client mijn-gent has the scope a,",
                "15:76: client mijn-gent has",
            ],
        ),
        ("port: ", "\tport: ", ["sandbox.yaml:2:1: nothing begins with a tab, "]),
        ("[api-beheerder]", "[boss]", ['sandbox.yaml:10:73: an item of "rights" cannot be used']),
        ("{name: beheerder,", "beheerder #", ['sandbox.yaml:10:5: an item of "people" is no map']),
        ("port: ", "x: 2026-13-01\nport: ", ["sandbox.yaml:2:4: what looks like a number or"]),
        ("port: ", "port: !!int [x] #", ["sandbox.yaml:2:7: what looks like a number or a date"]),
        ("port: ", "port: !!bool maybe #", ["sandbox.yaml:2:7: what looks like"]),
        ("port: ", "port: !!timestamp soon #", ["sandbox.yaml:2:7: what looks like"]),
        ("port: ", f"? {'[' * 900 + ']' * 900}\n: x\nport: ", ["sandbox.yaml:1:1: its values are"]),
        (
            "port: ",
            "operators:\n  user:x: {kty: oct, k: c2VjcmV0}\n  y: &y {kty: EC, y: *y}\nport: ",
            ["sandbox.yaml:3:11: a client-ID that begins with user:", 'sandbox.yaml:4:6: "y" '],
        ),
        (
            "port: ",
            "operators:\n  x: {kty: EC, d: c2VjcmV0}\nport: ",
            ["sandbox.yaml:3:6: /d is private or symmetric; register the public key only"],
        ),
        ("port: ", "smtp_port: 1024\nport: 1024 #", ['sandbox.yaml:2:12: "smtp_port" is the same']),
        ("ovo: OVO002067", "ovo: Gent", ["OVO code", "sandbox.yaml:10:28", "sandbox.yaml:15:28"]),
        ("port:", "prot:", ['"prot"']),
        ("name: mijn-gent", "name: ../mijn-gent", ["sandbox.yaml:15:"]),
        ("name: mijn-gent", "name: Notificaties", ["sandbox.yaml:"]),
        ("# What acmidm", "{ What acmidm", ["sandbox.yaml:"]),
        ("people:\n", "people: x\nx:\n", ['"people" is no list', '"x" is nothing']),
        ("port: ", "access_token_lifetime_seconds: 0\nport: x", ['"port" cannot be used']),
        ("port: ", "port: 1\nport: ", ['sandbox.yaml:3:1: "port" is written twice']),
        ("{name: eig", "{name: x, name: eig", ['sandbox.yaml:11:15: "name" is written twice']),
        ("port: ", "\0port: ", ["sandbox.yaml:2:1: ", "a character that YAML does not allow"]),
        ("people:\n", "people: !!map\n", ["sandbox.yaml:", "expected a mapping"]),
    ],
)
def test_a_mistake_is_named_with_its_place(
    file: Path, refused: Callable[[Path], str], before: str, after: str, said: list[str]
) -> None:
    """All at once, and nothing is made."""
    file.write_text(file.read_text().replace(before, after))
    sentences = refused(file)
    assert [part for part in said if part not in sentences] == [], sentences
    assert "c2VjcmV0" not in sentences, "a part of a private key"
    assert not file.with_suffix(".data").exists()


def test_a_value_over_one_that_is_merged_is_not_written_twice(
    file: Path, refused: Callable[[Path], str]
) -> None:
    """Also where it is merged on, before it is looked at."""
    inner = "labels: {nl: {inner: &inner {<<: {a: x}, a: y}}, en: &en {<<: *inner}}\n"
    file.write_text(f"{file.read_text()}{inner}")
    sentences = refused(file)
    assert '"inner" cannot be used' in sentences
    assert "twice" not in sentences


def test_two_of_a_name_are_refused(file: Path, refused: Callable[[Path], str]) -> None:
    """They would have one key file."""
    client = file.read_text().splitlines()[-1]
    file.write_text(f"{file.read_text()}{client}\n")
    assert "there are two clients with the name mijn-gent" in refused(file)


@pytest.mark.exhaustive
@pytest.mark.parametrize("setting", ["port", "smtp_port"])
def test_a_taken_port_is_one_sentence(file: Path, port: socket.socket, setting: str) -> None:
    port.listen()
    number = port.getsockname()[1]
    if setting == "smtp_port":
        text = file.read_text().replace(f"port: {number}", f"port: 1024\nsmtp_port: {number}")
        file.write_text(text)
    ended = subprocess.run([*COMMAND, file], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"{file}: {setting} {number} is taken by another program; stop that, or write another"
        " port\n"
    )
    assert not file.with_suffix(".data").exists()


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["no key", "public", "with a password"])
def test_a_key_that_is_none_is_one_sentence(file: Path, kind: str) -> None:
    """It stays, and nothing of it is said."""
    made, text = rsa_key("of a sandbox"), b"no key"
    if kind != "no key":
        text = made.as_pem(private=kind != "public", password="secret")
    key = file.with_suffix(".data") / "mijn-gent.pem"
    key.parent.mkdir(mode=0o700)
    key.write_bytes(text)
    ended = subprocess.run([*COMMAND, file], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, key.read_bytes()) == (1, text)
    assert ended.stderr == (
        f"{key} is no private RSA key in PEM without a password; move it away, and the next start"
        " makes one\n"
    )


def test_of_two_starts_at_once_one_makes_the_key(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands of either get a token: the key in the file is the one that is registered."""
    sandbox, both = read_sandbox(file), Barrier(2)
    made: list[RSAKey] = []

    def generate(bits: int) -> RSAKey:
        with suppress(BrokenBarrierError):  # the other comes too, unless it waits for this one
            both.wait(0.5)
        made.append(rsa_key(f"{bits} bits, {len(made)}"))
        return made[-1]

    def fill(_: int) -> list[str]:
        with closing(open_database(sandbox.database)) as database:
            return list(start._fill_database(sandbox, database))

    monkeypatch.setattr(RSAKey, "generate_key", generate)
    with ThreadPoolExecutor() as starts:
        said = list(starts.map(fill, range(2)))
    assert len(made) == 1
    assert said[0][-4:] == said[1][-4:]


@pytest.mark.exhaustive
def test_output_that_cannot_be_written_is_one_sentence(file: Path) -> None:
    """On a full disk, or into a pipe whose reader has ended."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, file], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert ended.returncode == 1
    assert ended.stderr == "the output cannot be written: No space left on device\n"


def test_a_file_that_was_named_is_never_made(
    tmp_path: Path, refused: Callable[[Path], str]
) -> None:
    missing = tmp_path / "of-ours.yaml"
    assert "of-ours.yaml" in refused(missing)
    assert not missing.exists()


@pytest.mark.exhaustive
def test_without_a_file_there_is_an_example(tmp_path: Path) -> None:
    """In the folder where somebody is."""
    program = (
        "import acmidm_sandbox.start as alone\n"
        "alone.run = lambda settings: None\n"
        "alone._require_free_ports = lambda file, sandbox: None\n"
        "alone.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout.startswith("sandbox.yaml is new")
    assert (tmp_path / "sandbox.yaml").read_text() == EXAMPLE.read_text()


@pytest.mark.exhaustive
def test_its_extra_is_all_that_it_needs() -> None:
    """Neither the command line nor the packages of another extra are imported."""
    program = "import sys, acmidm_sandbox.start; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {*NEEDS_NONE_OF}.intersection(found.stdout.split())
