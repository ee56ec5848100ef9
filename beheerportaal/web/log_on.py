"""Logging on and off. The real portal leaves that to eID and itsme; here users and passwords are made on the machine itself."""

from starlette.responses import Response

from beheerportaal.secrets import is_secret
from beheerportaal.store import sessions, users
from beheerportaal.web.urls import BASE, LOG_ON, is_page
from beheerportaal.web.visit import Visit, cookie_name


def show(visit: Visit) -> Response:
    """The form. It needs a session of its own, for the token that marks a form as ours."""
    if visit.user is not None:
        return visit.see(visit.urls.clients)
    if visit.session is not None:
        return _form(visit)
    with visit.portal.database.write() as connection:
        token, session = sessions.start(connection, None)
    anonymous = Visit(visit.request, visit.portal, visit.texts, visit.form, session, None)
    answer = _form(anonymous)
    _remember(visit, answer, token)
    return answer


def log_on(visit: Visit) -> Response:
    """Checks name and password. The session is a new one: what someone knew of the old one is worth nothing now."""
    database = visit.portal.database
    name, password = visit.form.get("name", "").strip(), visit.form.get("password", "")
    with database.read() as connection:
        hashed = users.password_hash(connection, name)
    if hashed is None or not is_secret(password, hashed):
        return _form(visit, 422, [("name", visit.texts("log_on.refused"))])
    with database.write() as connection:
        if visit.session is not None:
            sessions.end(connection, visit.session)
        if users.find(connection, name) is None:  # removed in between
            return visit.see(visit.urls.log_on)
        token, _ = sessions.start(connection, name)
    wanted = visit.form.get("naar", "")
    answer = visit.see(wanted if is_page(wanted) else visit.urls.clients)
    _remember(visit, answer, token)
    return answer


def log_off(visit: Visit) -> Response:
    """Ends the session, here and in the browser."""
    if visit.session is not None:
        with visit.portal.database.write() as connection:
            sessions.end(connection, visit.session)
    answer = visit.see(visit.urls(LOG_ON, afgemeld="1"))
    answer.delete_cookie(cookie_name(visit.portal), path=BASE, httponly=True, samesite="lax")
    return answer


def _form(visit: Visit, status: int = 200, mistakes: list[tuple[str, str]] | None = None) -> Response:
    wanted = visit.form.get("naar") or visit.request.query_params.get("naar", "")
    return visit.page(
        "log_on.html",
        status,
        mistakes=mistakes or [],
        name=visit.form.get("name", ""),
        wanted=wanted if is_page(wanted) else "",
        logged_off="afgemeld" in visit.request.query_params,
    )


def _remember(visit: Visit, answer: Response, token: str) -> None:
    # Not Secure: the portal speaks plain HTTP, on loopback only. Lax: a link to a client from elsewhere finds its reader logged on.
    answer.set_cookie(cookie_name(visit.portal), token, path=BASE, httponly=True, samesite="lax")
