"""The OpenAPI document is the contract's reference: a fuzzer holds the server to it."""

import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.portal import RunningPortal, running_portal

MAX_EXAMPLES = 15
# What a schema can't say is refused too: a stale ETag (412), none (428), an unknown scope or a key that is no key (422).
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 412, 422, 428]

[parameters]
product = "dosis"

# The run's own access token in the header is a second way to authenticate here: invalid_request.
[[operations]]
include-path-regex = "/op/v1/(token|introspect)"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 401]
"""


def test_the_document_tells_of_errors_and_headers(portal: RunningPortal) -> None:
    """Every operation that needs a token says so, and has its problems; documents have their ETag."""
    document = httpx.get(f"{portal.origin}/openapi.json").json()
    put = document["paths"]["/management/v1/clients/{client_id}"]["put"]
    assert put["security"] == [{"access_token": []}]
    assert {"401", "403", "404", "409", "412", "413", "415", "422", "428"} <= set(put["responses"])
    assert set(put["responses"]["422"]["content"]) == {"application/problem+json"}
    assert "ETag" in put["responses"]["200"]["headers"]
    declaration = document["components"]["schemas"]["ClientReplacement"]["properties"]
    assert declaration["client_secret"]["anyOf"][0]["writeOnly"] is True


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Generated requests, good and bad, for every operation: no 5xx, nothing that the document doesn't say."""
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    with running_portal(tmp_path) as portal:
        ended = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                f"--config-file={configuration}",
                "run",
                f"{portal.origin}/openapi.json",
                "--header",
                f"Authorization: Bearer {portal.operator_token()}",
                "--checks=all",
                f"--max-examples={MAX_EXAMPLES}",
                "--seed=1",
                "--no-color",
                "--warnings=off",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            cwd=tmp_path,
        )
        assert "Traceback" not in portal.log.read_text()
    assert ended.returncode == 0, ended.stdout[-6000:]
