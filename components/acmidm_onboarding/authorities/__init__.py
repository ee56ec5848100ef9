"""The authorities that have OAuth clients, behind one port. Knows no Pulumi.

What is above asks the port (``port.py``), and what an authority can do beyond it (``Audited``, ``KnowsUse`` and the
like), never which one it is. ``connected.py`` makes the authorities of a stack; ``http/`` is for adapters over HTTP.

The room imports settings and all that is below them. One adapter imports no other, and nothing imports an adapter: it
is found by its entry point. A new one, here or in a package of its own, is

- a folder with the adapter, whose methods are those of ``port.Authority``. Before it writes, it calls
  ``differences.must_write`` (what somebody else changed is not overwritten), ``port.require_grantable`` (no scope is an
  operator's right) and ``port.require_not_reserved`` (no client is an operator's);
- in its ``__init__``, the ``AuthorityType``: its name, its settings, what it can do, and ``connect``, which imports the
  adapter only then;
- its settings model, a ``PlatformSettings`` (``HttpSettings`` over HTTP) with the keys that it alone reads. Every type
  has those of ``PlatformSettings``, of which ``issuer``, ``productsUrl`` and ``operatorClientId`` must be set;
- its entry point in the package's ``pyproject.toml``, under the name that ``acmidm:authority`` has for it::

    [project.entry-points."acmidm_onboarding.authorities"]
    keycloak = "acmidm_onboarding.authorities.keycloak:KEYCLOAK"
"""
