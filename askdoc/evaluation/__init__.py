"""How right the answers are: datasets in the SQuAD format and the official scores."""
