"""Sources of bars, one file each; see `folkmoot.core.protocols.Source`."""
