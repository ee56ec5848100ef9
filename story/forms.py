"""The forms of the story."""

from __future__ import annotations

NAME = "stad-gent/mijn-gent"

AALST = """\
organisation: {name: Stad Aalst, ovo: OVO001992, kbo: "0207.437.468"}
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
organisation: {name: Stad Gent, ovo: OVO002067, kbo: "0207.451.227"}
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

SCOPE_EXTENSION = "      dv_dosis_schrijven: {reason: dossiers in Mijn Burgerprofiel, reference: SD-4711}\n"

DOSIS = """\
      dosis:
        bron_uri: urn://gent/mijn-gent
        product_ids: ["10244"]
"""

GENT_PROD = """\
  prod:
    jwks: [mijn-gent-prod.jwk.json]
    scopes:
      dv_notificaties_schrijven: {reason: berichten over aanvragen, reference: SD-4650}
      dv_dosis_schrijven: {reason: dossiers in Mijn Burgerprofiel, reference: SD-4711}
    products:
      notificaties:
        aanbieder_uri: https://data.vlaanderen.be/id/organisatie/OVO002067
        merk_code: stad-gent
        product_ids: ["10244"]
      dosis:
        bron_uri: urn://gent/mijn-gent
        product_ids: ["10244"]
"""
