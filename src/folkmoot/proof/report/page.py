"""The page of one study: the head that every report shares, and its sections."""

from functools import cache
from importlib.resources import files
from typing import Any

from folkmoot.proof.report import sections
from folkmoot.proof.report.markup import Html, join, node
from folkmoot.proof.report.rules import ruling

# No script, no network, no form: what a hostile symbol might smuggle in has nowhere to run.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

PARTS = (
    ("rules", "How it was reached", ruling),
    ("tested", "What was tested", sections.tested),
    ("leaderboard", "Leaderboard", sections.board),
    ("skill", "Skill over the best reference", sections.skill),
    ("money", "Money", sections.money),
    ("calibration", "Calibration", sections.calibration),
    ("regimes", "In each state of the market", sections.regimes),
    ("costs", "Costs", sections.costs),
    ("power", "Power", sections.power),
    ("controls", "Controls", sections.controls),
    ("quality", "Data", sections.quality),
    ("provenance", "Provenance", sections.provenance),
    ("limits", "What this does not show", sections.limits),
)


def render(study: dict[str, Any]) -> str:
    """Return the study as one HTML file that needs no network, script or other file.

    `study` is the JSON of `folkmoot prove`, with `charts`, `notes`, `dropped` and `provenance` if
    there are any; a part that is absent is said to be "not run".
    """
    title = f"{study.get('symbol') or 'a series'}, {study.get('timeframe') or 'unknown timeframe'}"
    return document(
        title,
        node("header", node("p", "folkmoot", class_="brand"), node("h1", title)),
        study_parts(study, "study", "h2"),
    )


def study_parts(study: dict[str, Any], anchor: str, heading: str) -> Html:
    """Return the verdict and all sections; their ids start with `anchor`."""
    titles = [(f"{anchor}-{name}", title) for name, title, _ in PARTS]
    links = [node("a", title, href=f"#{target}") for target, title in titles]
    return join(
        sections.verdict(study),
        node("nav", *links, aria_label="sections"),
        *(
            node("section", node(heading, title), part(study), id=f"{anchor}-{name}")
            for name, title, part in PARTS
        ),
    )


def document(title: str, *body: object) -> str:
    """Return a complete HTML file around the body."""
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", http_equiv="Content-Security-Policy", content=POLICY),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("meta", name="color-scheme", content="light dark"),
        node("title", f"{title} \N{MIDDLE DOT} folkmoot"),
        node("style", _style()),
    )
    return f"<!doctype html>\n{node('html', head, node('body', node('main', *body)), lang='en')}\n"


@cache
def _style() -> Html:
    return Html(files(__package__).joinpath("style.css").read_text(encoding="utf-8"))
