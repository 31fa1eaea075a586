"""Running code that nobody here wrote: so far, what the machine offers for it."""

from folkmoot.sandbox.level import level as level
