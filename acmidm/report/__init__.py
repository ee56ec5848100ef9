"""What changes, as people think of it: one comparison, and a renderer for each kind of reader.

::

    kinds ──┬─► compare ─┬─► review, drift ─────────────┬─► text, markdown, html; JSON is the report itself
    Client ─┴─► plan ────┴─► revision, status, promotion ┘

``kinds`` is the one table of kinds of change, ``Client`` (in the component) the one shape of a client, ``plan`` what
the engine is about to do with clients; ``compare`` says what changes between two of them, whoever made them.
"""
