"""A model file is refused whole or loaded whole; versions are kept, promoted and rolled back."""

import hashlib
import io
import json
import resource
import struct
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save
from tests.models.conftest import make

from folkmoot import models
from folkmoot.core.errors import DataError, FolkmootError, Untrained, UsageError
from folkmoot.training import container
from folkmoot.training.artefacts import Shelf, load_model, save_model

GOOD = {"validation": {"passed": True}}


def fitted() -> Any:
    market = make(1200)
    return models.build("ar1").fit(market.x(2), market.labels(2, 1), np.ones(1199))


@pytest.fixture(scope="module")
def member() -> Any:
    return fitted()


@pytest.fixture
def file(member: Any, tmp_path: Path) -> Path:
    place = tmp_path / "ar1.pt"
    save_model(place, "ar1", member, GOOD)
    return place


def tensors(header: dict[str, Any], body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def ours(arrays: dict[str, Any], **facts: Any) -> bytes:
    return container.pack(arrays, {"model": "ar1", "state": {}, "card": GOOD, **facts})


def state(member: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    arrays, facts = member.state()
    return dict(arrays), facts


META = {"format": container.FORMAT, "seal": "0" * 64}
F64 = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}


def bomb(name: str, size: int = 50_000_000) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(size))
    return held.getvalue()


def nan_weights(member: Any) -> bytes:
    arrays, facts = state(member)
    arrays["beta"] = np.full_like(arrays[next(iter(arrays))], np.nan)
    return ours(arrays, state=facts)


def wrong_shapes(member: Any) -> bytes:
    arrays, facts = state(member)
    return ours({name: array[..., :1] for name, array in arrays.items()}, state=facts)


def wrong_count(member: Any) -> bytes:
    arrays, facts = state(member)
    return ours(arrays, state={**facts, "options": {**facts["options"], "horizons": [1, 5]}})


HOSTILE: dict[str, Callable[[Any], bytes]] = {
    "a pickle": lambda _: b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94.",
    "a torch archive": lambda _: bomb("archive/data.pkl", 10_000),
    "a header of 2^63 bytes": lambda _: struct.pack("<Q", 2**63) + b"{}",
    "a header of 19 MB": lambda _: tensors({"x" * 19_000_000: F64}),
    "an overflow": lambda _: tensors(
        {
            "__metadata__": META,
            "a": {"dtype": "F64", "shape": [2**62, 8], "data_offsets": [0, 16]},
        },
        bytes(16),
    ),
    "an overlap": lambda _: tensors(
        {
            "__metadata__": META,
            "a": F64,
            "b": {"dtype": "F64", "shape": [2], "data_offsets": [8, 24]},
        },
        bytes(24),
    ),
    "a truncation": lambda member: ours(*state(member)[:1])[:-5],
    "a zip bomb": lambda _: bomb("weights"),
    "an npz bomb": lambda _: bomb("weights.npy"),
    "weights that are no numbers": nan_weights,
    "wrong shapes": wrong_shapes,
    "a wrong count of classes": wrong_count,
    "a future version": lambda _: save(
        {"facts": np.zeros(2, dtype=np.uint8)}, {"format": "folkmoot model 9", "seal": "0" * 64}
    ),
    "a text that calls itself a CatBoost model": lambda _: b"CBM1 but only text",
    "an empty file": lambda _: b"",
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_hostile_file_is_refused_quickly_by_name(
    what: str, suffix: str, member: Any, tmp_path: Path
) -> None:
    place = tmp_path / f"model{suffix}"
    place.write_bytes(HOSTILE[what](member))
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(DataError) as caught:
        load_model(place)
    assert time.perf_counter() - began < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    assert str(place) in str(caught.value) or caught.value.where


def test_any_name_serves_and_no_pickle_is_ever_found(file: Path, monkeypatch: Any) -> None:
    def tripwire(*_: Any) -> None:
        raise AssertionError("something unpickled")

    monkeypatch.setattr("pickle.load", tripwire)
    monkeypatch.setattr("pickle.loads", tripwire)
    assert load_model(file).id == "ar1"


def test_every_one_of_200_flipped_bytes_is_noticed(file: Path) -> None:
    good = file.read_bytes()
    for place in np.linspace(0, len(good) - 1, 200).astype(int):
        file.write_bytes(good[:place] + bytes([good[place] ^ 0x41]) + good[place + 1 :])
        with pytest.raises(DataError):
            load_model(file)
    file.write_bytes(good)
    assert load_model(file).validated


def test_a_model_without_a_passed_validation_is_not_served(member: Any, tmp_path: Path) -> None:
    for card in ({}, {"validation": {"passed": False}}):
        save_model(tmp_path / "m.safetensors", "ar1", member, card)
        with pytest.raises(Untrained, match="validation"):
            load_model(tmp_path / "m.safetensors")
        assert load_model(tmp_path / "m.safetensors", served=False).id == "ar1"


def test_what_comes_out_forecasts_as_what_went_in(member: Any, file: Path) -> None:
    x = make(1200, seed=2).x(2)
    again = load_model(file).member.predict(x)
    np.testing.assert_array_equal(again.p_up, member.predict(x).p_up)
    assert json.loads(file.with_suffix(".json").read_text()) == GOOD


def test_the_hash_that_is_returned_is_the_file_s_own(member: Any, tmp_path: Path) -> None:
    place = tmp_path / "m.safetensors"
    told = save_model(place, "ar1", member, GOOD)
    assert told == hashlib.sha256(place.read_bytes()).hexdigest() == container.fingerprint(place)


def test_versions_are_kept_promoted_and_rolled_back(member: Any, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    with pytest.raises(Untrained):
        shelf.load("btc")
    assert [shelf.add("btc", "ar1", member, GOOD) for _ in range(3)] == [1, 2, 3]
    assert shelf.current("btc") is None
    shelf.promote("btc", 1)
    shelf.promote("btc", 3)
    assert shelf.load("btc").card["version"] == 3
    assert shelf.roll_back("btc") == 1
    assert (shelf.current("btc"), shelf.names(), shelf.versions("btc")) == (1, ["btc"], [1, 2, 3])
    with pytest.raises(UsageError, match="earlier"):
        shelf.roll_back("btc")


def test_a_damaged_version_cannot_be_promoted_and_the_old_one_stays(
    member: Any, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path)
    shelf.add("btc", "ar1", member, GOOD)
    shelf.promote("btc", 1)
    shelf.add("btc", "ar1", member, GOOD)
    shelf.path("btc", 2).write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(DataError, match="pickle"):
        shelf.promote("btc", 2)
    assert shelf.load("btc").card["version"] == 1


NAMES = ("../../x", "/etc/x", "..%2f", "a\0b", "a\\b", "con", "x" * 300, "\u2024\u2024/x", "", "A")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_elsewhere_is_refused(name: str, member: Any, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    with pytest.raises(UsageError):
        shelf.add(name, "ar1", member, GOOD)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_out_of_the_shelf_is_not_followed(member: Any, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "btc").symlink_to(tmp_path / "outside")
    with pytest.raises(FolkmootError):
        Shelf(tmp_path / "shelf").add("btc", "ar1", member, GOOD)
    assert list((tmp_path / "outside").iterdir()) == []
