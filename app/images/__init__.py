"""The open images as a list."""
