"""A small catalogue, a valid form and its key, which the tests break in one place at a time."""

from __future__ import annotations

import functools
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK

from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.values.problems import InvalidForms, Problem
from tests.support.rsa_keys import rsa_private_key

HERE = "▶"
"""Marks, in a form's text, where a mistake is to be reported. It is taken out before the form is
read."""

SPEAKS_FOR = 'speaks_for: {merk_code: [stad-gent], bron_uri: ["urn://gent/"]}\n'
"""What an organisation needs to have the form below."""

ORGANISATION = f"""\
name: Stad Gent
ovo: OVO002067
kbo: "0207.451.227"
{SPEAKS_FOR}"""

MANDATE = "mandates: [{supplier: leverancier, applications: [mijn-gent], until: 2999-12-31}]\n"
"""What that organisation needs to have the keys of a supplier."""

FORM = """\
application: mijn-gent
contacts: [api-beheer@stad-gent.example]
platforms: [acmidm]
token_endpoint_auth_method: private_key_jwt
environments:
  tni:
    jwks: [tni.jwk.json]
    scopes:
      dv_notificaties_import: {}
      dv_dosis_schrijven: {reason: dossiers, reference: SD-4711}
    products:
      notificaties:
        merk_code: stad-gent
        product_ids: ["10244", "10245"]
      dosis:
        bron_uri: urn://gent/mijn-gent
  prod:
    jwks: [prod.jwk.json]
    scopes:
      dv_notificaties_import: {}
    products:
      notificaties:
        merk_code: stad-gent
        product_ids: ["10244", "10245"]
"""

WITHOUT_KEYS = FORM.replace("    jwks: [tni.jwk.json]\n", "").replace(
    "    jwks: [prod.jwk.json]\n", ""
)

CATALOGUE = {
    "notificaties.yaml": (
        """\
product: notificaties
title: Notificaties
owner: Digitaal Vlaanderen
source: the tests
scopes:
  dv_notificaties_import: {title: Send, verified: false, source: the tests, formerly: [dv_notificaties_schrijven]}
fields:
  merk_code: {source: the tests, basis: documented, speaks_for: exactly}
  product_ids: {source: the tests, basis: seen}
  choices: {source: the tests, basis: assumed}
  options: {source: the tests, basis: assumed}
  volume: {source: the tests, basis: assumed}
  link: {source: the tests, basis: assumed}
configuration:
  type: object
  additionalProperties: false
  required: [merk_code, product_ids]
  properties:
    merk_code: {description: the brand's code, type: string, pattern: "^[a-z-]+$", maxLength: 20}
    product_ids:
      description: IPDC numbers in quotes
      type: array
      minItems: 1
      uniqueItems: true
      items: {description: "an IPDC number in quotes", type: string, pattern: "^[0-9]+$"}
    choices: {type: array, items: {description: info or status, enum: [info, status]}}
    options: {type: array, items: {enum: [plain, linked]}}
    volume: {type: [integer, number, string]}
    link: {description: the address of the link, type: string}
  if: {required: [options], properties: {options: {contains: {const: linked}}}}
  then: {required: [link]}
"""  # noqa: E501
    ),
    "dosis.yaml": (
        """\
product: dosis
title: DOSIS
owner: Digitaal Vlaanderen
source: the tests
scopes:
  dv_dosis_schrijven:
    title: Write dossiers
    verified: false
    source: the tests
    names: {acmidm: dv_dosis_schrijven, geosecure: DosisImport}
fields: {bron_uri: {source: the tests, basis: assumed, speaks_for: beginning}}
configuration:
  type: object
  additionalProperties: false
  required: [bron_uri]
  properties:
    bron_uri: {description: the source's URI, type: string}
"""
    ),
    "register.yaml": (
        """\
product: register
title: A registry
owner: Digitaal Vlaanderen
source: the tests
scopes:
  dv_register_lezen: {title: Read, verified: true, source: the tests}
  dv_register_test: {title: Try out, verified: true, source: the tests, environments: [tni]}
  vo_info: {title: Claims, verified: true, source: the tests, assigned_by_provider: true}
"""
    ),
    "proef.yaml": (
        """\
product: proef
title: A product on trial
owner: Digitaal Vlaanderen
source: the tests
environments: [tni]
scopes:
  dv_proef: {title: Try, verified: true, source: the tests}
configuration: {type: object}
"""
    ),
}


@functools.cache
def _pair(name: str, **parameters: Any) -> JWK:
    if parameters.keys() == {"kty", "size"}:
        members = JWK.from_pyca(rsa_private_key(name, parameters["size"])).export(as_dict=True)
        del members["kid"]  # the library has put the thumbprint there
        return JWK(**members)
    return JWK.generate(**parameters)


@functools.cache
def _public(name: str, **parameters: Any) -> dict[str, str]:
    return dict(_pair(name, **parameters).export_public(as_dict=True))


def public_key(name: str, *, kty: str = "RSA", **parameters: Any) -> dict[str, Any]:
    """A public key, always the same for the same name."""
    if kty == "RSA":
        parameters.setdefault("size", 2048)
    return {**_public(name, kty=kty, **parameters), "kid": name}


def private_key(name: str, **parameters: Any) -> dict[str, Any]:
    """The private half of the pair of that name."""
    key: dict[str, Any] = json.loads(_pair(name, **parameters).export_private())
    return {**key, "kid": name}


@dataclass
class Workspace:
    """A folder with forms and a catalogue, and what the loader reports."""

    root: Path

    @property
    def forms(self) -> Path:
        return self.root / "onboardings"

    @property
    def catalogue(self) -> Path:
        return self.root / "catalogue"

    def write(self, file: str, content: str | bytes | dict[str, Any]) -> Path:
        """Write a file, named from the root; a dict as JSON."""
        path = self.root / file
        data = json.dumps(content, indent=2) if isinstance(content, dict) else content
        try:
            path.write_bytes(data.encode() if isinstance(data, str) else data)
        except FileNotFoundError:
            path.parent.mkdir(parents=True)
            return self.write(file, content)
        return path

    def offer(self, catalogue: Path) -> None:
        """Have another catalogue, as that of the repository."""
        shutil.rmtree(self.catalogue)
        shutil.copytree(catalogue, self.catalogue)

    def write_form(self, text: str, name: str = "gent/mijn-gent") -> Path:
        return self.write(f"onboardings/{name}.yaml", text)

    def write_organisation(self, text: str, folder: str = "gent") -> Path:
        return self.write(f"onboardings/{folder}/organisation.yaml", text)

    def write_key(self, key: dict[str, Any] | str | bytes, name: str = "gent/tni") -> Path:
        return self.write(f"onboardings/{name}.jwk.json", key)

    def write_supplier(self, keys: str = "{tni: [tni.jwk.json], prod: [prod.jwk.json]}\n") -> None:
        """A supplier with two keys of its own, and its mandate of the one valid form, which has
        those."""
        self.write_organisation("name: Leverancier\n", "leverancier")
        for environment in ("tni", "prod"):
            self.write_key(public_key(f"of-supplier-{environment}"), f"leverancier/{environment}")
        self.write("onboardings/leverancier/keys.yaml", keys)
        self.write("onboardings/gent/mandates.yaml", MANDATE)
        self.write_form(f"keys_of: leverancier\n{WITHOUT_KEYS}")

    def load(self, **how: Any) -> Onboardings:
        """As a stack has them loaded: ``profiles``, ``served``."""
        return read_onboardings([self.forms], self.catalogue, **how).valid()

    def problems(self, **how: Any) -> tuple[Problem, ...]:
        """Return the mistakes that the loader reports; none where the forms are valid."""
        try:
            self.load(**how)
        except InvalidForms as error:
            return error.problems
        return ()

    def sentences(self, **how: Any) -> list[str]:
        return [str(problem) for problem in self.problems(**how)]

    def assert_reported(
        self, file: str, text: str, sentence: str, place: tuple[int, int] | None = None
    ) -> None:
        """A file with one mistake, at ``place`` or where the text is marked, is reported in this
        one sentence."""
        if place is None:
            text, *marked = place_of_mark(text)
        self.write(file, text)
        assert self.sentences() == [f"{file}:{':'.join(map(str, place or marked))}: {sentence}"]


def place_of_mark(text: str) -> tuple[str, int, int]:
    """The text without its mark, and the mark's line and column, from 1."""
    before, mark, after = text.partition(HERE)
    assert mark, "the text has no mark"
    return before + after, before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """One valid form in a folder of its own, which is the working directory: messages name files
    from it."""
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(tmp_path)
    for name, text in CATALOGUE.items():
        workspace.write(f"catalogue/{name}", text)
    workspace.write_organisation(ORGANISATION)
    workspace.write_form(FORM)
    workspace.write_key(public_key("tni"))
    workspace.write_key(public_key("prod"), "gent/prod")
    return workspace


@pytest.fixture
def place(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A form whose keys end in 100 days, in profile fapi2, where keys are quickly made; and a home
    that is in no repository."""
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    ends = int((datetime.now(UTC) + timedelta(days=100)).timestamp())
    for environment in ("tni", "prod"):
        workspace.write(
            f"Pulumi.{environment}.yaml",
            f"config: {{acmidm:environment: {environment}, acmidm:profile: fapi2}}\n",
        )
        workspace.write_key(
            {**public_key(environment, kty="EC", crv="P-256"), "alg": "ES256", "exp": ends},
            f"gent/{environment}",
        )
    return workspace
