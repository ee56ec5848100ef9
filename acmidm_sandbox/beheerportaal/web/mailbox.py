"""The mailbox (*Postvak*): the mails that the sandbox received about the connections of the user's
organisation. On the real platform they reach the organisation's contacts."""

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.mail import ReceivedMail, received_mails
from acmidm_sandbox.beheerportaal.store.clients import SHARED_KBO_NUMBER
from acmidm_sandbox.beheerportaal.web.visit import AdministratorVisit, Visit

router = APIRouter()


@router.get("/postvak", name="mailbox")
def show_mails(visit: AdministratorVisit) -> Response:
    """Return the page with the mails, newest first."""
    return visit.page("mailbox.html", mails=_mails_of_organisation(visit))


@router.get("/postvak/{number}", name="mail")
def show_mail(visit: AdministratorVisit, number: str) -> Response:
    """Return the page of one mail; 404 also where it is about another organisation, or none."""
    for mail in _mails_of_organisation(visit):
        if str(mail.number) == number:
            return visit.page("mail.html", mail=mail)
    raise HTTPException(404)


def _mails_of_organisation(visit: Visit) -> list[ReceivedMail]:
    """Return the mails about connections of the user's organisation. Nobody reads those that name
    no organisation, or a KBO number that many share."""
    codes = {visit.logged_on_user.ovo, visit.logged_on_user.kbo} - {SHARED_KBO_NUMBER}
    mails = received_mails(visit.portal.settings.mails)
    return [mail for mail in mails if mail.organisation in codes]
