"""Who watches."""
