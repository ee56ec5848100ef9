"""Why a client-ID was not mailed, where that is no failure: what the state has of it, and reports
read."""

NO_SMTP = "no-smtp"
"""No mail server is set."""
EXISTED = "existed"
"""The client existed before, or was taken over: nothing had to be sent."""


def record_name(platform: str, client_id: str | None) -> str:
    """Return the name of a client's record: by its client-ID, so that a client with a new key is
    mailed nothing twice."""
    return f"{platform} {client_id}"
