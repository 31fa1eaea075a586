"""The demo keeps saying how far it is."""

from pathlib import Path

import pytest

from folkmoot.app.demo import demo


def test_progress_goes_forward_inside_every_world(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    demo(tmp_path, n=2_000, workers=1, progress=lambda what, share: told.append((what, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] <= 1.0
    for step, letter in enumerate("ABC"):
        inside = {share for what, share in told if what.startswith(f"world {letter}: ")}
        assert min(inside) == pytest.approx(0.1 + 0.3 * step)
        assert len(inside) > 5
