"""Each command of the README, of the guide in Dutch and of other pages, as it is written, in a
clone with ports of its own; and such a clone whose state is in a PostgreSQL.

One clone for all. Each page starts from what was committed, and without stacks.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from textwrap import indent

import pytest

from acmidm.sandbox.portals import api_client_id
from tests.support.browser import require_chromium
from tests.support.clone import cloned, run, scripts
from tests.support.engine import ROOT, SIGNS_OF_A_TRACEBACK
from tests.support.tools import require

pytestmark = pytest.mark.timeout(1800)  # s; a busy machine takes long over whole environments

README = "README.md"
DEMO = """
eval "$(make --just-print demo | tail -1) --write"
git diff --exit-code docs/tour.md
"""
"""``make demo``, which also writes its story into the tour: there it is as its commands said."""


@pytest.fixture(scope="module")
def one_clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("pages") / "clone"
    with cloned(folder):
        yield folder


@pytest.fixture
def clone(one_clone: Path) -> Iterator[Path]:
    """The clone as it was made."""
    yield one_clone
    done = run(
        one_clone, "make clean; git switch --quiet --force -C main origin/main; git clean -fdq"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.exhaustive
def test_each_command_works_as_written(clone: Path) -> None:
    """In the order of the page; none shows a traceback. tests/docs applies the edit between
    them."""
    done = []
    for script in scripts((clone / README).read_text()):
        outcome = run(clone, "\n".join(script).replace("make demo", DEMO))
        said = outcome.stdout + outcome.stderr
        assert outcome.returncode == 0, f"{script}\n{said}"
        assert not any(sign in said for sign in SIGNS_OF_A_TRACEBACK), said
        done += script
    made = clone.parent / "aansluitingen"
    assert (made / "requirements.txt").exists()
    shutil.rmtree(made)
    assert {"make up", "make up STACK=prod", "make demo"} <= set(done)


@pytest.mark.exhaustive
def test_a_portal_without_an_api_from_a_clone(clone: Path) -> None:
    """The page's own commands bring up the sample form of both platforms; then nothing differs."""
    require_chromium()
    for folder in (clone / "onboardings").iterdir():
        if folder.name != "vlaio":
            shutil.rmtree(folder)
    up = "make up STACK=by-hand"
    script = next(
        one
        for one in scripts((clone / "docs" / "operations.md").read_text())
        if any(up in line for line in one)
    )
    kept = [line for line in script if not line.startswith("make down")]
    compared = ['eval "$(make -s env)"', "acmidm drift --stack by-hand"]
    outcome = run(clone, "\n".join(kept + compared))
    said = outcome.stdout + outcome.stderr
    assert outcome.returncode == 0, said
    assert not any(sign in said for sign in SIGNS_OF_A_TRACEBACK), said
    assert "in sync" in said


@pytest.mark.exhaustive
def test_each_target_finds_the_state_in_postgresql(clone: Path) -> None:
    """``make up BACKEND=postgres``: no target shows the password, also where the server refuses it;
    nothing of the state is in files; and it ends with the clone's servers."""
    local, said = clone / ".local", ""

    def make(words: str, code: int = 0) -> str:
        nonlocal said
        done = run(clone, f"make {words}")
        said += done.stdout + done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    make("up BACKEND=postgres")
    password = (local / "postgres" / "passfile").read_text().strip().rpartition(":")[2]
    again = make("shell BACKEND=postgres <<< 'acmidm deploy'")
    assert re.search(r" is as declared, [0-9]+ unchanged: ", again)
    shown = run(
        clone, "make shell BACKEND=postgres <<< 'pulumi about; pulumi whoami --verbose; env'"
    ).stdout
    assert "postgres://127.0.0.1:" in shown
    assert not list((local / "state").rglob("*.json"))
    assert "tni is in sync" in make("shell BACKEND=postgres <<< 'acmidm drift'")
    make("down")
    assert not (local / "postgres" / "data" / "postmaster.pid").exists()
    passfile = local / "postgres" / "passfile"
    passfile.write_text("*:*:*:*:wrong\n")
    make("shell BACKEND=postgres <<< 'acmidm deploy'", code=2)
    make("clean")
    assert not (local / "postgres").exists()
    assert "password authentication failed" in said
    assert password not in said + shown
    assert "wrong" not in said


JAVA = "java/src/main/java/Client.java"
GUIDE = "docs/nl/aansluiten.md"
TYPED = {
    "acmidm keys ": "{} --passphrase-fd 3 3<<<'paard batterij nietje'",
    "openssl pkey ": "{} -passin 'pass:paard batterij nietje'",
    "acmidm probe ": "{} --passphrase-fd 3 3<<<'paard batterij nietje'",
    "export CLIENT_ID=": (
        "export CLIENT_ID=$(acmidm status voorbeeldem | grep -oE '[0-9a-f-]{{36}}' | head -1)"
    ),
    "export KID=": (
        'export KID=$(grep -ohP \'"kid": "\\K[^"]+\' onboardings/gemeente-voorbeeldem/*.jwk.json)'
    ),
}
"""What a person types at a prompt, or takes over from what was shown before."""


@pytest.mark.exhaustive
def test_the_guide_in_dutch_from_a_clone_to_production(clone: Path, tmp_path: Path) -> None:
    """Word by word, in one terminal: a form from nothing, a posted notification, production, a
    second key."""
    lines = [line for script in scripts((clone / GUIDE).read_text()) for line in script]
    typed = [
        next(
            (typed.format(line) for begins, typed in TYPED.items() if line.startswith(begins)),
            line,
        )
        for line in lines
    ]
    who = (
        "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.example GIT_COMMITTER_NAME=a"
        " GIT_COMMITTER_EMAIL=a@b.example"
    )
    done = run(clone, "\n".join([who, *typed]).replace("~/", f"{tmp_path}/"))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert not any(sign in said for sign in SIGNS_OF_A_TRACEBACK), said
    assert "POST /api/v2/notificaties {'Id'" in done.stdout
    assert done.stdout.count("geen fouten gevonden") == 2
    assert "1 connection on prod" in done.stdout


def test_the_guide_quotes_the_examples() -> None:
    """Its code in Python, Java and Node is that of the clients that are run."""
    examples = "".join(
        (ROOT / "examples" / file).read_text()
        for file in ("python/client.py", JAVA, "node/jsonwebtoken.mjs")
    )
    quoted = re.findall(
        r"^```(?:python|java|js)\n(.*?)^```", (ROOT / GUIDE).read_text(), re.DOTALL | re.MULTILINE
    )
    assert len(quoted) == 3
    # The lines of a function begin at the margin where they stand alone.
    assert [
        text for text in quoted if text not in examples and indent(text, "    ") not in examples
    ] == []


PLATFORMS = ("acmidm", "geosecure")
AUDIENCE = api_client_id("tni", "acmidm", "notificaties")
REFUSED = (
    ("export KID=another", "kid another is not registered"),
    ("export NOTIFICATIES_AUDIENCE=", f"audience={AUDIENCE}"),
)
"""What is wrong in an environment, and how the client says so: each client meets one of these."""


@dataclass(frozen=True)
class Page:
    """The blocks of the page, each a script."""

    key_and_sandbox: str
    environment: str
    packages: str
    clients: list[str]

    @classmethod
    def read(cls, clone: Path, home: Path) -> Page:
        text = (clone / "docs/integrators.md").read_text().replace("~/", f"{home}/")
        first, environment, packages, clients = scripts(text)
        return cls("\n".join(first), "\n".join(environment), "\n".join(packages), clients)

    def run(self, platform: str, client_id: str, client: str, changed: str = "") -> str:
        """A script that runs a client with the environment of the page, but for what is changed in
        it."""
        environment = re.sub(r"(?<=CLIENT_ID=)\S+", client_id, self.environment).replace(
            "acmidm", platform
        )
        return f"{environment}\n{changed}\n{client}"


@pytest.mark.exhaustive
def test_each_client_works_on_both_platforms(clone: Path, tmp_path: Path) -> None:
    """A token, a notification, a dossier and its result; who is refused says why, and fails. With
    the page's own commands."""
    wanted = ("go", "javac", "mvn", "node", "npm", "openssl", "php", "curl")
    lacking = [tool for tool in wanted if not shutil.which(tool)]
    require(", ".join(lacking), "sudo .ci/install", is_here=not lacking)
    page = Page.read(clone, tmp_path)
    for script in (page.key_and_sandbox, page.packages):
        done = run(clone, script)
        assert done.returncode == 0, done.stdout + done.stderr
    ids = client_ids(clone)

    wrong = []
    for client, (changed, expected) in zip(page.clients, cycle(REFUSED), strict=False):
        for platform in PLATFORMS:
            done = run(clone, page.run(platform, ids[platform], client))
            said = done.stdout.replace(" ", "")
            if (
                done.returncode
                or "POST/api/v2/notificaties" not in said
                or '"Succes":true' not in said
            ):
                wrong.append(
                    f"{client} on {platform}: {done.returncode}\n{done.stdout}{done.stderr}"
                )
        done = run(clone, page.run("acmidm", ids["acmidm"], client, changed))
        if not done.returncode or expected not in done.stderr:
            wrong.append(f"{client} with {changed}: {done.returncode}\n{done.stdout}{done.stderr}")
    assert not wrong, "\n".join(wrong)


def client_ids(clone: Path) -> dict[str, str]:
    """The sample connection's, by platform."""
    shown = run(clone, 'eval "$(make -s env)" && acmidm status ondernemerssteun --stack tni').stdout
    acmidm, geosecure = re.findall(
        r"ondernemerssteun  TNI(?:, GeoSecure)?  (\S+)$", shown, re.MULTILINE
    )
    return {"acmidm": acmidm, "geosecure": geosecure}
