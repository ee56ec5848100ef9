"""What reports say: the model of changes, its renderers, and the commands on a real engine and
portal."""
