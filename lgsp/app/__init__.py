"""The composition root: the only place where concrete classes meet. One module a process, and what they share."""
