"""What was said: recorded transactions in files."""
