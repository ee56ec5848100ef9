"""The limits of the contract, which the OpenAPI document has too."""

MOST_CONTACTS = 50
LONGEST_CONTACT = 254  # RFC 5321 §4.5.3.1.3
MOST_KEYS = 5
LONGEST_KID = 255  # bytes in UTF-8
MINIMUM_RSA_BITS = 2048
MAXIMUM_RSA_BITS = 16384  # what OpenSSL verifies with
MAXIMUM_EXPONENT_BITS = 64  # a longer one makes whoever checks a signature work for it
LONGEST_KEY_MEMBER = 4096  # a modulus of 16384 bits is the longest, with 2731 characters
LONGEST_TEXT = 255  # of a name: a client's, an application's, an organisation's, a stack's
MOST_SCOPES = 500
LONGEST_SCOPE = 255
MOST_GRANT_TYPES = 10
MOST_ATTRIBUTES = 20
LONGEST_ATTRIBUTE_NAME = 64
SHORTEST_SECRET, LONGEST_SECRET = 16, 255
LONGEST_SECRET_OVERLAP_SECONDS = 365 * 24 * 60 * 60
MOST_MISTAKES = 20  # that are named in one answer
MOST_VALUES = 10  # that a mistake names
LONGEST_BODY = 1024 * 1024  # bytes
LONGEST_JTI = 255
LONGEST_UPLOAD = 32 * 1024
LONGEST_MAIL = 256 * 1024  # bytes
# Of an assertion, and what is tolerated beyond.
LONGEST_LIFETIME_SECONDS = 600
LONGEST_TOLERATED_SECONDS = 960 * 60
CLOCK_SKEW_SECONDS = 30
