"""The real command line, a backend of files, a real portal."""
