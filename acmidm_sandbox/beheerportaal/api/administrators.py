"""Who may manage an organisation's clients: how many people, not who they are."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from acmidm_sandbox.beheerportaal.api import answers
from acmidm_sandbox.beheerportaal.api.clients import PREFIX
from acmidm_sandbox.beheerportaal.api.describe import ACCESS_TOKEN, problems
from acmidm_sandbox.beheerportaal.api.guard import OperatorRoute
from acmidm_sandbox.beheerportaal.context import CurrentPortal
from acmidm_sandbox.beheerportaal.documents import Administrators
from acmidm_sandbox.beheerportaal.store import users

router = APIRouter(
    prefix=PREFIX, route_class=OperatorRoute, dependencies=[ACCESS_TOKEN], tags=["organisations"]
)


@router.get(
    "/organisations/{code}/administrators", response_model=Administrators, responses=problems()
)
def count_administrators(
    portal: CurrentPortal,
    code: Annotated[
        str,
        Path(pattern="^(OVO[0-9]{6}|[01][0-9]{9})$", description="An OVO code or a KBO number."),
    ],
) -> Response:
    """How many users hold the right API-beheerder for the organisation: 0 too where nobody knows
    it."""
    with portal.database.read() as connection:
        return answers.page(Administrators(count=users.administrators(connection, code)))
