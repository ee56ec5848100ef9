"""What applications send to DOSIS and Notificaties: documents as the public clients send them, and
clients that may."""

from typing import Any

import httpx
from joserfc.jwk import ECKey

from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, SEND
from tests.support.portal import register_client

DOSSIER: dict[str, Any] = {
    "Identificatie": {"Bron": DOSIS["bron_uri"], "DossierNummer": "2026-17"},
    "UploadId": "5f0c0c55-5d5c-4b8e-9a4e-3f6b7f1f2a10",
    "Naam": "Parkeervergunning",
    "WijzigingsDatum": "2026-11-26T09:30:00.123456789",
    "Status": {
        "VlaamsCode": "InBehandeling",
        "VlaamsFase": "Behandeling",
        "Detail1": None,
        "Actie": None,
    },
    "TypeDossierCode": "DossierStatus",
    "Producten": [{"Id": DOSIS["product_ids"][0]}],
    "DossierBeheerder": None,
    "Agenten": [{"Identificatie": "00000000097", "Toegangsrechten": [{"Code": "Raadpleger"}]}],
    "Onbekend": {"unknown": ["members", "are", "kept"]},
}
NOTIFICATION: dict[str, Any] = {
    "Id": "n-1",
    "AanbiederUri": NOTIFICATIES["aanbieder_uri"],
    "Bestemmelingen": [{"unknown": "members"}],
    "Categorie": "DossierGerelateerdBerichtWijzigingDossier",
    "Kanalen": ["passief", {"unknown": "members"}],
    "ProductId": NOTIFICATIES["product_ids"][0],
    "MerkCode": NOTIFICATIES["merk_code"],
    "TransactieId": f"{DOSIS['bron_uri']}2026-17",
    "SleutelWaardeParen": [
        {"Sleutel": "DossierNummer", "Waarde": "2026-17"},
        {"Sleutel": "StatusVlaamseCode", "Waarde": "InBehandeling"},
        {"Sleutel": "StatusVlaamseFase", "Waarde": "Behandeling"},
    ],
}


def connected(operator: httpx.Client, key: ECKey, **configurations: Any) -> str:
    """A client with both scopes and these configurations."""
    client_id = str(register_client(operator, keys=[key], scopes=[SEND, DOSSIERS])["client_id"])
    for product, configuration in configurations.items():
        path = f"/products/v1/{product}/configurations/{client_id}"
        operator.put(
            path, json={"configuration": configuration}, headers={"If-None-Match": "*"}
        ).raise_for_status()
    return client_id
