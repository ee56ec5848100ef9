"""Settings that ended, and what people do instead: who has one set reads it."""

_LISTED = "the adapter by RFC 7591 ended; see docs/authorities.md"
_PACED = "a run sends four requests at a time, and heeds Retry-After and RateLimit"

INSTEAD = {
    "organisations": "a stack has all forms of its folder",
    "registrationAccessTokens": _LISTED,
    "requestsAtOnce": _PACED,
    "requestsPerSecond": _PACED,
    "unkeptMetadata": _LISTED,
}
