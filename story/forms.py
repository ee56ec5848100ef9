"""The organisations and forms of the stories."""

from __future__ import annotations

NAME = "stad-gent/mijn-gent"
KEY = "OVO002067/mijn-gent"

ORGANISATIONS = {
    "stad-aalst": """\
name: Stad Aalst
ovo: OVO001992
kbo: "0207.437.468"
owners: ["@stad-aalst/digitalisering"]
speaks_for:
  aanbieder_uri: [https://data.vlaanderen.be/id/organisatie/OVO001992]
  merk_code: [stad-aalst]
""",
    "stad-gent": """\
name: Stad Gent
ovo: OVO002067
kbo: "0207.451.227"
owners: ["@stad-gent/api-beheer"]
speaks_for:
  aanbieder_uri: [https://data.vlaanderen.be/id/organisatie/OVO002067]
  merk_code: [stad-gent]
  bron_uri: ["urn://gent/"]
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

_NOTIFICATIES = """\
    products:
      notificaties:
        aanbieder_uri: https://data.vlaanderen.be/id/organisatie/OVO002067
        merk_code: stad-gent
        product_ids: ["10244"]
"""

GENT = f"""\
application: mijn-gent
contacts: [api-beheer@stad-gent.example]
environments:
  tni:
    jwks: [mijn-gent-tni.jwk.json]
    scopes:
      dv_notificaties_schrijven: {{reason: berichten over aanvragen, reference: SD-4650}}
{_NOTIFICATIES}"""

_SCOPE = "      dv_dosis_schrijven: {reason: dossiers in Mijn Burgerprofiel, reference: SD-4711}\n"
_DOSIS = """\
      dosis:
        bron_uri: urn://gent/mijn-gent
        product_ids: ["10244"]
"""

GENT_WITH_DOSIS = GENT.replace("    products:\n", f"{_SCOPE}    products:\n") + _DOSIS

GENT_AS_AALST = (
    GENT_WITH_DOSIS.replace("jwks: [mijn-gent-tni.jwk.json]", "jwks: [../stad-aalst/e-loket-tni.jwk.json]")
    .replace("OVO002067", "OVO001992")
    .replace("merk_code: stad-gent", "merk_code: stad-aalst")
)

GENT_IN_PRODUCTION = GENT_WITH_DOSIS + GENT_WITH_DOSIS.partition("environments:\n")[2].replace("tni", "prod")

NOTIFICATION = {
    "Id": "1",
    "AanbiederUri": "https://data.vlaanderen.be/id/organisatie/OVO002067",
    "Bestemmelingen": [{"Type": "person", "Id": "burger"}],
    "Categorie": "status",
    "Kanalen": ["ebox"],
    "ProductId": "10244",
    "MerkCode": "stad-gent",
}
DOSSIER = {"Id": "1", "BronUri": "urn://gent/mijn-gent", "ProductId": "10244", "Titel": "Aanvraag", "Status": "in behandeling"}
"""What an application posts to Notificaties and to DOSIS."""
