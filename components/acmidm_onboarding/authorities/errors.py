"""The exceptions that authorities raise, each one sentence: method, URL, status, what the server
said, what to do.

::

    AuthorityError
    ├── Unreachable        no usable answer within the deadline
    │   └── Passing        one failed try: the next may succeed
    ├── NotAllowed         401 or 403: the operator may not do this
    │   └── TokenRefused   401: another token may be accepted
    ├── PerhapsGone        nobody can tell whether the client is gone
    ├── NotFound           404: gone, if the address is the right one
    ├── AlreadyRegistered  409: a client with this natural key exists
    ├── ChangedMeanwhile   a write would undo another writer's change
    │   ├── Stale          412: the server refused this write for that
    │   └── Unsettled      what was written is not what the server has now
    ├── Rejected           the server refuses the request as it is
    │   └── Failed         500: the server itself failed
    └── Unintelligible     an answer that is not what this API gives
        ├── NoList         404 to the list of all documents: a wrong address, or none of these here
        └── TooLarge       an answer above the bound: fewer items at once may fit
"""

from __future__ import annotations

from acmidm_onboarding.values.problems import Failure, on_one_line


class AuthorityError(Failure):
    """The root. Its sentence never contains a header, a token or a secret, and is shown without the
    error behind it.

    The sentence is one line without control characters, whatever a server put into a name that it
    repeats.
    """

    exit_code = 3
    # Python shows an exception's module before its name, except for built-in ones. Users need no
    # path of ours.
    __module__ = "builtins"

    def __init__(self, sentence: str) -> None:
        super().__init__(on_one_line(sentence))
        self.__suppress_context__ = True

    def __init_subclass__(cls) -> None:
        cls.__module__ = "builtins"


class Unreachable(AuthorityError):
    """No usable answer came in time; ``connected`` is False where not even a connection was
    made."""

    def __init__(self, sentence: str, *, connected: bool = True) -> None:
        self.connected = connected
        super().__init__(sentence)


class Passing(Unreachable):
    """A failure that may pass; ``wait_seconds`` is the wait that the server requests, None where it
    requests none."""

    def __init__(
        self,
        sentence: str,
        wait_seconds: float | None = None,
        *,
        connected: bool = True,
    ) -> None:
        self.wait_seconds = wait_seconds
        super().__init__(sentence, connected=connected)


class NotAllowed(AuthorityError):
    pass


class TokenRefused(NotAllowed):
    """A token was not accepted: it may have ended or been revoked."""


class PerhapsGone(AuthorityError):
    """Nobody can tell whether the client is gone."""


class NotFound(AuthorityError):
    pass


class AlreadyRegistered(AuthorityError):
    """A client with the same natural key exists; ``client_id`` is its own, None where the authority
    does not say."""

    def __init__(self, sentence: str, client_id: str | None = None) -> None:
        self.client_id = client_id
        super().__init__(sentence)


class ChangedMeanwhile(AuthorityError):
    """Another writer was first; ``difference`` is what that writer changed, None where nothing was
    compared."""

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
    """A server failed. Keycloak also answers 500 to one of two writers of the same client."""


class Unintelligible(AuthorityError):
    pass


class NoList(Unintelligible):
    """There is no list of the documents of which one is not found: so that shows nothing."""


class TooLarge(Unintelligible):
    """An answer is larger than is read of one; ``beginning`` has its first bytes."""

    def __init__(self, sentence: str, beginning: bytes) -> None:
        self.beginning = beginning
        super().__init__(sentence)
