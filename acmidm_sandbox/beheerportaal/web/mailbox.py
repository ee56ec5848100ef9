"""Postvak: the mails that the sandbox received about the own organisation's connections. On the
real platform they reach its contacts."""

from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.mail.reading import read_headers, read_text
from acmidm_sandbox.beheerportaal.store import mails
from acmidm_sandbox.beheerportaal.store.mails import StoredMail
from acmidm_sandbox.beheerportaal.web.visit import Visit, as_number

_MAILS_ON_A_PAGE = 50


def show_all(visit: Visit) -> Response:
    """Return the mails, newest first."""
    own = mails.of_organisation(visit.somebody.ovo, visit.somebody.kbo)
    with visit.portal.database.read() as connection:
        page, following = mails.page(connection, own, _MAILS_ON_A_PAGE, visit.after)
    rows = [(mail, datetime.fromisoformat(mail.received_at)) for mail in page]
    return visit.page("mailbox.html", rows=rows, following=following)


def show_one(visit: Visit) -> Response:
    """One mail: its text, never its HTML."""
    mail, raw = _find(visit)
    return visit.page(
        "mail.html",
        mail=mail,
        to=read_headers(raw).to,
        received_at=datetime.fromisoformat(mail.received_at),
        text=read_text(raw),
    )


def _find(visit: Visit) -> tuple[StoredMail, bytes]:
    """Return the mail that the path names.

    Raises:
        HTTPException: 404, also where it is another organisation's, or nobody's.
    """
    number = as_number(visit.request.path_params["mail"])
    if number is None:
        raise HTTPException(404)
    own = mails.of_organisation(visit.somebody.ovo, visit.somebody.kbo)
    with visit.portal.database.read() as connection:
        stored = mails.find(connection, own, number)
    if stored is None:
        raise HTTPException(404)
    return stored
