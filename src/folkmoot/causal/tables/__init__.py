"""What the operators of each family are; their steps are in the kernel of the same name."""
