"""A mail, as text and as plain HTML, out of ``templates/<template>.txt`` and ``.html``, or those of one language:
``<template>.nl.txt``.

Their sentences are those of the room ``mail`` of ``texts/``. The first line of the text is the subject. Whatever a
form, an organisation or an authority put into a value stays a value: on one line, without a character that isn't seen,
escaped in HTML, and never a header of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from acmidm_onboarding.settings import Settings, mailbox
from acmidm_onboarding.texts import Language, texts
from acmidm_onboarding.values.problems import Unusable, spelled_out

TEMPLATES = Path(__file__).parent / "templates"
_POLICY = SMTP.clone(cte_type="7bit")  # some mail servers pass 7 bits only
_NOWHERE = "acmidm.invalid"
"""The domain of a Message-ID where no sender is set, and nothing is sent (RFC 2606)."""
_DOMAIN = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII | re.IGNORECASE
)
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
"""A dot-atom (RFC 5321 §4.1.2). What would have to be quoted is taken by few servers, and by no parser of the standard
library."""
_LONGEST_LOCAL = 64
"""Characters before the @ (RFC 5321 §4.5.3.1.1)."""
_LONGEST_HEADER = 500
"""Characters of a subject or the like."""
_MARK = 32
"""Characters of a Message-ID that say what it is of: 128 bits."""


class Mail(EmailMessage):
    """A mail with its envelope."""

    sender: str = ""
    recipients: Mapping[str, str]
    """Each address as it was given, with how mail servers want it."""
    unusable: Mapping[str, str]
    """Each address that is no mail server's, with why."""

    @property
    def message_id(self) -> str:
        return str(self["Message-ID"])


def compose(
    template: str,
    values: Mapping[str, Any],
    *,
    language: Language,
    to: Sequence[str],
    key: str,
    step: str,
    settings: Settings,
) -> Mail:
    """Return a mail of ``template`` with its blanks filled in.

    ``key`` is the natural key of the connection that it is about, such as ``acmidm/tni/OVO002067/mijn-gent``. ``step``
    says at which point of its way. They and the text make the ``Message-ID`` (RFC 5322 §3.6.4), so that the same mail
    has the same one whenever, and to whomever, it is sent. An address that nothing can be sent to is left out, and
    ``send`` reports it.
    """
    blanks = {name: _seen(value) for name, value in values.items()}
    blanks |= {"language": language.value, "texts": texts("mail", language)}
    blanks["is_answered"] = bool(settings.mail_reply_to)
    names = (f"{template}.{language}", template)
    text = _templates().select_template([f"{name}.txt" for name in names]).render(blanks)
    subject, _, body = text.strip().partition("\n")
    html = _templates().select_template([f"{name}.html" for name in names]).render({**blanks, "subject": subject})
    mail = Mail(policy=_POLICY)
    mail.recipients, mail.unusable = _envelope(to)
    domain = _NOWHERE
    if settings.mail_sender:
        name, address = mailbox(settings.mail_sender)
        local, domain = _parts(address)
        mail["From"] = Address(name, local, domain)
        mail.sender = mail["From"].addresses[0].addr_spec
    if settings.mail_reply_to:
        name, address = mailbox(settings.mail_reply_to)
        mail["Reply-To"] = Address(name, *_parts(address))
    if mail.recipients:
        mail["To"] = [Address("", *_parts(address)) for address in mail.recipients]
    mail["Subject"] = _header(subject)
    mail["Date"] = datetime.now(UTC)
    mail["Message-ID"] = f"<{_mark(key, step, text)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no out-of-office answers, please
    mail["X-Acmidm-Connection"] = _header(key)
    mail["X-Acmidm-Step"] = _header(step)
    mail.set_content(body.strip() + "\n")
    mail.add_alternative(html, subtype="html")
    mail["Content-Language"] = language.value
    return mail


def _header(text: str) -> str:
    """Return a header's value. Words that are encoded (RFC 2047) are decoded when a mail is written out, line breaks in
    them too."""
    return spelled_out(text.strip()).replace("=?", "= ?")[:_LONGEST_HEADER] or "-"


def _mark(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:_MARK]


def _envelope(to: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    usable: dict[str, str] = {}
    unusable: dict[str, str] = {}
    for address in dict.fromkeys(to):
        try:
            usable[address] = Address("", *_parts(address)).addr_spec
        except Unusable as error:
            unusable[address] = str(error)
    return usable, unusable


def _parts(address: str) -> tuple[str, str]:
    """Return what is before and behind the @, the latter as names of hosts are written (RFC 5890).

    Raises:
        Unusable: where the address is none that mail servers have.
    """
    local, _, domain = address.rpartition("@")
    # Writing a mail decodes encoded words (RFC 2047), and line breaks in them.
    if len(local) > _LONGEST_LOCAL or not _LOCAL.fullmatch(local) or "=?" in local:
        raise Unusable("what stands before the @ is not what mail servers can have there")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise Unusable("what stands behind the @ is not the name of a host")
    return local, domain


def _seen(value: Any) -> Any:
    """Return a value without line breaks, control characters and what else is not seen, all the way down."""
    if isinstance(value, str):
        return spelled_out(str(value))
    if isinstance(value, Mapping):
        return {_seen(name): _seen(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [_seen(part) for part in value]
    return value if value is None or isinstance(value, bool | int | float | date) else spelled_out(str(value))


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
