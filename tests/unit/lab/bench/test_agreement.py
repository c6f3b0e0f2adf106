from __future__ import annotations

import base64
from typing import Any

import numpy as np

from lab.bench.agreement import Difference, compare, repeated, requests_of_all_works
from lab.common.work import WORKS
from src.utils.png_writer import encode_png


def preview(level: int, side: int = 40) -> str:
    picture = np.full((side, side, 3), level, np.uint8)
    return "data:image/png;base64," + base64.b64encode(encode_png(picture)).decode()


def eye(healthy: float = 90.0, best: str = "Healthy", heatmap: str | None = None) -> dict[str, Any]:
    return {
        "average_scores": {"Healthy": healthy, "Stye": 100 - healthy},
        "best_prediction": best,
        "image_preview": preview(1),
        "grad_cam_preview": heatmap or preview(100),
    }


UNSEEN = {"best_prediction": "Not Detected"}


def upload(left: dict[str, Any]) -> dict[str, Any]:
    return {"left_eye": left, "right_eye": UNSEEN}


def test_the_same_answers_do_not_differ() -> None:
    predict = {"status_code": 200, "body": {"left_eye": eye(), "right_eye": eye(80)}}
    answers = [upload(eye()), predict]
    assert compare(answers, answers) == Difference(eyes=3, other_class=0, largest_score=0, largest_heatmap=0)


def test_the_largest_differences_are_found() -> None:
    difference = compare(
        [upload(eye(90)), upload(eye(80)), upload(eye())],
        [upload(eye(90.5)), upload(eye(77)), upload(eye(best="Stye", heatmap=preview(107)))],
    )
    assert difference == Difference(eyes=3, other_class=1, largest_score=3, largest_heatmap=7)
    # An eye that only one of them saw is of another class.
    assert compare([upload(eye())], [upload(UNSEEN)]).other_class == 1


def test_heatmaps_of_other_sizes_cannot_be_compared() -> None:
    for other in (preview(100, side=41), None):
        answer = upload({**eye(), "grad_cam_preview": other})
        assert compare([upload(eye())], [answer]).largest_heatmap is None


def test_requests_are_of_all_works_and_all_different_and_come_over_and_over() -> None:
    requests = requests_of_all_works(2)
    assert [path for path, _ in requests] == [work.path for work in WORKS] * 2
    assert len({body for _, body in requests}) == len(requests)
    assert repeated(requests, 14) == [*requests, *requests, *requests[:2]]
