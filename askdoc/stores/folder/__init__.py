"""The index in a folder: FAISS for vectors, tantivy for words."""
