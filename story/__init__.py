"""Two stories that are really run, in a scratch Git repository with authorities of its own: an onboarding, and an application.

``docs/tour.md`` is made from the first.
"""
