"""What changes, as people think of it: one comparison of clients, and what reviews and drift make
of it.

::

    kinds ─► connection ─┬─► compare ─┬─► review, three_views ─► drift
    Client ──────────────┴─► plan ────┴─► revisions

Three subjects:

- the comparison: ``kinds``, ``connection``, ``fields``, ``compare``, ``plan``, ``three_views``, and
  the reports that are made of it: ``review`` (``alike``, ``approved``, ``planned``) and ``drift``
  (``undeclared``)
- ``revisions``: what Git has of forms, of their stacks, and of files beside them
- what surrounds a form, and a reviewer should know of it: ``approvers``,
  ``codeowners``, ``contacts``, ``former_secrets``, ``mistakes``, ``retirement``, ``rights``,
  ``rotations``; and of a client, by its audit trail: ``trail``

``document`` is what every report comes to. The room imports the engine and the edge, and no
renderer. The next kind of change is an entry in ``kinds.py``.
"""
