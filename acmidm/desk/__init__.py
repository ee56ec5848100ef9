"""What the service desk and organisations ask: lists, the board of the guide's steps, the history,
reminders by mail.

``facts`` reads, ``progress`` decides without reading anything, ``status`` (the list), ``steps``
(the board) and ``history`` are the reports, ``filters`` what somebody wants to see of them. It
imports reports and the engine, and no other room beside it. The next list is a file here, with its
lines in ``render``.
"""
