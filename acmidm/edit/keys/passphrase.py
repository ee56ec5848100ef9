"""A passphrase: from a terminal, which does not show it, or from a file descriptor."""

from __future__ import annotations

import os
import sys
from getpass import getpass

from acmidm.private_key import SHORTEST_PASSPHRASE
from acmidm_onboarding.texts import Language, say
from acmidm_onboarding.values.problems import Failure

_LONGEST_BYTES = 1023
"""OpenSSL takes no longer one."""


def new_passphrase(descriptor: int | None, language: Language) -> bytes:
    """Return a passphrase for a new key: typed twice, or the first line of a file descriptor.
    Raises Failure."""
    given = _read(descriptor) if descriptor is not None else _typed(language.say("keys.prompt.new"))
    if descriptor is None and _typed(language.say("keys.prompt.again")) != given:
        raise Failure(say("edit.passphrases_differ"))
    if len(given) < SHORTEST_PASSPHRASE:
        raise Failure(say("edit.passphrase_short", shortest=SHORTEST_PASSPHRASE))
    return given.encode()


def known_passphrase(descriptor: int | None, language: Language) -> bytes:
    """Return the passphrase of a file that there is: typed once, or the first line of a file
    descriptor. Raises Failure."""
    return (
        _read(descriptor) if descriptor is not None else _typed(language.say("keys.prompt.known"))
    ).encode()


def _typed(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise Failure(say("edit.no_terminal"))
    given = getpass(f"{prompt} ")
    return _checked(given.encode())


def _read(descriptor: int) -> str:
    content = b""
    try:
        while (
            b"\n" not in content
            and len(content) <= _LONGEST_BYTES
            and (part := os.read(descriptor, _LONGEST_BYTES + 2))
        ):
            content += part
    except OSError as error:
        raise Failure(
            say("edit.descriptor_unreadable", descriptor=descriptor, reason=error.strerror)
        ) from None
    return _checked(content.partition(b"\n")[0].removesuffix(b"\r"))


def _checked(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Failure(say("edit.passphrase_no_text")) from None
    if len(content) > _LONGEST_BYTES or "\0" in text:
        raise Failure(say("edit.passphrase_long", most=_LONGEST_BYTES))
    return text
