"""``acmidm keys`` as tests run it, and what they look at afterwards."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm_onboarding.forms.documents import read_document, read_text
from tests.support.terminal import contents, descriptor

PASSPHRASE = "correct horse battery staple"
FORM_FILE = "onboardings/gent/mijn-gent.yaml"


def keys(
    *arguments: str,
    passphrase: str | None = PASSPHRASE,
    form: str | None = FORM_FILE,
    environment: str = "tni",
) -> Result:
    command, *more = arguments
    given = [] if passphrase is None else ["--passphrase-fd", str(descriptor(passphrase))]
    return CliRunner().invoke(
        app,
        ["keys", command, *([form] if form else []), *more, "--environment", environment, *given],
    )


def refused(*arguments: str, **how: Any) -> str:
    """What is said of a refusal, which leaves everything as it was."""
    before = contents(Path(), Path.home())
    result = keys(*arguments, **how)
    assert (result.exit_code, contents(Path(), Path.home())) == (2, before), result.output
    return result.output


def private_files() -> list[Path]:
    return (
        sorted((Path.home() / ".acmidm/keys").glob("*"))
        if (Path.home() / ".acmidm").exists()
        else []
    )


def named(environment: str = "tni") -> list[str]:
    document: Any = read_document(Path(FORM_FILE), partial(read_text, Path(FORM_FILE))).data
    return list(document["environments"][environment].get("jwks", ()))


def only_public(result: Result) -> None:
    """Neither a private key nor the passphrase is in what a command says."""
    assert "PRIVATE KEY" not in result.output
    assert PASSPHRASE not in result.output
    for file in private_files():
        assert not any(
            line in result.output for line in file.read_text().splitlines() if len(line) > 20
        )
