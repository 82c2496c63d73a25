"""What exists: services and consumers, from YAML."""
