"""A mail, as text and as plain HTML, made of ``templates/<template>.txt`` and ``.html``, or of the
templates of one language, such as ``<template>.nl.txt``.

Their sentences are in the language of the organisation. The first line of the text is the mail's
subject. A value from a form, an organisation or an authority can add no header and no markup: it is
on one line, without invisible characters, and escaped in HTML.
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
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.problems import Unusable, spelled_out

TEMPLATES = Path(__file__).parent / "templates"
_POLICY = SMTP.clone(cte_type="7bit")  # any server on the way passes it on
_NOWHERE = "acmidm.invalid"
"""The domain of a Message-ID where no sender is set, and nothing is sent (RFC 2606)."""
_DOMAIN = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?",
    re.ASCII | re.IGNORECASE,
)
_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
"""A dot-atom (RFC 5321 §4.1.2). Few servers, and no parser of the standard library, accept a quoted
local part."""
_LONGEST_LOCAL = 64
"""Characters before the @ (RFC 5321 §4.5.3.1.1)."""
_LONGEST_HEADER = 500
"""Characters of a header's value."""
_DIGEST = 32
"""Characters of the digest in a Message-ID: 128 bits."""


class Mail(EmailMessage):
    """A mail with its envelope."""

    sender: str = ""
    recipients: Mapping[str, str]
    """Each address as it was given, with its form for mail servers."""
    unusable: Mapping[str, str]
    """Each address that no mail server accepts, with the reason."""

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

    ``key`` is the natural key of the connection that it is about, such as
    ``acmidm/tni/OVO002067/mijn-gent``. ``step`` is what it is for, such as a step of the guide.
    With the text they make the ``Message-ID`` (RFC 5322 §3.6.4), so that the same mail has the same
    one whenever, and to whomever, it is sent. An unusable address is left out, and ``send`` reports
    it.
    """
    blanks = {name: _visible(value) for name, value in values.items()}
    blanks |= {
        "language": language,
        "tr": language.tr,
        "ntr": language.ntr,
        "is_answered": bool(settings.mail_reply_to),
    }
    names = (f"{template}.{language}", template)
    text = _templates().select_template([f"{name}.txt" for name in names]).render(blanks)
    subject, _, body = text.strip().partition("\n")
    page = _templates().select_template([f"{name}.html" for name in names])
    html = page.render({**blanks, "subject": subject})
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
    mail["Message-ID"] = f"<{_digest(key, step, text)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no out-of-office answers, please
    mail["X-Acmidm-Connection"] = _header(key)
    mail["X-Acmidm-Step"] = _header(step)
    mail.set_content(body.strip() + "\n")
    mail.add_alternative(html, subtype="html")
    mail["Content-Language"] = language.value
    return mail


def _header(text: str) -> str:
    """Return the value of a header. An encoded word (RFC 2047) is broken up, for it would be
    decoded when a mail is written, with the line breaks in it."""
    return spelled_out(text.strip()).replace("=?", "= ?")[:_LONGEST_HEADER] or "-"


def _digest(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "backslashreplace")
    return hashlib.sha256(joined).hexdigest()[:_DIGEST]


def _envelope(to: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the addresses that a mail server accepts, each with its form for mail servers, and the
    others, each with the reason: ``Mail.recipients`` and ``Mail.unusable``."""
    usable: dict[str, str] = {}
    unusable: dict[str, str] = {}
    for address in dict.fromkeys(to):
        try:
            usable[address] = Address("", *_parts(address)).addr_spec
        except Unusable as error:
            unusable[address] = str(error)
    return usable, unusable


def _parts(address: str) -> tuple[str, str]:
    """Return the local part and the domain of an address, the domain in ASCII (RFC 5890).

    Raises:
        Unusable: where no mail server accepts the address.
    """
    local, _, domain = address.rpartition("@")
    # An encoded word (RFC 2047) would be decoded when a mail is written, with the line breaks in
    # it.
    if len(local) > _LONGEST_LOCAL or not _LOCAL.fullmatch(local) or "=?" in local:
        raise Unusable("what stands before the @ is not what mail servers can have there")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise Unusable("what stands behind the @ is not the name of a host")
    return local, domain


def _visible(value: Any) -> Any:
    """Return a value with line breaks, control and other invisible characters escaped, in all its
    parts."""
    if isinstance(value, str):
        return spelled_out(str(value))
    if isinstance(value, Mapping):
        return {_visible(name): _visible(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return list(map(_visible, value))
    if value is None or isinstance(value, bool | int | float | date):
        return value
    return spelled_out(str(value))


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
