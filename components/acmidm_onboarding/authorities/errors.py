"""What can go wrong with an authority, each a sentence: method, URL, status, what the server said, what to do.

::

    AuthorityError
    ├── Unreachable        no usable answer within the deadline
    │   └── Passing        one try of those: another may do
    ├── NotAllowed         401 or 403: the operator may not do this
    │   ├── TokenRefused   401: with another token it may
    │   └── PerhapsGone    401 that may also mean gone: neither is certain
    ├── NotFound           404: gone, if the address is the right one
    ├── AlreadyRegistered  409: a client with this natural key exists
    ├── ChangedMeanwhile   another writer's change that would be lost
    │   ├── Stale          412: not even written
    │   └── Unsettled      what was written is not what is there
    ├── AnswerLost         nobody knows whether it was done, and it must not be repeated
    ├── Rejected           the request is refused as it is
    │   └── Failed         500: by a server that failed itself
    └── Unintelligible     an answer that is not what this API gives
        └── TooLarge       more than is read of one: fewer items may do
"""

from __future__ import annotations

from acmidm_onboarding.values.problems import Failure, on_one_line


class AuthorityError(Failure):
    """The root. Never contains a header, a token or a secret. Shown alone, without the error that it came out of.

    Whatever a server put into a name that is repeated here, it is one line, and moves no cursor.
    """

    exit_code = 3
    may_be_done = False
    """Whether the server may have carried the request out all the same."""
    # Python puts the module before the name of an exception that it shows, except for its own. Users need no path of
    # ours.
    __module__ = "builtins"

    def __init__(self, sentence: str) -> None:
        super().__init__(on_one_line(sentence))
        self.__suppress_context__ = True

    def __init_subclass__(cls) -> None:
        cls.__module__ = "builtins"


class Unreachable(AuthorityError):
    """``connected`` is False where not even a connection was made, as to a server that is down."""

    def __init__(self, sentence: str, *, connected: bool = True) -> None:
        self.connected = connected
        super().__init__(sentence)


class Passing(Unreachable):
    """A failure that may pass; ``wait_seconds`` is what the server requests, None where it does not say."""

    def __init__(
        self, sentence: str, wait_seconds: float | None = None, *, connected: bool = True, may_be_done: bool = False
    ) -> None:
        self.wait_seconds, self.may_be_done = wait_seconds, may_be_done
        super().__init__(sentence, connected=connected)


class NotAllowed(AuthorityError):
    pass


class TokenRefused(NotAllowed):
    """The token may have ended or been revoked."""


class PerhapsGone(NotAllowed):
    """Nobody can tell whether the client is gone, or the operator may not see it."""


class NotFound(AuthorityError):
    pass


class AlreadyRegistered(AuthorityError):
    """``client_id`` is that of the existing client, None where the authority does not say."""

    def __init__(self, sentence: str, client_id: str | None = None) -> None:
        self.client_id = client_id
        super().__init__(sentence)


class ChangedMeanwhile(AuthorityError):
    """``difference`` is between what was known and what was found, None where that was not compared."""

    def __init__(self, sentence: str, difference: str | None = None) -> None:
        self.difference = difference
        super().__init__(sentence)


class Stale(ChangedMeanwhile):
    """The document changed since it was read."""


class Unsettled(ChangedMeanwhile):
    pass


class Rejected(AuthorityError):
    pass


class Failed(Rejected):
    """Keycloak also says so to one of two writers of the same client."""

    may_be_done = True


class Unintelligible(AuthorityError):
    pass


class TooLarge(Unintelligible):
    """``beginning`` is the first that was read of the answer."""

    def __init__(self, sentence: str, beginning: bytes) -> None:
        self.beginning = beginning
        super().__init__(sentence)


class AnswerLost(AuthorityError):
    """Of a request that must not be repeated blindly: nobody knows whether it was carried out."""
