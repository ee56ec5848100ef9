"""Postvak: the mails that the sandbox received about the own organisation's connections. On the
real platform they reach its contacts."""

from datetime import datetime
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.mail.reading import CALENDAR, read_body, read_headers
from acmidm_sandbox.beheerportaal.store import mails
from acmidm_sandbox.beheerportaal.store.mails import StoredMail
from acmidm_sandbox.beheerportaal.web.visit import Visit, as_number

_MAILS_ON_A_PAGE = 50
_ANYTHING = "application/octet-stream"


def show_all(visit: Visit) -> Response:
    """Return the mails, newest first."""
    own = mails.of_organisation(visit.somebody.ovo, visit.somebody.kbo)
    with visit.portal.database.read() as connection:
        page, following = mails.page(connection, own, _MAILS_ON_A_PAGE, visit.after)
    rows = [(mail, datetime.fromisoformat(mail.received_at)) for mail in page]
    return visit.page("mailbox.html", rows=rows, following=following)


def show_one(visit: Visit) -> Response:
    """One mail: its text, never its HTML, and its files by name."""
    mail, raw = _find(visit)
    return visit.page(
        "mail.html",
        mail=mail,
        to=read_headers(raw).to,
        received_at=datetime.fromisoformat(mail.received_at),
        body=read_body(raw),
    )


def download(visit: Visit) -> Response:
    """Return a file of a mail. A browser keeps it and shows none of it, whatever it is."""
    _, raw = _find(visit)
    number = _number(visit, "attachment")
    attachments = read_body(raw).attachments
    if not 0 < number <= len(attachments):
        raise HTTPException(404)
    attachment = attachments[number - 1]
    name = quote(attachment.name, safe="")  # RFC 8187
    content_type = CALENDAR if attachment.content_type == CALENDAR else _ANYTHING
    return Response(
        attachment.content,
        200,
        {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
        content_type,
    )


def _find(visit: Visit) -> tuple[StoredMail, bytes]:
    """Return the mail that the path names.

    Raises:
        HTTPException: 404, also where it is another organisation's, or nobody's.
    """
    own = mails.of_organisation(visit.somebody.ovo, visit.somebody.kbo)
    with visit.portal.database.read() as connection:
        stored = mails.find(connection, own, _number(visit, "mail"))
    if stored is None:
        raise HTTPException(404)
    return stored


def _number(visit: Visit, name: str) -> int:
    number = as_number(visit.request.path_params[name])
    if number is None:
        raise HTTPException(404)
    return number
