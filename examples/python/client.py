"""Send a notification and a dossier, and read what became of the dossier: PyJWT and requests."""

import json
import os
import sys
import time
import uuid
from pathlib import Path

import jwt
import requests

DOCUMENTS = Path(__file__).parents[1] / "documents"
ENV = os.environ


def checked(answer):
    """The answer's document; an error ends the program with what the server says."""
    if not answer.ok:
        sys.exit(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}")
    return answer.json()


def authorization(audience, scope):
    """The header for one API. Its token is good for an hour or longer: keep it until it ends."""
    now = int(time.time())
    claims = {"iss": ENV["CLIENT_ID"], "sub": ENV["CLIENT_ID"], "aud": ENV["ASSERTION_AUDIENCE"]}
    claims |= {"jti": str(uuid.uuid4()), "iat": now, "exp": now + 300}
    form = {
        "grant_type": "client_credentials",
        "client_id": ENV["CLIENT_ID"],
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(
            claims, Path(ENV["PRIVATE_KEY"]).read_text(), "RS256", {"kid": ENV["KID"]}
        ),
        "scope": scope,
        "audience": audience or None,  # requests leaves out what is None
    }
    token = checked(requests.post(ENV["TOKEN_ENDPOINT"], data=form, timeout=10))
    return {"Authorization": f"Bearer {token['access_token']}"}


def send(path, document, headers):
    print(
        "POST",
        path,
        checked(requests.post(ENV["API"] + path, json=document, headers=headers, timeout=10)),
    )


notification = json.loads((DOCUMENTS / "notificatie.json").read_text())
notification["Id"] = str(uuid.uuid4())
send(
    "/api/v2/notificaties",
    notification,
    authorization(ENV["NOTIFICATIES_AUDIENCE"], ENV["NOTIFICATIES_SCOPE"]),
)

dossier = json.loads((DOCUMENTS / "dossier.json").read_text())
dossier |= {"UploadId": str(uuid.uuid4()), "WijzigingsDatum": time.strftime("%Y-%m-%dT%H:%M:%S")}
headers = authorization(ENV["DOSIS_AUDIENCE"], ENV["DOSIS_SCOPE"])
send(ENV["DOSIS_PATH"], dossier, headers)

url = ENV["API"] + "/api/v1/dosis/resultaten/perUploadId"
for _ in range(60):
    answer = requests.get(
        url, params={"uploadId": dossier["UploadId"]}, headers=headers, timeout=10
    )
    if answer.status_code != requests.codes.not_found:  # which it is until the dossier is processed
        break
    time.sleep(1)
print("result:", json.dumps(checked(answer)))
