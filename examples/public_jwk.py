"""Print the public half of a private RSA key in PEM as a JSON Web Key, to be registered:
public_jwk.py KEY.pem KID."""

import json
import sys
from pathlib import Path

from jwcrypto.jwk import JWK

file, kid = sys.argv[1:]
public = JWK.from_pem(Path(file).read_bytes()).export_public(as_dict=True)
print(json.dumps({**public, "kid": kid, "use": "sig", "alg": "RS256"}, indent=2))
