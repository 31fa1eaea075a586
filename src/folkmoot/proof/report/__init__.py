"""The report: one HTML file that needs no network, no script and no other file."""

from folkmoot.proof.report.demo import render_demo as render_demo
from folkmoot.proof.report.page import render as render
