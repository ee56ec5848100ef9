"""How the project behaves with many connections: ``make bench`` (CONNECTIONS=200 by default).

One portal, one stack, N forms with one client, its scopes, keys and one product each, so five resources a form.
Everything is measured in one run. The ratios count: to the time of a preview, and requests per connection. Not a test:
times depend on the machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jwcrypto.jwk import JWK

from bench.organisations import write_organisation
from tests.support.engine import Outcome, Project
from tests.support.offered import offered
from tests.support.portal import OPERATOR, RunningPortal, running_portal

_MORE = """\
suppliers: [leverancier]
speaks_for: {{aanbieder_uri: ["https://organisatie.example/{number}"], merk_code: [merk]}}
"""
_FORM = """\
application: loket
contacts: [beheer@organisatie.example]
environments:
  tni:
    jwks: [../leverancier/key.jwk.json]
    scopes: {{dv_notificaties_import: {{}}}}
    products:
      notificaties: {{aanbieder_uri: "https://organisatie.example/{number}", merk_code: merk, product_ids: ["10244"]}}
"""


def main(connections: int) -> None:
    with tempfile.TemporaryDirectory() as folder, running_portal(Path(folder) / "portal", **offered()) as portal:
        project = project_of(Path(folder), portal, connections)
        steps: list[tuple[str, Callable[[], Outcome]]] = [
            ("preview of the first up", project.preview),
            ("first up", project.up),
            ("preview, nothing changed", project.preview),
            ("up, nothing changed", project.up),
            ("refresh", lambda: project.pulumi("refresh", "--yes", "--suppress-progress")),
            ("preview --refresh", lambda: project.preview("--refresh")),
            ("destroy", lambda: project.pulumi("destroy", "--yes", "--skip-preview", "--suppress-progress")),
        ]
        print(f"{connections} connections, {5 * connections} resources\n")  # noqa: T201 - this is its output
        print(f"{'step':<28}{'seconds':>9}{'÷ preview':>11}{'requests ÷ connection':>23}")  # noqa: T201
        reference = None
        for name, step in steps:
            before, start = _requests(portal), time.monotonic()
            outcome = step()
            seconds = time.monotonic() - start
            if outcome.code != 0:
                sys.exit(f"{name} failed:\n{outcome.output[-2000:]}")
            reference = reference or seconds
            requests = (_requests(portal) - before) / connections
            print(f"{name:<28}{seconds:>9.1f}{seconds / reference:>11.2f}{requests:>23.2f}")  # noqa: T201


def project_of(folder: Path, portal: RunningPortal, connections: int) -> Project:
    """A project with that many connections, which the portal knows nothing of yet."""
    key_file = folder / "operator.jwk.json"
    key_file.write_text(json.dumps(portal.operator_key.as_dict(private=True)))
    project = Project(folder / "project", seconds=3600)
    supplier = project.forms / "leverancier"
    supplier.mkdir(parents=True)
    (supplier / "organisation.yaml").write_text("name: Leverancier\n")
    (supplier / "key.jwk.json").write_text(JWK.generate(kty="EC", crv="P-256", kid="supplier").export_public())
    for number in range(connections):
        organisation = project.forms / f"organisatie-{number}"
        write_organisation(organisation, number, _MORE.format(number=number))
        (organisation / "loket.yaml").write_text(_FORM.format(number=number))
    project.prepare(
        {
            "managementUrl": f"{portal.origin}/management/v1",
            "issuer": portal.issuer,
            "productsUrl": f"{portal.origin}/products/v1",
            "operatorClientId": OPERATOR,
            "operatorPrivateKeyFile": str(key_file),
        }
    )
    project.start_python()
    return project


def _requests(portal: RunningPortal) -> int:
    """Return how many requests the portal has answered: it logs a line for each."""
    return sum(" /management/" in line or " /products/" in line for line in portal.log.read_text().splitlines())


if __name__ == "__main__":
    main(int(sys.argv[1]))
