"""The command explains what it lacks, and reports on the shipped model from pictures to page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import RgbImage
from src.utils.files import sha256_of
from src.utils.png_writer import encode_png
from training.evaluate import main


def run(*options: object) -> int:
    return main([str(option) for option in options])


def test_what_is_missing_or_wrong_stops_the_start(
    tmp_path: Path, drawn_eye: RgbImage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--data", tmp_path, "--out", tmp_path / "out") == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("cannot evaluate: no pictures in ")
    assert "Cataract or Conjunctivitis or Healthy or Stye" in complaint
    assert not (tmp_path / "out").exists()
    (tmp_path / "Stye").mkdir()
    (tmp_path / "Stye" / "1.png").write_bytes(encode_png(drawn_eye))
    assert run("--data", tmp_path, "--out", tmp_path / "out", "--model", tmp_path / "none.h5") == 2
    assert "none.h5" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("--data", "x", "--resamples", -1)
    assert "0 or more" in capsys.readouterr().err


def test_evaluates_the_service_as_it_is(
    tmp_path: Path,
    settings: Settings,
    drawn_eye: RgbImage,
    face: RgbImage,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, out, model = tmp_path / "data", tmp_path / "out", tmp_path / "model.h5"
    for name, content in {
        "Healthy/face.png": encode_png(face),
        "Stye/drawn.png": encode_png(drawn_eye),
        "Stye/blank.png": encode_png(np.zeros_like(drawn_eye)),
        "Stye/broken.jpg": b"not a picture",
        "Stye/moving.gif": b"GIF89a",
        "Styes/typo.png": encode_png(drawn_eye),
    }.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    model.write_bytes(settings.model_path.read_bytes())
    card = json.loads(settings.model_path.with_suffix(".json").read_text(encoding="utf-8"))
    card["training_data"]["picture_hashes"] = [sha256_of(data / "Stye" / "drawn.png")[:12]]
    statistics = card["familiarity"]["statistics"]
    (tmp_path / statistics).write_bytes(settings.model_path.with_name(statistics).read_bytes())
    model.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    # What the server would keep of its users' pictures, an evaluation does not.
    monkeypatch.setenv("SAVE_EYES", "true")
    monkeypatch.setenv("SAVED_EYES_DIR", str(tmp_path / "eyes"))

    assert run("--data", data, "--out", out, "--model", model, "--resamples", 20) == 0

    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["n"] == 3
    assert [case["file"] for case in report["cases"]] == [
        "Healthy/face.png (left eye)",
        "Healthy/face.png (right eye)",
        "Stye/drawn.png",
    ]
    assert {entry["file"] for entry in report["left_out"]} == {"Stye/blank.png", "Stye/broken.jpg"}
    assert report["trained_on"] == {"pictures": 1, "of": 2}
    assert report["per_class"]["Cataract"]["n"] == 0
    assert report["answered"]["n"] == sum(not case["reasons"] for case in report["cases"])
    assert report["model"]["sha256"] == sha256_of(settings.model_path)
    assert all(sum(case["probabilities"]) == pytest.approx(1, abs=1e-3) for case in report["cases"])
    assert any("Cataract, Conjunctivitis" in note for note in report["notes"])
    assert any("Styes" in note for note in report["notes"])
    assert any(note.endswith("passed over: 1.") for note in report["notes"])
    assert str(tmp_path) not in json.dumps(report)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "The model was trained on 1 of these 2 pictures" in page
    assert str(tmp_path) not in page
    printed = capsys.readouterr().out
    assert "figures on them are no evidence" in printed
    assert "Conjunctivitis" in printed
    assert not (tmp_path / "eyes").exists()
