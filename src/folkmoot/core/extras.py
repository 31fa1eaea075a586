"""How to get a package that is not there."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
"""The root of the checkout, if this is one."""


def get_extra(name: str, root: Path = ROOT) -> str:
    """Return the command that installs an extra: with the tested versions in a checkout.

    >>> get_extra("neural", Path("/nowhere"))
    "pip install 'folkmoot[neural]'"
    """
    if (root / "pyproject.toml").is_file() and (root / "constraints.txt").is_file():
        return f".venv/bin/python -m pip install -c constraints.txt -e '.[{name}]'"
    return f"pip install 'folkmoot[{name}]'"
