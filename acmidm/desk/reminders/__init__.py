"""Reminders by mail: what is due, what was sent, the mails themselves, and what a monitoring system
wants to know."""
