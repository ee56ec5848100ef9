"""Each command of the README and of the guide in Dutch, as it is written, in a clone with ports of
its own."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest

from tests.support.clone import cloned, run, scripts
from tests.support.engine import ROOT, SIGNS_OF_A_TRACEBACK

README = "README.md"
LEFT_OUT = {
    "make test": "this test would run itself",
    "make test-exhaustive": "this test would run itself",
    "pulumi up --continue-on-error": "it asks somebody at a terminal",
}


@pytest.mark.exhaustive
def test_each_command_works_as_written(tmp_path: Path) -> None:
    """On the stacks of its `make up`, in the order of the page; none shows a traceback."""
    done = []
    clone = tmp_path / "clone"
    with cloned(clone):
        for script in scripts((clone / README).read_text()):
            wanted = [line for line in script if line not in LEFT_OUT]
            outcome = run(clone, "\n".join(wanted))
            assert outcome.returncode == 0, f"{wanted}\n{outcome.stdout}{outcome.stderr}"
            assert not any(
                sign in outcome.stdout + outcome.stderr for sign in SIGNS_OF_A_TRACEBACK
            ), outcome.stderr
            done += wanted
    assert {"make up", "make up STACK=prod", "make demo", "pulumi preview --refresh --diff"} <= set(
        done
    )


@pytest.mark.exhaustive
# Seconds; a browser carries out thirty orders, and a busy machine takes long over it.
@pytest.mark.timeout(1800)
def test_a_portal_without_an_api_from_a_clone(tmp_path: Path) -> None:
    """The page's own commands bring the sample forms up there; then nothing changes, and nothing
    differs."""
    clone, up = tmp_path / "clone", "make up STACK=by-hand"
    with cloned(clone):
        script = next(
            one
            for one in scripts((clone / "docs" / "operations.md").read_text())
            if any(up in line for line in one)
        )
        kept = [line for line in script if not line.startswith("make down")]
        for wanted in (kept, [up], ['eval "$(make -s env)"', "acmidm drift --stack by-hand"]):
            outcome = run(clone, "\n".join(wanted))
            said = outcome.stdout + outcome.stderr
            assert outcome.returncode == 0, f"{wanted}\n{said}"
            assert not any(sign in said for sign in SIGNS_OF_A_TRACEBACK), said
            if wanted == [up]:
                assert re.search(r" is as declared, [0-9]+ unchanged: ", said), said
        assert "in sync" in said


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
def test_the_guide_in_dutch_from_a_clone_to_production(tmp_path: Path) -> None:
    """Word by word, in one terminal: a form from nothing, a posted notification, production, a
    second key."""
    clone = tmp_path / "clone"
    with cloned(clone):
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
