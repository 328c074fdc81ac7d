"""The bundled models: their files, their words, their sessions."""
