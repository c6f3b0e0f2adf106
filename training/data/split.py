"""Which pictures are tested together: the folds of a cross-validation without leaks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.data.pictures import LabelledPicture

_LARGEST_WHOLE_SHARE = 0.5

METHOD = (
    "An origin is tested as a whole, by a model that never saw it, unless a class would lose more than half of its "
    "pictures with it. Such an origin is cut, class by class, into as many ranges of consecutive original numbers as "
    "there are folds, because neighbouring numbers often show the same person; a cut never falls inside a duplicate "
    "group, and near its place it takes the widest gap in the numbers. Augmented and painted copies stay in the fold "
    "of their picture and never count as pictures."
)


def assign_folds(pictures: Sequence[LabelledPicture], fold_count: int) -> npt.NDArray[np.int64]:
    """The fold (0 to `fold_count` - 1) in which each picture is tested; see `METHOD`.

    Raises:
        ValueError: fewer than two folds.
    """
    if fold_count < 2:
        raise ValueError("a cross-validation needs two folds or more")
    folds = np.full(len(pictures), -1, dtype=np.int64)
    whole = whole_origins(pictures)
    _place_whole_origins(pictures, whole, folds, fold_count)
    # The other origins are cut class by class, by number.
    cut: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for index, picture in enumerate(pictures):
        if picture.origin not in whole:
            cut[picture.origin, picture.label].append(index)
    for members in cut.values():
        _cut_into_ranges(pictures, sorted(members, key=lambda index: pictures[index].number), folds, fold_count)
    # A group that was cut in two moves into the fold of its first picture.
    first: dict[str, int] = {}
    for index, picture in enumerate(pictures):
        folds[index] = folds[first.setdefault(picture.group, index)]
    return folds


def describe_folds(
    pictures: Sequence[LabelledPicture], folds: npt.NDArray[np.int64], classes: Sequence[str]
) -> list[dict[str, dict[str, int]]]:
    """Per fold the tested pictures: class -> origin -> count."""
    described: list[dict[str, dict[str, int]]] = []
    for fold in np.unique(folds):
        tested = [picture for picture, number in zip(pictures, folds, strict=True) if number == fold]
        described.append(
            {
                name: dict(sorted(Counter(picture.origin for picture in tested if picture.label == label).items()))
                for label, name in enumerate(classes)
            }
        )
    return described


def whole_origins(pictures: Sequence[LabelledPicture]) -> list[str]:
    """The origins that are small enough to be tested as a whole, the largest first."""
    per_class = Counter(picture.label for picture in pictures)
    per_origin = Counter((picture.origin, picture.label) for picture in pictures)
    too_large = {
        origin for (origin, label), count in per_origin.items() if count > _LARGEST_WHOLE_SHARE * per_class[label]
    }
    sizes = Counter(picture.origin for picture in pictures)
    by_size = sorted(sizes, key=lambda origin: (-sizes[origin], origin))
    return [origin for origin in by_size if origin not in too_large]


def _place_whole_origins(
    pictures: Sequence[LabelledPicture], whole: Sequence[str], folds: npt.NDArray[np.int64], fold_count: int
) -> None:
    """Each origin goes to the fold that has lost the smallest share of its classes so far."""
    per_class = Counter(picture.label for picture in pictures)
    load = np.zeros(fold_count)
    for origin in whole:
        members = [index for index, picture in enumerate(pictures) if picture.origin == origin]
        fold = int(np.argmin(load))
        folds[members] = fold
        load[fold] += sum(1 / per_class[pictures[index].label] for index in members)


def _cut_into_ranges(
    pictures: Sequence[LabelledPicture], members: Sequence[int], folds: npt.NDArray[np.int64], fold_count: int
) -> None:
    numbers = np.array([pictures[index].number for index in members])
    gaps = np.diff(numbers)
    slack = max(1, len(members) // (6 * fold_count))
    start = 0
    for fold in range(fold_count):
        end = len(members)
        if fold < fold_count - 1:
            ideal = round(len(members) * (fold + 1) / fold_count)
            low, high = max(start, ideal - slack), min(len(gaps), ideal + slack)
            # gaps[i] lies in front of member i + 1.
            end = low + int(np.argmax(gaps[low:high])) + 1 if low < high else ideal
        folds[list(members[start:end])] = fold
        start = end
