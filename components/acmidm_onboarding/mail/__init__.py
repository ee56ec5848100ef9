"""Mails to organisations: ``compose`` makes one out of a template, ``send`` hands it to the stack's
mail server.

This room is in the module because the resource ``HandOver`` mails during a run; reminders of the
desk use it too. It imports settings, texts and values; neither Pulumi nor an authority. The next
mail is a template and its texts.
"""

from acmidm_onboarding.mail.message import Mail, compose
from acmidm_onboarding.mail.sending import NotSent, RecipientRefusal, send

__all__ = ["Mail", "NotSent", "RecipientRefusal", "compose", "send"]
