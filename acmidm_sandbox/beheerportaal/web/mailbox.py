"""Postvak: the mails that the sandbox received about the own organisation's connections. On the
real platform they reach its contacts."""

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.mail import ReceivedMail, received_mails
from acmidm_sandbox.beheerportaal.store.clients import SHARED_KBO_NUMBER
from acmidm_sandbox.beheerportaal.web.visit import AdministratorVisit, Visit

router = APIRouter()


@router.get("/postvak", name="mailbox")
def show_mails(visit: AdministratorVisit) -> Response:
    """Return the mails, newest first."""
    return visit.page("mailbox.html", mails=_own_mails(visit))


@router.get("/postvak/{number}", name="mail")
def show_mail(visit: AdministratorVisit, number: str) -> Response:
    """Return one mail; 404 also where it is another organisation's, or nobody's."""
    for mail in _own_mails(visit):
        if str(mail.number) == number:
            return visit.page("mail.html", mail=mail)
    raise HTTPException(404)


def _own_mails(visit: Visit) -> list[ReceivedMail]:
    """Return those about the organisation's connections: those that name none are nobody's, and so
    are those of a shared number."""
    codes = {visit.somebody.ovo, visit.somebody.kbo} - {SHARED_KBO_NUMBER}
    mails = received_mails(visit.portal.settings.mails)
    return [mail for mail in mails if mail.organisation in codes]
