"""Where people and systems touch it."""
