"""The 28 stand-ins, one module a service."""
