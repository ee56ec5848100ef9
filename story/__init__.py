"""The stories of ``docs/tour.md``, and what tells them from that page."""
