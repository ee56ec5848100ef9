"""The sandbox's post office: mails come in by SMTP on loopback and are kept for the organisation
that they are about. None leaves."""
