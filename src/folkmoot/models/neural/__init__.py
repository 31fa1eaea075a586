"""What all neural members share, importable without torch: plan, inputs, targets, the member."""
