"""Users of the web interface, each of one organisation."""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from acmidm_sandbox.beheerportaal.documents import Organisation
from acmidm_sandbox.beheerportaal.store.clients import SHARED_KBO_NUMBER
from acmidm_sandbox.beheerportaal.store.tables import users


@dataclass(frozen=True, slots=True)
class User:
    """Someone who acts for an organisation; without the right *API-beheerder* that person sees no
    client.

    Who is of the `aansluitingenteam` sees those of all organisations, registers their products, and
    removes them.
    """

    name: str
    ovo: str | None
    kbo: str | None
    api_beheerder: bool
    aansluitingenteam: bool = False
    organisation_name: str = ""

    @property
    def actor(self) -> str:
        """How the audit trail names this user: no operator's client_id may begin like this."""
        return f"{ACTOR_PREFIX}{self.name}"

    @property
    def organisation_code(self) -> str:
        """The OVO code, else the KBO number."""
        return self.ovo or self.kbo or ""

    @property
    def organisation(self) -> Organisation:
        """As a client has it; its code stands for a name that nobody gave."""
        return Organisation(
            name=self.organisation_name or self.organisation_code, ovo=self.ovo, kbo=self.kbo
        )

    @property
    def rights(self) -> list[str]:
        """What the rights are called."""
        rights = {"API-beheerder": self.api_beheerder, "Aansluitingenteam": self.aansluitingenteam}
        return [right for right, holds in rights.items() if holds]


ACTOR_PREFIX = "user:"

_COLUMNS = tuple(users.c[name] for name in User.__dataclass_fields__)


def find(connection: Connection, name: str) -> User | None:
    """Return the user, or None."""
    row = connection.execute(select(*_COLUMNS).where(users.c.name == name)).mappings().one_or_none()
    return None if row is None else User(**row)


def password_hash(connection: Connection, name: str) -> str | None:
    """Return the hash that a password is checked against; None where there is no such user."""
    hashed: str | None = connection.execute(
        select(users.c.password_hash).where(users.c.name == name)
    ).scalar_one_or_none()
    return hashed


def everyone(connection: Connection) -> list[User]:
    """Return all users, by name."""
    return [
        User(**row)
        for row in connection.execute(select(*_COLUMNS).order_by(users.c.name)).mappings()
    ]


def administrators(connection: Connection, code: str) -> int:
    """Return how many hold the right *API-beheerder* for the organisation with this OVO code or KBO
    number; nobody by a number that is shared."""
    if code == SHARED_KBO_NUMBER:
        return 0
    holds = users.c.api_beheerder & or_(users.c.ovo == code, users.c.kbo == code)
    return connection.execute(select(func.count()).select_from(users).where(holds)).scalar_one()


def add(connection: Connection, user: User, hashed: str) -> None:
    """Add a user whose name is free."""
    connection.execute(insert(users), {**asdict(user), "password_hash": hashed})


def change(connection: Connection, user: User) -> bool:
    """Change the user of this name, at once; False where there is none."""
    changed = update(users).where(users.c.name == user.name).values(**asdict(user))
    return connection.execute(changed).rowcount == 1


def remove(connection: Connection, name: str) -> bool:
    """Remove a user, whose sessions end by that; False where there is no such user."""
    return connection.execute(delete(users).where(users.c.name == name)).rowcount == 1
