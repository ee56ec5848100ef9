"""What the project costs, divided by what it cannot do without: ``make bench``,
docs/performance.md."""
