"""The page under `/docs`, made of the OpenAPI document alone: no script, nothing from elsewhere."""

import json
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f4;padding:.7rem;overflow:auto}code{font-size:.9em}"
    "table{border-collapse:collapse}td{padding:.1rem .8rem .1rem 0;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}pre{background:#222}}"
)


def page(document: dict[str, Any]) -> str:
    """Return the HTML of an OpenAPI document: every route, its body and every status."""
    title = escape(document["info"]["title"])
    routes = [
        _route(method, path, facts)
        for path, methods in document["paths"].items()
        for method, facts in methods.items()
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{title} {escape(document['info']['version'])}</h1>"
        f"<p>{escape(document['info'].get('description', ''))} "
        f'The same for machines: <a href="/openapi.json">openapi.json</a>.</p>'
        f"{''.join(routes)}</body></html>"
    )


def _route(method: str, path: str, facts: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(code)}</code></td><td>{escape(one['description'])}</td></tr>"
        for code, one in facts["responses"].items()
    )
    return (
        f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
        f"<p>{escape(facts.get('description', ''))}</p>{_body(facts)}<table>{rows}</table>"
    )


def _body(facts: dict[str, Any]) -> str:
    if "requestBody" not in facts:
        return ""
    schema = facts["requestBody"]["content"]["application/json"]["schema"]
    return f"<pre>{escape(json.dumps(schema, indent=1))}</pre>"
