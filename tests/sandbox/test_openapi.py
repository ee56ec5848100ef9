"""The OpenAPI document is the contract's reference: a fuzzer holds the server to it."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.forms import DOSIS, NOTIFICATIES
from tests.support.messages import connected
from tests.support.portal import RunningPortal, new_key, running_portal

# What a schema can't say is refused too: a stale ETag (412), none (428), an unknown scope or a key
# that is no key (422).
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 409, 412, 422, 428]

[parameters]
product = "dosis"
bron = "urn://gent/loket"

# A method that a path has not is refused by one function, whichever it is.
[phases.coverage]
unexpected-methods = ["patch", "trace"]

# The same document as of version 2, received by the same function.
[[operations]]
include-name = "POST /api/v1/dosis/dossiers"
phases.coverage.enabled = false

# The run's own access token in the header is a second way to authenticate here: invalid_request.
[[operations]]
include-path-regex = "/op/v1/(token|introspect)"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 401]
"""


def test_the_document_tells_of_errors_and_headers(portal: RunningPortal) -> None:
    """Every operation that needs a token says so, and has its problems; documents have their
    ETag."""
    document = httpx.get(f"{portal.origin}/openapi.json").json()
    put = document["paths"]["/management/v1/clients/{client_id}"]["put"]
    assert put["security"] == [{"access_token": []}]
    assert {"401", "403", "404", "409", "412", "413", "415", "422", "428"} <= set(put["responses"])
    assert set(put["responses"]["422"]["content"]) == {"application/problem+json"}
    assert "ETag" in put["responses"]["200"]["headers"]
    upload = document["paths"]["/api/v2/dosis/dossiers"]["post"]
    assert (upload["x-basis"], upload["x-source"]) == ("documented", "wiki 2680357975")
    assert {"200", "400", "401", "403", "404", "415", "503"} == set(upload["responses"])
    assert upload["responses"]["400"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ProductError"
    }
    schemas = document["components"]["schemas"]
    declaration = schemas["ClientReplacement"]["properties"]
    assert declaration["client_secret"]["anyOf"][0]["writeOnly"] is True
    # What generated clients call their classes: to rename one here breaks those.
    assert {"ClientItem", "Etags", "Organisation", "ProblemDocument"} <= schemas.keys()


@pytest.mark.exhaustive
@pytest.mark.parametrize("products", [False, True], ids=["management", "products"])
def test_schemathesis_finds_nothing(tmp_path: Path, products: bool) -> None:
    """Generated requests, good and bad, for every operation, those of products by a client: no 5xx,
    nothing but what the document says."""
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    with running_portal(
        tmp_path, platform="geosecure" if products else "acmidm", processing_seconds=0
    ) as portal:
        token, key = portal.operator_token(), new_key()
        if products:
            with portal.operator() as operator:
                token = portal.client_token(
                    key, connected(operator, key, dosis=DOSIS, notificaties=NOTIFICATIES)
                )
        ended = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                f"--config-file={configuration}",
                "run",
                f"{portal.origin}/openapi.json",
                "--include-path-regex=^/api/v./(dosis|notificaties)"
                if products
                else "--exclude-path-regex=^/api/",
                "--header",
                f"Authorization: Bearer {token}",
                "--checks=all",
                # With a value on each side of each bound of a schema, whatever the number.
                "--phases=coverage,fuzzing,stateful",
                "--max-examples=5",
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
