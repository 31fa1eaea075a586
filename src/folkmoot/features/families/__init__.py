"""The families of columns that the set `full` is made of, one file each."""
