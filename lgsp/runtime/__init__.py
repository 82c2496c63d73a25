"""Who answers: connectors, the behaviours around them, and their host."""
