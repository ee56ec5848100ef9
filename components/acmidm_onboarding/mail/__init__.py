"""Mails to organisations: ``compose`` makes one out of a template, ``send`` hands it to the stack's mail server.

It knows settings, texts and the model. Neither Pulumi nor an authority is needed to write to somebody.
"""

from acmidm_onboarding.mail.message import Mail, compose
from acmidm_onboarding.mail.sending import NotSent, Refusal, send

__all__ = ["Mail", "NotSent", "Refusal", "compose", "send"]
