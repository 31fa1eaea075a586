"""Words that a language model wrote, made harmless; numbers that code wrote, put in their place."""

import re
import unicodedata
from collections.abc import Mapping

from folkmoot.core.decision import Evidence

LONGEST = 240
WITHHELD = "(number withheld)"
STATE = "state"
"""The kind of a fact whose value is the code of a name, which stands as its unit."""

_TAG = re.compile(r"<[^<>]{0,2000}>|<\|[^|]{0,200}\|>")
_ADDRESS = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}:/{0,2}|www\.)\S+", re.IGNORECASE)
_SCRIPT = re.compile(r"\b(?:javascript|data|vbscript)\s*:", re.IGNORECASE)
_MARKS = re.compile(r"[`*_~#<>|\[\](){}\\]+")
_WORD = re.compile(r"\{?([A-Za-z][A-Za-z0-9_.:-]*[A-Za-z0-9])\}?")
_NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?(?:\s*%)?")


def plain(text: str, longest: int = LONGEST) -> str:
    """Return one line without control or invisible characters, tags, addresses or markup.

    >>> plain("<b>up</b>" + chr(10) + "see javascript:alert(1) **now**")
    'up see now'
    """
    text = unicodedata.normalize("NFKC", text[: 20 * longest])
    text = "".join(c if _visible(c) else " " for c in text if not _invisible(c))
    while (shorter := _TAG.sub(" ", text)) != text:
        text = shorter
    text = _SCRIPT.sub(" ", _ADDRESS.sub(" ", text))
    text = " ".join(_MARKS.sub(" ", text).split())
    return text if len(text) <= longest else text[: longest - 3].rstrip() + "..."


def worded(text: str, evidence: Mapping[str, Evidence], longest: int = LONGEST) -> str:
    """Return `text` with every cited id followed by its own value and any other number withheld.

    A language model may name a piece of evidence; what it measures is rendered here.
    """
    parts: list[str] = []
    end = 0
    for match in _WORD.finditer(text):
        if match.group(1) not in evidence:
            continue
        parts += [_quiet(text[end : match.start()]), rendered(evidence[match.group(1)])]
        end = match.end()
    parts.append(_quiet(text[end:]))
    joined = " ".join(part for part in parts if part)
    joined = re.sub(r" +([,.;:])", r"\1", joined)
    return joined if len(joined) <= longest else joined[: longest - 3].rstrip() + "..."


def rendered(fact: Evidence) -> str:
    """Return a piece of evidence as a person reads it, number and rank included."""
    if fact.kind == STATE:
        return f"{fact.id} {fact.unit}"
    known = fact.value == fact.value
    value = f"{fact.value:.4g}{_unit(fact.unit)}" if known else "unknown"
    rank = f", above {100.0 * fact.percentile:.0f} % of its past" if _ranked(fact) else ""
    return f"{fact.id} {value}{rank}"


def _unit(unit: str) -> str:
    return f" {unit}" if unit and unit != "1" else ""


def _ranked(fact: Evidence) -> bool:
    return fact.value == fact.value and fact.percentile == fact.percentile


def _quiet(text: str) -> str:
    return _NUMBER.sub(WITHHELD, plain(text))


def _visible(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Zl", "Zp")


def _invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Cf", "Cs", "Co", "Cn")
