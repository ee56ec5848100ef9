"""Reports as people read them: text on a terminal, Markdown in a comment, a page of HTML. JSON is
the report itself.

``output`` writes any report in the wanted way. No renderer imports another, or a report by name:
each renders the document that a report comes to. It imports no command. The next look of a report
is a function in ``text``, ``markdown`` or ``html``.
"""
