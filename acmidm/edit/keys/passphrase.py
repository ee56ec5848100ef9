"""A passphrase: from a terminal, which does not show it, or from a file descriptor."""

from __future__ import annotations

import os
import sys
from getpass import getpass

from acmidm.private_key import SHORTEST_PASSPHRASE
from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.problems import Failure

_LONGEST_BYTES = 1023
"""OpenSSL takes no longer one."""


def new_passphrase(descriptor: int | None, language: Language) -> bytes:
    """Return a passphrase for a new private key: the first line of the file descriptor, or typed
    twice where that is None. ``language`` is that of the prompts. Raises Failure where it is too
    short, the two differ, or it cannot be read."""
    if descriptor is not None:
        given = _first_line(descriptor)
    else:
        given = _typed(language.tr("Passphrase of the new private key:"))
        if _typed(language.tr("The same again:")) != given:
            raise Failure(
                tr("the two passphrases differ, and no key was made; run the command again")
            )
    if len(given) < SHORTEST_PASSPHRASE:
        raise Failure(
            tr(
                "the passphrase has less than {shortest} characters, and no key was made; choose a"
                " longer one",
                shortest=SHORTEST_PASSPHRASE,
            )
        )
    return given.encode()


def known_passphrase(descriptor: int | None, language: Language) -> bytes:
    """Return the passphrase of an existing file: the first line of the file descriptor, or typed
    once where that is None. ``language`` is that of the prompt. Raises Failure where it cannot be
    read."""
    if descriptor is not None:
        return _first_line(descriptor).encode()
    return _typed(language.tr("Passphrase of the file:")).encode()


def _typed(prompt: str) -> str:
    """Return what somebody types at the terminal, which does not show it. Raises Failure where
    there is no terminal, or ``_checked`` refuses it."""
    if not sys.stdin.isatty():
        raise Failure(
            tr(
                "there is no terminal to type a passphrase at; give it with --passphrase-fd N, a"
                " file descriptor"
            )
        )
    given = getpass(f"{prompt} ")
    return _checked(given.encode())


def _first_line(descriptor: int) -> str:
    """Return the first line of a file descriptor, reading no more of it than the longest passphrase
    needs. Raises Failure where it cannot be read, or ``_checked`` refuses it."""
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
            tr(
                "file descriptor {descriptor} cannot be read: {reason}; open it, as with 3< FILE",
                descriptor=descriptor,
                reason=error.strerror,
            )
        ) from None
    return _checked(content.partition(b"\n")[0].removesuffix(b"\r"))


def _checked(content: bytes) -> str:
    """Return a passphrase as text. Raises Failure where it is not UTF-8, is too long or has a byte
    that is 0."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Failure(tr("the passphrase is no UTF-8 text; give it as one line of text")) from None
    if len(content) > _LONGEST_BYTES or "\0" in text:
        raise Failure(
            tr(
                "the passphrase has more than {most} bytes, or one that is 0; choose another",
                most=_LONGEST_BYTES,
            )
        )
    return text
