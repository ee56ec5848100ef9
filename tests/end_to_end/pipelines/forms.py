"""The organisations and forms of a scratch clone."""

from __future__ import annotations

_CODES = {"stad-aalst": "OVO001992", "stad-gent": "OVO002067"}
_ORGANISATION = """\
name: {name}
ovo: {code}
owners: ["@{folder}/api-beheer"]
speaks_for:
  aanbieder_uri: [https://data.vlaanderen.be/id/organisatie/{code}]
  merk_code: [{folder}]
"""
_FORM = """\
application: {application}
contacts: [api-beheer@{folder}.example]
environments:
  tni:
    jwks: [{application}-tni.jwk.json]
    scopes:
      dv_notificaties_import: {{}}
    products:
      notificaties:
        aanbieder_uri: https://data.vlaanderen.be/id/organisatie/{code}
        merk_code: {folder}
        product_ids: ["10244"]
"""

ORGANISATIONS = {
    folder: _ORGANISATION.format(folder=folder, code=code, name=folder.replace("-", " ").title())
    for folder, code in _CODES.items()
}
AALST, GENT = (
    _FORM.format(folder=folder, code=_CODES[folder], application=application)
    for folder, application in (("stad-aalst", "e-loket"), ("stad-gent", "mijn-gent"))
)
