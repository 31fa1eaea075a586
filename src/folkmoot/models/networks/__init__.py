"""The networks of neural members: torch modules, one file a family. Importing one needs torch."""
