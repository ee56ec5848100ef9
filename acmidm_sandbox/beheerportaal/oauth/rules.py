"""What ACM/IDM and GeoSecure demand and allow of a token request: one row per rule, with its
source. The table of `docs/integrators.md` is made from it.

A row is `required` (without it: refused), `refused` (with it: refused) or `optional`. Where
documentation and working clients, or two sources, disagree, the row is what is documented, and
`tolerated` says who does otherwise: that is accepted and noted in the log, unless the portal is
strict. Operators belong to the portal: for them ACM/IDM's rows count, strictly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from acmidm_sandbox.beheerportaal.limits import LONGEST_JTI

LONGEST_LIFETIME_SECONDS = 600
LONGEST_TOLERATED_SECONDS = 960 * 60
CLOCK_SKEW_SECONDS = 30


class RequestPart(StrEnum):
    """Where a rule looks: in the request, or in the header or the claims of its assertion."""

    REQUEST = "request"
    HEADER = "header"
    CLAIM = "claim"


class Demand(StrEnum):
    """What a platform wants."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    REFUSED = "refused"


class Basis(StrEnum):
    """How that is known: read in its documentation, seen in a public client (what is sent), or
    neither."""

    DOCUMENTED = "documented"
    SEEN = "seen"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Ruling:
    """One platform's rule. `tolerated` is empty where the sandbox holds to it."""

    demand: Demand
    basis: Basis
    source: str
    tolerated: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: `name` is what refusals and the log call it, `text` is Markdown, `rulings` has the
    platforms that know it."""

    name: str
    part: RequestPart
    text: str
    rulings: Mapping[str, Ruling]


def _documented(demand: Demand, source: str, tolerated: str = "") -> Ruling:
    return Ruling(demand, Basis.DOCUMENTED, source, tolerated)


def _seen(demand: Demand, source: str, tolerated: str = "") -> Ruling:
    return Ruling(demand, Basis.SEEN, source, tolerated)


def _assumed(demand: Demand, source: str, tolerated: str = "") -> Ruling:
    return Ruling(demand, Basis.ASSUMED, source, tolerated)


def _both(ruling: Ruling) -> Mapping[str, Ruling]:
    return {"acmidm": ruling, "geosecure": ruling}


def _each(acmidm: Ruling, geosecure: Ruling) -> Mapping[str, Ruling]:
    return {"acmidm": acmidm, "geosecure": geosecure}


_REQUIRED, _OPTIONAL, _REFUSED = Demand.REQUIRED, Demand.OPTIONAL, Demand.REFUSED
_REQUEST, _HEADER, _CLAIM = RequestPart.REQUEST, RequestPart.HEADER, RequestPart.CLAIM

_ACM = "ACM/IDM docs, aanvraag-access-token"
_GEOSECURE = "GeoSecure help, ClientAuthentication"
_SAMPLE = "the sample of wiki page 1245054009 does so"
_SCRIPT = "WegenenVerkeer/jwt-python-script"
_LBLOD = "lblod/verenigingsregister-proxy-service"
_QD = "Qmino/dosis-connector"
_ALL = "all public clients that were read"

RULES = (
    Rule(
        "form",
        _REQUEST,
        "the body is `application/x-www-form-urlencoded`",
        _both(_seen(_REQUIRED, f"{_ALL}; RFC 6749 §4.4.2")),
    ),
    Rule(
        "twice",
        _REQUEST,
        "a parameter that is given twice",
        _both(_assumed(_REFUSED, "RFC 6749 §3.2")),
    ),
    Rule(
        "grant_type",
        _REQUEST,
        "`grant_type`, which is `client_credentials`",
        _each(_documented(_REQUIRED, _ACM), _seen(_REQUIRED, _QD)),
    ),
    Rule(
        "scope",
        _REQUEST,
        "`scope`, of a client without default scopes; it gets all that it was granted",
        _each(
            _documented(_REQUIRED, _ACM, "a tool for DCBaaS and athumi's tests send none"),
            _documented(_REQUIRED, "GeoSecure help", "as on ACM/IDM, for want of anything known"),
        ),
    ),
    Rule(
        "default scopes",
        _REQUEST,
        "`scope`, of a client with default scopes; these are always issued, those of the request"
        " beside them",
        _each(_documented(_OPTIONAL, _ACM), _documented(_OPTIONAL, "GeoSecure help")),
    ),
    Rule(
        "scope not granted",
        _REQUEST,
        "a scope in `scope` that the client was not granted; where that is allowed, it is left out",
        _each(
            _documented(_REFUSED, "ACM/IDM docs, login flow"),
            _documented(_OPTIONAL, "GeoSecure help: fewer may be granted"),
        ),
    ),
    Rule(
        "no scope granted",
        _REQUEST,
        "a `scope` of which nothing is left",
        _each(
            _documented(_REFUSED, "ACM/IDM docs, login flow"), _assumed(_REFUSED, "RFC 6749 §3.3")
        ),
    ),
    Rule(
        "scope[]",
        _REQUEST,
        "`scope[]`, as arrays are written elsewhere; it is ignored, once or more often",
        _both(_assumed(_REFUSED, "RFC 6749 §3.3", "athumi's tests (axios) send it")),
    ),
    Rule(
        "audience",
        _REQUEST,
        "`audience`, the client-ID of an API. On ACM/IDM the token is for that API, else for the"
        " client itself",
        _each(
            _documented(_OPTIONAL, _ACM),
            _assumed(
                _OPTIONAL, "not documented; without it, the token is for the APIs of its scopes"
            ),
        ),
    ),
    Rule(
        "resource",
        _REQUEST,
        "`resource`, a URL that is coupled to an API: the same, where there is no valid `audience`",
        _each(_documented(_OPTIONAL, _ACM), _assumed(_OPTIONAL, "as `audience`")),
    ),
    Rule(
        "unknown audience",
        _REQUEST,
        "an `audience` or a `resource` that is of no API here: as if it were not there, with a line"
        " in the log",
        _each(_documented(_OPTIONAL, _ACM), _assumed(_OPTIONAL, "as on ACM/IDM")),
    ),
    Rule(
        "one method",
        _REQUEST,
        "one way to authenticate: an assertion, `client_secret` in the body, or Basic",
        _each(_documented(_REQUIRED, _ACM), _assumed(_REQUIRED, "RFC 6749 §2.3")),
    ),
    Rule(
        "client_secret",
        _REQUEST,
        "`client_secret`, in the body or by Basic",
        _each(
            _documented(_OPTIONAL, _ACM), _documented(_OPTIONAL, "GeoSecure help: being phased out")
        ),
    ),
    Rule(
        "registered method",
        _REQUEST,
        "the way that the client is registered with",
        _both(_assumed(_REQUIRED, "RFC 7591 §2")),
    ),
    Rule(
        "query",
        _REQUEST,
        "`client_secret` or `client_assertion` in the query",
        _each(_documented(_REFUSED, _ACM), _assumed(_REFUSED, "RFC 6749 §2.3.1")),
    ),
    Rule(
        "client_id",
        _REQUEST,
        "`client_id` beside an assertion or Basic",
        _each(
            _seen(_OPTIONAL, f"{_SCRIPT} sends it, {_LBLOD} does not"),
            _seen(_OPTIONAL, f"{_QD} sends none"),
        ),
    ),
    Rule(
        "another client_id",
        _REQUEST,
        "a `client_id` that is not the one that authenticates",
        _both(_assumed(_REFUSED, "RFC 7521 §4.2")),
    ),
    Rule(
        "client_id of a secret",
        _REQUEST,
        "`client_id` beside `client_secret` in the body",
        _each(_seen(_REQUIRED, "organisation-registry"), _assumed(_REQUIRED, "RFC 6749 §2.3.1")),
    ),
    Rule(
        "secret",
        _REQUEST,
        "a `client_secret` that is the client's",
        _both(_assumed(_REQUIRED, "RFC 6749 §2.3.1")),
    ),
    Rule(
        "known client",
        _REQUEST,
        "a client that is in this environment",
        _both(_assumed(_REQUIRED, "RFC 6749 §5.2")),
    ),
    Rule(
        "enabled",
        _REQUEST,
        "a client that is not disabled",
        _both(_assumed(_REQUIRED, "RFC 6749 §5.2")),
    ),
    Rule(
        "assertion",
        _REQUEST,
        "a `client_assertion` that is a JWT: header, claims and signature",
        _both(_seen(_REQUIRED, _ALL)),
    ),
    Rule(
        "client_assertion_type",
        _REQUEST,
        "`client_assertion_type` beside `client_assertion`, as RFC 7523 §2.2 has it",
        _both(_seen(_REQUIRED, _ALL)),
    ),
    Rule(
        "alg",
        _HEADER,
        "`alg`: RS256, or another asymmetric algorithm that fits the key; never `none` or a MAC",
        _each(
            _assumed(
                _REQUIRED,
                "RS256 in the documented discovery sample and in all clients where it is visible;"
                " the others are assumed",
            ),
            _assumed(_REQUIRED, f"RS256 in {_QD}; the others are assumed"),
        ),
    ),
    Rule(
        "kid",
        _HEADER,
        "`kid`, where the client has one key",
        _each(
            _seen(_OPTIONAL, f"{_SCRIPT}, {_LBLOD} and four more send none"),
            _documented(_REQUIRED, _GEOSECURE),
        ),
    ),
    Rule(
        "kid of several",
        _HEADER,
        "`kid`, where the client has several keys",
        _each(
            _assumed(_REQUIRED, "keys are not tried in turn"), _documented(_REQUIRED, _GEOSECURE)
        ),
    ),
    Rule(
        "registered kid",
        _HEADER,
        "a `kid` that is registered for the client",
        _both(_assumed(_REQUIRED, "RFC 7515 §4.1.4")),
    ),
    Rule(
        "registered key",
        _HEADER,
        "a client with a registered key",
        _both(_assumed(_REQUIRED, "RFC 7523 §3")),
    ),
    Rule(
        "ended key",
        _HEADER,
        "a key outside its `nbf` and `exp`",
        _both(_assumed(_REFUSED, "RFC 7517 §4")),
    ),
    Rule(
        "signature", _HEADER, "a signature by that key", _both(_assumed(_REQUIRED, "RFC 7523 §3"))
    ),
    Rule(
        "iss",
        _CLAIM,
        "`iss`, the client-ID",
        _each(_seen(_REQUIRED, _ALL), _documented(_REQUIRED, _GEOSECURE)),
    ),
    Rule(
        "sub",
        _CLAIM,
        "`sub`, the client-ID",
        _each(_seen(_REQUIRED, _ALL), _documented(_REQUIRED, _GEOSECURE)),
    ),
    Rule(
        "aud",
        _CLAIM,
        "`aud`: on ACM/IDM the issuer, on GeoSecure the URL that is called, in lower case",
        _each(_seen(_REQUIRED, _ALL), _documented(_REQUIRED, _GEOSECURE)),
    ),
    Rule(
        "aud with slash",
        _CLAIM,
        "that `aud` with a slash at its end",
        _each(
            _assumed(_REFUSED, "RFC 7523 §3: compared as text"),
            _documented(_REFUSED, _GEOSECURE, "the sample of wiki page 1245054009 calls that URL"),
        ),
    ),
    Rule(
        "aud of the sample",
        _CLAIM,
        "an `aud` of `…/v2/authorization`, which is not the URL that is called",
        {"geosecure": _documented(_REFUSED, _GEOSECURE, _SAMPLE)},
    ),
    Rule(
        "several aud",
        _CLAIM,
        "several `aud`; a list of one is good",
        _both(
            _assumed(
                _REFUSED,
                "RFC 7519 §4.1.3 allows them, but such an assertion can be used elsewhere too",
            )
        ),
    ),
    Rule(
        "iat",
        _CLAIM,
        "`iat`, in seconds since 1970",
        _each(
            _seen(
                _REQUIRED,
                f"{_SCRIPT}, {_LBLOD}",
                "WegenenVerkeer's eminfra client and a QGIS script send none; it then counts as the"
                " latest that is allowed",
            ),
            _documented(_REQUIRED, _GEOSECURE),
        ),
    ),
    Rule(
        "future iat",
        _CLAIM,
        f"an `iat` more than {CLOCK_SKEW_SECONDS} seconds ahead",
        _both(_assumed(_REFUSED, "RFC 7523 §3")),
    ),
    Rule(
        "exp",
        _CLAIM,
        "`exp`, in seconds since 1970",
        _each(_seen(_REQUIRED, _ALL), _documented(_REQUIRED, _GEOSECURE)),
    ),
    Rule(
        "passed exp",
        _CLAIM,
        f"an `exp` that passed more than {CLOCK_SKEW_SECONDS} seconds ago",
        _both(_assumed(_REFUSED, "RFC 7523 §3")),
    ),
    Rule(
        "lifetime",
        _CLAIM,
        f"an `exp` more than {LONGEST_LIFETIME_SECONDS} seconds after `iat`;"
        f" {LONGEST_LIFETIME_SECONDS} are good",
        _each(
            _seen(
                _REFUSED,
                f"OTL_Corrector and a TypeScript client for LDES take {LONGEST_LIFETIME_SECONDS}"
                " exactly, nobody more",
            ),
            _documented(
                _REFUSED, _GEOSECURE, "VMSW's C# client has its assertions live 960 minutes"
            ),
        ),
    ),
    Rule(
        "longest lifetime",
        _CLAIM,
        f"an `exp` more than {LONGEST_TOLERATED_SECONDS // 60} minutes after `iat`",
        _both(_assumed(_REFUSED, "nobody was seen to do so")),
    ),
    Rule(
        "times",
        _CLAIM,
        "an `iat`, `exp` or `nbf` that is no number of seconds since 1970",
        _both(_assumed(_REFUSED, "RFC 7519 §2")),
    ),
    Rule(
        "times as text",
        _CLAIM,
        "the digits of `iat`, `exp` or `nbf` as text",
        _each(_assumed(_REFUSED, "RFC 7519 §2"), _documented(_REFUSED, _GEOSECURE, _SAMPLE)),
    ),
    Rule("nbf", _CLAIM, "`nbf`", _both(_assumed(_OPTIONAL, "RFC 7523 §3"))),
    Rule(
        "future nbf",
        _CLAIM,
        f"an `nbf` more than {CLOCK_SKEW_SECONDS} seconds ahead",
        _both(_assumed(_REFUSED, "RFC 7523 §3")),
    ),
    Rule(
        "jti",
        _CLAIM,
        "`jti`",
        _each(
            _seen(
                _REQUIRED,
                f"{_SCRIPT}, {_LBLOD} and others",
                "a tool for DCBaaS sends none; the assertion is then good until its `exp`",
            ),
            _documented(_REQUIRED, _GEOSECURE),
        ),
    ),
    Rule(
        "jti as text",
        _CLAIM,
        f"a `jti` that is no text of 1 to {LONGEST_JTI} characters",
        _both(_assumed(_REFUSED, "RFC 7519 §4.1.7")),
    ),
    Rule(
        "jti is a GUID",
        _CLAIM,
        "a `jti` that is a GUID",
        _each(
            _seen(
                _OPTIONAL, "20 letters in the eminfra client, hexadecimal digits in the QGIS script"
            ),
            _documented(
                _REQUIRED,
                _GEOSECURE,
                "clients of ACM/IDM have other texts; whether GeoSecure minds is not known",
            ),
        ),
    ),
    Rule(
        "used jti",
        _CLAIM,
        "a `jti` that this client used before",
        _each(
            _assumed(_REFUSED, "RFC 7523 §3"), _documented(_REFUSED, f"{_GEOSECURE}: a fresh one")
        ),
    ),
    Rule(
        "others",
        _CLAIM,
        "any other claim, header or parameter; it is ignored",
        _both(_assumed(_OPTIONAL, "RFC 7519 §4, RFC 6749 §3.2")),
    ),
)
RULINGS = {
    (rule.name, platform): ruling for rule in RULES for platform, ruling in rule.rulings.items()
}
