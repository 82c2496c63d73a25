"""A service learned from recorded calls: its operations, how long they took, how often they failed."""
