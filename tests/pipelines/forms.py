"""The organisations and forms of a scratch clone."""

from __future__ import annotations

ORGANISATIONS = {
    "stad-aalst": """\
name: Stad Aalst
ovo: OVO001992
owners: ["@stad-aalst/digitalisering"]
speaks_for:
  aanbieder_uri: [https://data.vlaanderen.be/id/organisatie/OVO001992]
  merk_code: [stad-aalst]
""",
    "stad-gent": """\
name: Stad Gent
ovo: OVO002067
owners: ["@stad-gent/api-beheer"]
speaks_for:
  aanbieder_uri: [https://data.vlaanderen.be/id/organisatie/OVO002067]
  merk_code: [stad-gent]
""",
}

AALST = """\
application: e-loket
contacts: [digitalisering@stad-aalst.example]
environments:
  tni:
    jwks: [e-loket-tni.jwk.json]
    scopes:
      dv_notificaties_schrijven: {}
    products:
      notificaties:
        aanbieder_uri: https://data.vlaanderen.be/id/organisatie/OVO001992
        merk_code: stad-aalst
        product_ids: ["10311"]
"""

GENT = """\
application: mijn-gent
contacts: [api-beheer@stad-gent.example]
environments:
  tni:
    jwks: [mijn-gent-tni.jwk.json]
    scopes:
      dv_notificaties_schrijven: {reason: berichten over aanvragen, reference: SD-4650}
    products:
      notificaties:
        aanbieder_uri: https://data.vlaanderen.be/id/organisatie/OVO002067
        merk_code: stad-gent
        product_ids: ["10244"]
"""
