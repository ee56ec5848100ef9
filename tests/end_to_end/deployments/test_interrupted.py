"""A program that the engine interrupts, as it does when a refresh beside it fails, says nothing:
the engine has said why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

from tests.support.engine import ROOT

INTERRUPTED = (
    "from acmidm_onboarding import read_settings; read_settings(); import os, signal;"
    " os.kill(os.getpid(), signal.SIGINT)"
)
SETTINGS = {
    "environment": "tni",
    "catalogueFolder": str(ROOT / "catalogue"),
    "managementUrl": "http://127.0.0.1:9/management/v1",
    "issuer": "http://127.0.0.1:9/op",
    "productsUrl": "http://127.0.0.1:9/products/v1",
    "operatorClientId": "onboarding",
}


def test_no_traceback_of_a_program_that_is_interrupted() -> None:
    config = json.dumps({f"acmidm:{name}": value for name, value in SETTINGS.items()})
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        env={**os.environ, "PULUMI_CONFIG": config},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    assert (ended.stdout, ended.stderr) == ("", "")
