"""A stack whose authority people change by hand, on the real engine."""
