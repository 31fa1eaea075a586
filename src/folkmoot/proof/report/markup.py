"""Markup that cannot be injected: text is escaped unless it was built here."""

from html import escape


class Html(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


def node(name: str, /, *children: object, **attributes: object) -> Html:
    """Return the element `name`; children that are not `Html` are escaped, None is left out.

    A trailing underscore in an attribute's name is dropped and others become hyphens, so that
    `class_` and `text_anchor` can be written; True gives a bare attribute, None or False none.

    >>> node("p", "1 < 2", class_="note")
    '<p class="note">1 &lt; 2</p>'
    """
    opening = f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    if name in ("meta", "br"):
        return Html(opening)
    return Html(f"{opening}{join(*children)}</{name}>")


def join(*children: object) -> Html:
    """Return the children one after the other, escaped where they are not `Html`."""
    return Html("".join(_text(child) for child in children if child is not None))


def _text(child: object) -> str:
    return child if isinstance(child, Html) else escape(str(child), quote=True)


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value), quote=True)}"'
