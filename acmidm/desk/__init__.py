"""What the service desk and organisations ask: lists, the board of the guide's steps, the history,
reminders by mail.

``facts`` reads, ``progress`` decides without reading anything. ``status`` is the row of a
connection, ``filters`` which rows somebody wants to see, ``views`` the report of them: list, board
and list of an API's owner. It imports reports and the engine, and no other room beside it. The next
column of a view is an entry of ``views``, and for programs, who read the rows themselves, a field
of ``status``; the next view, a ``Layout`` there.
"""
