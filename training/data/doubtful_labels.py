"""Pictures that do not show what their publishers say: nothing is learnt from them, but they are tested on as labelled.

Found by looking at all close-ups of the two origins, not by a physician: a clear dark pupil in a "cataract", a white
eye in a "conjunctivitis". Leaving them out of the tests as well would make the figures better than they are.
"""

from __future__ import annotations

from training.data.pictures import LabelledPicture

_NO_CATARACT = (
    "g00396",
    "g00410",
    "g00411",
    "g00416",
    "g00434",
    "g00531",
    "g00534",
    "g00549",
    "g00604",
    "g00616",
    "g00618",
)
_NO_CONJUNCTIVITIS = ("g00030", "g00031", "g00094", "g00095", "g00104", "g00108")

DOUBTFUL_GROUPS = frozenset(
    [
        *(("Cataract", f"alokgupta1996/{group}") for group in _NO_CATARACT),
        *(("Conjunctivitis", f"mustafa1100/{group}") for group in _NO_CONJUNCTIVITIS),
    ]
)
"""Pairs of class and duplicate group."""


def is_doubtful(picture: LabelledPicture) -> bool:
    """Whether the picture's label is not to be learnt from; its folder's name is its class."""
    return (picture.file.parent.name, picture.group) in DOUBTFUL_GROUPS
