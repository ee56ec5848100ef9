"""Logging on and off. The real portal leaves that to eID and itsme; here users and passwords are
made on the machine itself."""

from sqlalchemy import delete
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.secrets import is_secret
from acmidm_sandbox.beheerportaal.store.users import Account, WebSession, hash_of, start_session
from acmidm_sandbox.beheerportaal.web.urls import BASE, is_page
from acmidm_sandbox.beheerportaal.web.visit import Mistakes, Visit, cookie_name


def show(visit: Visit) -> Response:
    """Return the form."""
    return _form(visit) if visit.user is None else visit.see(visit.urls("clients"))


def log_on(visit: Visit) -> Response:
    """Check name and password, and start a session."""
    name, password = visit.form.get("name", "").strip(), visit.form.get("password", "")
    with visit.portal.database.write() as session:
        account = session.get(Account, name)
        is_known = account is not None and is_secret(password, account.password_hash)
        token = start_session(session, name) if is_known else None
    if token is None:
        return _form(visit, [("name", visit.texts("log_on.refused"))])
    wanted = visit.form.get("naar", "")
    answer = visit.see(wanted if is_page(wanted) else visit.urls("clients"))
    # Not Secure: the portal speaks plain HTTP, on loopback only. Lax: a link to a client from
    # elsewhere finds its reader logged on.
    answer.set_cookie(cookie_name(visit.portal), token, path=BASE, httponly=True, samesite="lax")
    return answer


def log_off(visit: Visit) -> Response:
    """End the session, here and in the browser."""
    cookie = cookie_name(visit.portal)
    token = visit.request.cookies.get(cookie, "")
    with visit.portal.database.write() as session:
        session.execute(delete(WebSession).where(WebSession.token_hash == hash_of(token)))
    answer = visit.see(visit.urls("log_on", afgemeld="1"))
    answer.delete_cookie(cookie, path=BASE, httponly=True, samesite="lax")
    return answer


def _form(visit: Visit, mistakes: Mistakes = ()) -> Response:
    wanted = visit.form.get("naar") or visit.request.query_params.get("naar", "")
    return visit.page(
        "log_on.html",
        mistakes=mistakes,
        name=visit.form.get("name", ""),
        wanted=wanted if is_page(wanted) else "",
        logged_off="afgemeld" in visit.request.query_params,
    )
