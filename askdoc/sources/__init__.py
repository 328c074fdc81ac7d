"""Which files are read, and what happened to them since."""
