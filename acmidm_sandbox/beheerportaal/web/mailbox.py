"""Postvak: the mails that the sandbox received about the own organisation's connections. On the
real platform they reach its contacts."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.mail.received import Mail, received_mails
from acmidm_sandbox.beheerportaal.store.clients import SHARED_KBO_NUMBER
from acmidm_sandbox.beheerportaal.web.visit import Visit, as_number

_MAILS_ON_A_PAGE = 50


def show_all(visit: Visit) -> Response:
    """Return the mails, newest first."""
    own = _own_mails(visit)
    if visit.after is not None:
        own = [mail for mail in own if mail.number < visit.after]
    page = own[:_MAILS_ON_A_PAGE]
    following = page[-1].number if len(own) > len(page) else None
    return visit.page("mailbox.html", mails=page, following=following)


def show_one(visit: Visit) -> Response:
    """Return one mail; 404 also where it is another organisation's, or nobody's."""
    number = as_number(visit.request.path_params["mail"])
    for mail in _own_mails(visit):
        if mail.number == number:
            return visit.page("mail.html", mail=mail)
    raise HTTPException(404)


def _own_mails(visit: Visit) -> list[Mail]:
    """Return those about the organisation's connections: those that name none are nobody's, and so
    are those of a shared number."""
    codes = {visit.somebody.ovo, visit.somebody.kbo} - {SHARED_KBO_NUMBER}
    mails = received_mails(visit.portal.settings.mails)
    return [mail for mail in mails if mail.organisation in codes]
