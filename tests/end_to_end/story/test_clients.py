"""The clients of ``docs/integrators.md``, as the page starts them, on both platforms of what ``make
up`` brings up in a clone."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from acmidm_sandbox.portals import api_client_id
from tests.support.clone import cloned, run, scripts

PLATFORMS = ("acmidm", "geosecure")
AUDIENCE = api_client_id("tni", "acmidm", "notificaties")


@dataclass(frozen=True)
class Page:
    """The blocks of the page, each a script."""

    key_and_sandbox: str
    environment: str
    packages: str
    clients: list[str]

    @classmethod
    def read(cls, clone: Path) -> Page:
        text = (clone / "docs/integrators.md").read_text().replace("~/", f"{clone.parent}/")
        first, environment, packages, clients = scripts(text)
        return cls("\n".join(first), "\n".join(environment), "\n".join(packages), clients)

    def run(self, platform: str, client_id: str, client: str, changed: str = "") -> str:
        """A script that runs a client with the environment of the page, but for what is changed in
        it."""
        environment = re.sub(r"(?<=CLIENT_ID=)\S+", client_id, self.environment).replace(
            "acmidm", platform
        )
        return f"{environment}\n{changed}\n{client}"


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    """Skip where this machine lacks a language, and fail where that is CI's."""
    wanted = ("go", "javac", "mvn", "node", "npm", "openssl", "php", "curl")
    if lacking := [tool for tool in wanted if not shutil.which(tool)]:
        reason = (
            f"the examples need {', '.join(lacking)}, not on PATH: install what .ci/install does"
        )
        if os.environ.get("CI"):
            pytest.fail(f"{reason} (CI runs these tests)", pytrace=False)
        pytest.skip(reason)


@pytest.mark.exhaustive
# Seconds; it installs what npm, Maven and pip have to, and a busy machine takes long over it.
@pytest.mark.timeout(1800)
def test_each_client_works_on_both_platforms(tmp_path: Path) -> None:
    """A token, a notification, a dossier and its result; who is refused says why, and fails. With
    the page's own commands."""
    clone = tmp_path / "clone"
    with cloned(clone):
        page = Page.read(clone)
        for script in (page.key_and_sandbox, page.packages):
            done = run(clone, script)
            assert done.returncode == 0, done.stdout + done.stderr
        ids = client_ids(clone)

        wrong = []
        for client in page.clients:
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
            for changed, expected in (
                ("export KID=another", "kid another is not registered"),
                ("export NOTIFICATIES_AUDIENCE=", f"audience={AUDIENCE}"),
            ):
                done = run(clone, page.run("acmidm", ids["acmidm"], client, changed))
                if not done.returncode or expected not in done.stderr:
                    wrong.append(
                        f"{client} with {changed}: {done.returncode}\n{done.stdout}{done.stderr}"
                    )
        assert not wrong, "\n".join(wrong)


def client_ids(clone: Path) -> dict[str, str]:
    """The sample connection's, by platform."""
    shown = run(clone, 'eval "$(make -s env)" && acmidm status ondernemerssteun --stack tni').stdout
    acmidm, geosecure = re.findall(
        r"ondernemerssteun(?: \(geosecure\))?  (\S+)$", shown, re.MULTILINE
    )
    return {"acmidm": acmidm, "geosecure": geosecure}
