"""What changes, as people think of it: one model, and a renderer for each kind of reader.

::

    kinds, words ─► model ─► client ─► compare ─► plan, revision ─► review ─┐
                                          └─────► drift, status, promotion ─┴─► text, markdown, html; JSON is the model itself

``kinds`` is the one table of kinds of change. ``client`` makes a client's state from a form's connection, a resource or an
authority's answer; ``compare`` says what changes between two of them, whoever made them.
"""
