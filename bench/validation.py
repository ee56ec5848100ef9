"""How long ``acmidm validate`` takes: ``make bench-validate`` (FORMS=1000 by default).

Each form has two environments, each with a key of its own, two scopes and two products. The goal is 2 s for 1,000
forms, start of the program included, so that an editor can run it at each save. The ratios count: to parsing the same
files as YAML with libyaml, which every validator does. Not a test: times depend on the machine; each figure is the best
of three.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from jwcrypto.jwk import JWK

from bench.organisations import write_organisation

_FORM = """\
application: loket
contacts: [beheer@organisatie.example]
environments:
"""
_SPEAKS_FOR = """\
speaks_for:
  aanbieder_uri: ["https://organisatie.example/{number}"]
  merk_code: [merk]
  bron_uri: ["urn://organisatie-{number}/"]
"""
_ENVIRONMENT = """\
  {environment}:
    jwks: [{environment}.jwk.json]
    scopes:
      dv_notificaties_import: {{reason: first connection, reference: SD-{number}}}
      dv_dosis_schrijven: {{}}
    products:
      notificaties:
        aanbieder_uri: "https://organisatie.example/{number}"
        merk_code: merk
        product_ids: ["10244", "10245"]
      dosis:
        bron_uri: urn://organisatie-{number}/loket
        product_ids: ["10244"]
"""


def main(number_of_forms: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        forms = Path(folder)
        for number in range(number_of_forms):
            _write(forms / f"organisatie-{number}", number)
        files = sorted(forms.rglob("*.yaml"))
        parse = _best(lambda: [yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader) for file in files])
        start = _best(lambda: _run("--help"))
        whole = _best(lambda: _run(str(forms)))
    print(f"{number_of_forms:,} forms\n\n{'step':<28}{'seconds':>9}{'÷ parsing':>11}")  # noqa: T201 - this is its output
    for step, seconds in (("parsing as YAML", parse), ("start of the program", start), ("acmidm validate", whole)):
        print(f"{step:<28}{seconds:>9.2f}{seconds / parse:>11.2f}")  # noqa: T201


def _write(folder: Path, number: int) -> None:
    write_organisation(folder, number, _SPEAKS_FOR.format(number=number))
    form = _FORM
    for environment in ("tni", "prod"):
        key = JWK.generate(kty="EC", crv="P-256", kid=f"{environment}-{number}")
        (folder / f"{environment}.jwk.json").write_text(key.export_public())
        form += _ENVIRONMENT.format(environment=environment, number=number)
    (folder / "loket.yaml").write_text(form)


def _best(step: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.monotonic()
        step()
        times.append(time.monotonic() - start)
    return min(times)


def _run(*words: str) -> None:
    subprocess.run(["acmidm", "validate", *words], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
