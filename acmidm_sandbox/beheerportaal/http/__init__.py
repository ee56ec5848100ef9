"""What happens to every request before an endpoint sees it."""
