"""The faces: command line and service."""
