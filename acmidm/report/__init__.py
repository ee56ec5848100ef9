"""What changes, as people think of it: one comparison, and a renderer for each kind of reader.

::

    kinds ──┬─► compare ─┬─► review, drift ─────────────┬─► text, markdown, html; JSON is the report itself
    client ─┴─► plan ────┴─► revision, status, promotion ┘

``kinds`` is the one table of kinds of change. ``client`` is a client as a form or an authority has it, ``plan`` as the engine has it;
``compare`` says what changes between two of them, whoever made them.
"""
