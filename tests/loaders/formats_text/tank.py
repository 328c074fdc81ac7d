"""Watches the water tank of the greenhouse."""

MAX_LEVEL = 950  # litres; above this the overflow valve opens by itself


def needs_water(level: float) -> bool:
    """Tell whether the tank must be filled: below 120 litres the pump would run dry."""
    return level < 120
