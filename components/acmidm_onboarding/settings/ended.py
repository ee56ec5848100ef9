"""Settings that ended, and what people do instead: who has one set reads it."""

_BY_STANDARDS = "the adapter by RFC 7591 has ended; write your own, as docs/authorities.md shows"
_PACED = "a run sends four requests at a time, and heeds Retry-After and RateLimit"

INSTEAD = {
    "operatorAudience": _BY_STANDARDS,
    "operatorResource": _BY_STANDARDS,
    "operatorScope": _BY_STANDARDS,
    "organisations": "a stack has all forms of its folder",
    "registrationAccessTokens": _BY_STANDARDS,
    "requestsAtOnce": _PACED,
    "requestsPerSecond": _PACED,
    "unkeptMetadata": _BY_STANDARDS,
}
AUTHORITIES = {"rfc7591": _BY_STANDARDS}
"""Types of authority that ended."""
