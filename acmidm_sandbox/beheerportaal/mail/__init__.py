"""The sandbox's post office: mails come in by SMTP on loopback and are kept as files, to be read by
the organisation that they are about. None leaves."""
