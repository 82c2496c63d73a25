"""Who brings what was stored to its end."""
