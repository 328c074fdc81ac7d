"""Tables, JSON and notebooks."""
