"""What the portal remembers: tables, and per subject the functions that read and write them."""
