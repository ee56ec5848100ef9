"""The whole way of one organisation, from form to production, in a scratch Git repository; ``docs/tour.md`` is made from it."""
