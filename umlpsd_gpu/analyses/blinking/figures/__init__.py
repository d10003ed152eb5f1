"""The figures of a blinking study."""
