"""A file's name counts as somebody's word only where it can be read in one way."""

from __future__ import annotations

import pytest

from src.cli.screening.named_side import side_in_name
from src.core.types import EyeSide

RIGHT = (
    *("patient001_OD.jpg", "OD.png", "od_0012.jpg", "Müller OD 3.jpg", "OD12.jpg", "patient001OD.jpg", "001od.png"),
    *("scan-RE-04.jpg", "re.jpg", "IMG-12-right.png", "RIGHT.BMP", "right eye.jpg", "rightEye.jpg", "imgRight2.jpg"),
    *("righteye_7.png", "12right.jpg", "IMG_0012_R.jpg", "R.jpg", "r-0012.png", "patient R (2).jpg", "07.R.jpg"),
    *("right eye/07.jpg", "OD/07.jpg", "clinic/R/07.jpg", "OD/day 2/07.jpg", "Right/patient_R2.jpg"),
    *("OS/patient_OD.jpg", "left/right/07.jpg", "OU/07_OD.jpg", "OD", "patient\udcff_OD.jpg", "OD_OD.right.jpg"),
)
LEFT = (
    *("patient001_OS.jpg", "os.webp", "OS-1.jpg", "12OS.jpg", "a (OS).jpg", "patient [left].jpg", "Left+flash.jpg"),
    *("LE_1.jpg", "le 4.jpg", "IMG-12-left.png", "leftEye.jpg", "IMG_LEFT.jpg", "LeftEye01.jpg", "lefteye.jpg"),
    *("IMG_L.jpg", "L.jpg", "L (2).jpg", "l_0012.png", "OS/07.jpg", "left eyes/IMG_0001.jpg", "l/07.jpg"),
    *("right/OS_07.jpg", "OS/R2D2.jpg", "a.b/left/no_suffix", "OS/leftover.jpg", "L/bright.jpg", "cafe\u0301_OS.jpg"),
)
NEITHER = (
    *("IMG_0012.jpg", "Lr.jpg", "leftover.jpg", "LeftOver.jpg", "LEFTOVER.jpg", "bright.jpg", "Oslo.jpg", "OSLO.jpg"),
    *("R2D2.jpg", "R2.jpg", "12L.jpg", "RL.jpg", "macOS.jpg", "iOS 17.jpg", "LeBron.jpg", "ReScan.jpg", "record.jpg"),
    *("copyright.jpg", "CopyRight.jpg", "upright.jpg", "frightened.jpg", "cleft.jpg", "model.jpg", "Osram/1.jpg"),
    *("patient_R_01.jpg", "a L b.jpg", "l'oeil.jpg", "L\u2019oeil.jpg", "le\u0301a.jpg", "7OS3k.jpg", "OD3kf9.jpg"),
    *("left_right.jpg", "OD_OS.jpg", "OD-left.jpg", "R_L.jpg", "L to R.jpg", "OU.jpg", "OU_OD.jpg", "left2right.jpg"),
    *("OD/left_right.jpg", "OS/OU_3.jpg", "OD/left and right/3.jpg", "patient.OS", "x.left", "", "_.jpg"),
)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        *((name, EyeSide.RIGHT) for name in RIGHT),
        *((name, EyeSide.LEFT) for name in LEFT),
        *((name, None) for name in NEITHER),
    ],
)
def test_a_name_says_a_side_in_whole_words_and_only_one(name: str, side: EyeSide | None) -> None:
    assert side_in_name(name) is side
