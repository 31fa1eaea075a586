"""Opinions beside the models: a rule judge, and language models behind a strict protocol."""
