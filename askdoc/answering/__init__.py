"""From hits and readings to answers with a confidence."""
