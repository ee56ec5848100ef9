"""What the service desk and organisations ask: lists, the board of the guide's steps, the history,
reminders by mail.

``facts`` reads, ``progress`` decides without reading anything, ``status``, ``steps`` and
``history`` are the reports. It imports reports and the engine, and no other room beside it. The
next list is a file here, with its lines in ``render``.
"""
