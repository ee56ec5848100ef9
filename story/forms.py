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
language: en # Dutch without this line
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

LOKET = """\
application: loket
contacts: [api-beheer@stad-gent.example]
token_endpoint_auth_method: client_secret_basic
environments:
  tni:
    scopes:
      dv_organisatieregister_info: {}
"""

NOTIFICATION = {
    "Id": "1f0e2c4a-6f0c-4f43-9c0e-2d7b1f3a5c10",
    "AanbiederUri": "https://data.vlaanderen.be/id/organisatie/OVO002067",
    "Bestemmelingen": [{"Insz": "00000000097"}],
    "Categorie": "DossierGerelateerdBerichtWijzigingDossier",
    "Kanalen": ["MijnBurgerprofiel"],
    "ProductId": "10244",
    "MerkCode": "stad-gent",
    "TransactieId": "urn://gent/mijn-gent2026-17",
    "SleutelWaardeParen": [
        {"Sleutel": "DossierNummer", "Waarde": "2026-17"},
        {"Sleutel": "DossierNaam", "Waarde": "Parkeervergunning"},
        {"Sleutel": "StatusVlaamseCode", "Waarde": "InBehandeling"},
        {"Sleutel": "StatusVlaamseFase", "Waarde": "Behandeling"},
    ],
}
DOSSIER = {
    "Identificatie": {"Bron": "urn://gent/mijn-gent", "DossierNummer": "2026-17"},
    "UploadId": "7c1d6f0e-3b52-4d0a-8f7e-5a9c2e4b6d31",
    "Naam": "Parkeervergunning",
    "WijzigingsDatum": "2026-11-26T09:30:00",
    "Status": {"VlaamsCode": "InBehandeling", "VlaamsFase": "Behandeling", "Detail1": "Uw aanvraag wordt bekeken", "Actie": None},
    "TypeDossierCode": "DossierStatus",
    "Producten": [{"Id": "10244"}],
    "DossierBeheerder": {"Naam": "Loket Gent", "Email": "loket@stad-gent.example"},
    "Agenten": [{"Identificatie": "00000000097", "Toegangsrechten": [{"Code": "Raadpleger"}]}],
}
"""What an application posts to Notificaties and to DOSIS; what a recipient and a channel look like is not public."""
