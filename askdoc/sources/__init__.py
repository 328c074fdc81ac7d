"""Which files are read, and what changed in them since."""
