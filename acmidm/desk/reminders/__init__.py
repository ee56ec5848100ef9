"""Reminders by mail: what is due, what was sent, and the mails themselves."""
