"""The authorities that have OAuth clients, behind one port. Knows no Pulumi.

The rooms above call the port (``port.py``), and ask what else an authority can do (``Audited``,
``KnowsUse`` and the like), never of which type it is. ``connected.py`` makes the authorities of a
stack; ``http/`` is for adapters over HTTP.

An authority with an API must keep the natural key and the marks of a client, and must find the
client by its key: else a lost answer or a lost state makes clients twice.

The room imports settings and all that is below them. One adapter imports no other, and nothing
imports an adapter: each is found by its entry point. A new adapter, here or in a package of its
own, is

- a folder with the adapter, whose methods are those of ``port.Authority``; a parameter that one
  does not use is ``# noqa: ARG002``. It writes by ``writes.replace_part``, which overwrites nothing
  that somebody else changed, after ``port.require_grantable`` (no scope is an operator's right) and
  ``port.require_not_reserved`` (no client is an operator's);
- in its ``__init__``, the ``AuthorityType``: its name, its settings, what it can do, and
  ``connect``, which imports the adapter only then;
- its settings model, a ``PlatformSettings`` (``HttpSettings`` over HTTP) with the keys that this
  type alone reads. The keys of ``PlatformSettings`` are every type's: ``issuer`` and
  ``operatorClientId`` must be set, and ``productsUrl`` where products are configured at no API of
  the authority itself;
- its entry point in the package's ``pyproject.toml``, under the name that ``acmidm:authority`` has
  for it::

    [project.entry-points."acmidm_onboarding.authorities"]
    keycloak = "acmidm_onboarding.authorities.keycloak:KEYCLOAK"
"""
