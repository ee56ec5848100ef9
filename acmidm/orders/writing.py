"""Write what people confirm: the public keys first, then the confirmation, each whole or not at
all.

So a run that is cut off leaves the order open, and the same command ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from acmidm_onboarding.files import make_folder, write_whole
from acmidm_onboarding.forms.confirmation_files import as_text, key_file
from acmidm_onboarding.forms.files import absolute, shown
from acmidm_onboarding.rules.confirming import carried_out, refused
from acmidm_onboarding.rules.orders import CREATE, REMOVE, Act, Order
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.confirmation import (
    KEYS,
    Attestation,
    Confirmation,
    ConfirmationFile,
    confirmation_of,
)
from acmidm_onboarding.values.jwk import PublicJwk, readable_jwk
from acmidm_onboarding.values.problems import Failure


@dataclass(frozen=True)
class Written:
    """The file of a confirmation; ``is_new`` is False where it had that content already, and was
    not written."""

    file: Path
    is_new: bool


def confirm(
    stack: Stack,
    order: Order,
    by: Attestation,
    *,
    client_id: str | None = None,
    keys: Sequence[PublicJwk] | None = None,
) -> Written:
    """Write the confirmation that an order is carried out: what it asks is what the authority has.

    ``client_id`` is that of a client which it made, ``keys`` the public keys that somebody saw.
    ``by`` is who says so, and when. Raises Failure where that cannot be confirmed, and OSError.
    """
    former, file = _former_confirmation(stack, order)
    if _is_client_confirmed(order, former, client_id):
        return Written(file, is_new=False)
    client_id = client_id or order.client_id
    _require_confirmable(stack, order, former, client_id, keys)
    jwks = _confirmed_keys(order, keys)
    former_content = former.content if former else None
    former_since = former.since if former else {}
    # A key that was confirmed before has been there since then.
    since_by_file = {
        _key_file(order, key)[0]: former_since.get(key.thumbprint, by.at) for key in jwks
    }
    content = carried_out(order, former_content, by, client_id=client_id, keys=since_by_file)
    if former_content is not None and _facts_in(content) == _facts_in(former_content):
        return Written(file, is_new=False)
    make_folder(file)
    for key in jwks:
        name, text = _key_file(order, key)
        write_whole(file.parent / name, text)
    write_whole(file, as_text(content))
    former_key_files = former_content.keys if former_content else None
    for name in former_key_files or ():
        if name not in (content.keys or {}):
            (file.parent / name).unlink(missing_ok=True)
    return Written(file, is_new=True)


def refuse(stack: Stack, order: Order, why: str, by: Attestation) -> Written:
    """Write that an order is not carried out, and why, into the confirmation of its client. That
    counts for as long as the order says the same. Raises Failure where it is not open, and
    OSError."""
    former, file = _former_confirmation(stack, order)
    if not _is_open(stack, order):
        raise Failure(_why_not_open(order, former, by))
    make_folder(file)
    former_content = former.content if former else None
    write_whole(file, as_text(refused(order, former_content, why, by)))
    return Written(file, is_new=True)


def require_not_overtaken(
    stack: Stack, order: Order, until: Callable[[Order], datetime | None]
) -> None:
    """Raise Failure where a later order of the same part is confirmed, so that this one would take
    back what that one said. ``until`` returns the moment from which on the forms in Git give an
    order no more; None where they still do."""
    former, file = _former_confirmation(stack, order)
    confirmed_by = former.content.confirmed.get(order.part) if former else None
    if confirmed_by is None or order.says == order.now or _is_open(stack, order):
        return
    ended = until(order)
    if ended is None:
        # They still give it and it is not open: where its part is as desired, it is overtaken.
        open_parts = {(present.client_key, present.part) for present in stack.orders}
        is_overtaken = (order.client_key, order.part) not in open_parts
    else:
        is_overtaken = confirmed_by.at >= ended
    if is_overtaken:
        raise Failure(
            tr(
                "{order}: a later order of the same part is confirmed already, in {file}; see to"
                " it that the portal has what that file says",
                order=order.name,
                file=file,
            )
        )


def attestation(by: str | None, at: datetime) -> Attestation:
    """Return who confirms or refuses an order, and when. Raises Failure where nobody is named, by
    --by or in Git's settings."""
    if not by:
        raise Failure(tr("who confirms this? say it with --by, or set user.email in Git"))
    return Attestation(by=by, at=at.replace(microsecond=0))


def _former_confirmation(stack: Stack, order: Order) -> tuple[Confirmation | None, Path]:
    """Return what was confirmed of an order's client before, under an earlier key too, and its
    file; None and the file to write where nothing was. Raises Failure where that file is another
    connection's."""
    declared = stack.forms.by_client_key.get(order.client_key)
    if declared is None:
        confirmed = stack.confirmations.get(order.client_key)
    else:
        confirmed = confirmation_of(declared, stack.confirmations)
    if confirmed is not None:
        return confirmed, confirmed.file
    code, _, application = order.client_key[0].partition("/")
    file = shown(
        absolute(stack.forms.confirmed_folder(order.client_key[1]) / code / f"{application}.yaml")
    )
    if file.exists():
        raise Failure(
            tr(
                "{order}: {file} has what is confirmed of a connection that has another name by"
                " now; name that file and its folder as that connection is named, with git mv",
                order=order.name,
                file=file,
            )
        )
    return None, file


def _is_client_confirmed(order: Order, former: Confirmation | None, client_id: str | None) -> bool:
    """Return whether an order makes a client that is confirmed as being there. Such an order is not
    confirmed again: that would take back what was confirmed of the client since."""
    client_id = client_id or order.client_id
    return (
        order.part == CREATE
        and former is not None
        and former.is_there
        and client_id in (None, former.content.client_id)
    )


def _is_open(stack: Stack, order: Order) -> bool:
    return order.full_digest in {present.full_digest for present in stack.orders}


def _why_not_open(order: Order, former: Confirmation | None, by: Attestation) -> str:
    """Return the sentence why an order that is not open cannot be refused: its client is removed,
    it is confirmed already, or the form says something else by now."""
    if former and former.content.removed is not None and order.part != REMOVE:
        return tr(
            "{order}: client {client} is confirmed as removed, in {file}; look in the portal"
            " whether another one is there, or put that file back as it was, from Git, where it was"
            " not removed",
            order=order.name,
            client=former.content.client_id,
            file=former.file,
        )
    if former and _is_confirmed(order, former, by):
        return tr(
            "{order} is confirmed already, in {file}, and cannot be refused any more",
            order=order.name,
            file=former.file,
        )
    return tr(
        "{order} is not open any more, so that nothing of it can be refused; see acmidm orders",
        order=order.name,
    )


def _is_confirmed(order: Order, former: Confirmation, by: Attestation) -> bool:
    """Return whether all that an order says is confirmed: a confirmation of it would change no
    fact."""
    if order.part == CREATE:
        return _is_client_confirmed(order, former, None)
    if order.act is Act.LOOK:
        return former.content.keys is not None
    since_by_file = {_key_file(order, key)[0]: by.at for key in _confirmed_keys(order, None)}
    content = carried_out(order, former.content, by, keys=since_by_file)
    return _facts_in(content) == _facts_in(former.content)


def _require_confirmable(
    stack: Stack,
    order: Order,
    former: Confirmation | None,
    client_id: str | None,
    keys: Sequence[PublicJwk] | None,
) -> None:
    """Raise Failure where an order cannot be confirmed so: a client-ID or keys are missing, or the
    client is confirmed already, is removed, or is another one than the order's."""
    if order.act is Act.CREATE and not client_id:
        raise Failure(
            tr(
                "{order} makes a client: give the client-ID that the portal shows with --client-id",
                order=order.name,
            )
        )
    if order.act is Act.LOOK and keys is None:
        raise Failure(
            tr(
                "{order} asks which public keys are there: give each with --key, or --no-keys"
                " where there is none",
                order=order.name,
            )
        )
    if (
        order.part == CREATE
        and former is not None
        and former.is_there
        and former.content.client_id != client_id
    ):
        raise Failure(
            tr(
                "{order}: client {client} is confirmed already, in {file}; look in the portal"
                " which of the two is there, and remove the other",
                order=order.name,
                client=former.content.client_id,
                file=former.file,
            )
        )
    if file := _file_of_removal(stack, order, former, client_id):
        raise Failure(
            tr(
                "{order}: client {client} is confirmed as removed, in {file}; look in the portal"
                " whether another one is there, or put that file back as it was, from Git, where it"
                " was not removed",
                order=order.name,
                client=client_id,
                file=file,
            )
        )
    if order.client_id not in (None, client_id):
        raise Failure(
            tr(
                "{order} is about client {client}: leave --client-id out, or look in the portal"
                " which client was changed",
                order=order.name,
                client=order.client_id,
            )
        )
    for confirmed in stack.confirmations.values():
        if former is not None and confirmed.file == former.file:
            continue
        if confirmed.is_there and confirmed.content.client_id == client_id:
            raise Failure(
                tr(
                    "{order}: that client-ID is confirmed already of another connection, in"
                    " {file}; look in the portal whose it is",
                    order=order.name,
                    file=confirmed.file,
                )
            )


def _file_of_removal(
    stack: Stack, order: Order, former: Confirmation | None, client_id: str | None
) -> Path | None:
    """Return the file that confirms the client of an order as removed, where the order needs a
    client that is there; None where the order can be confirmed.

    A connection whose client was removed can get a new one, with another client-ID than any that
    was removed.
    """
    if order.part == REMOVE:
        return None
    if order.act is Act.COMPARE and _is_open(stack, order):
        # Its form adopts the client, which somebody let go before.
        return None
    if former is not None and former.content.removed and order.part != CREATE:
        return former.file
    for confirmed in stack.confirmations.values():
        if confirmed.content.removed and confirmed.content.client_id == client_id:
            return confirmed.file
    return None


def _confirmed_keys(order: Order, seen: Sequence[PublicJwk] | None) -> list[PublicJwk]:
    """Return the public keys that a client has once an order is confirmed: those that somebody saw,
    where the order is to look for them, else those that it names. Empty where the order is about
    another part than keys."""
    if order.part != KEYS:
        return []
    if order.act is Act.LOOK:
        return list(seen or ())
    ordered = (readable_jwk(dict(members)) for members in order.says.values())
    return list(filter(None, ordered))


def _facts_in(content: ConfirmationFile) -> Mapping[str, object]:
    """Return what the content of a confirmation says is there, without who says so and when, by
    which two are compared."""
    facts = content.model_dump(exclude={"confirmed", "keys", "refused", "removed"})
    keys = None if content.keys is None else sorted(content.keys)
    return {**facts, KEYS: keys, REMOVE: content.removed is not None}


def _key_file(order: Order, key: PublicJwk) -> tuple[str, str]:
    """Return the name and the text of the file for a public key, such as
    "mijn-gent-QXXBNb2U.jwk.json", beside the confirmation of an order's client."""
    return key_file(order.client_key[0].rpartition("/")[2], key)
