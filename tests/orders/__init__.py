"""What orders say to people, and how what they confirm is written."""
