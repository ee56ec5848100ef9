"""What changes, as people think of it: one comparison of clients, and what reviews and drift make
of it.

::

    kinds ─► connection ─┬─► compare ─┬─► review, three_views ─► drift
    Client ──────────────┴─► plan ────┴─► revision, other_changes

It imports the engine and the edge, and no renderer. The next kind of change is an entry
in ``kinds.py``.
"""
