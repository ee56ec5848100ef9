"""Stories that are really run: an onboarding, a connection's life, an application. Each has a repository and authorities of its own.

``docs/tour.md`` is made from the first two.
"""
