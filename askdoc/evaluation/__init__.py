"""Measures how good retrieval and answers are, on questions with known answers."""
