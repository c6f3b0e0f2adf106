"""GET /health: may load balancers send work here? GET /live: does the process answer at all?"""

from __future__ import annotations

from typing import Literal

from robyn import Request

from src import __version__
from src.api.admission import State
from src.api.answers import HealthAnswer, HealthModelAnswer, LiveAnswer
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.envelope import Answer, plain_envelope
from src.core.stage_times import StageTimes
from src.core.types import ModelInfo
from src.core.wording import NOTICE


def health_handler(context: ApiContext) -> Handler:
    async def health(_request: Request, _times: StageTimes) -> Answer:
        state = context.lifecycle.state
        status: Literal[200, 503] = 200 if state is State.READY else 503
        answer = HealthAnswer(
            status=status,
            message=state,
            version=__version__,
            requests_in_flight=context.lifecycle.in_flight,
            model=_model(context.model),
            notice=NOTICE,
        )
        return plain_envelope(status, answer)

    return health


def live_handler() -> Handler:
    async def live(_request: Request, _times: StageTimes) -> Answer:
        return plain_envelope(200, LiveAnswer(status=200, message="Alive"))

    return live


def _model(model: ModelInfo | None) -> HealthModelAnswer | None:
    if model is None:
        return None
    return HealthModelAnswer(
        name=model.name,
        sha256=model.sha256,
        classes=list(model.classes),
        grad_cam_layer=model.grad_cam_layer,
        device=model.device,
        tensorflow=model.tensorflow,
        calibrated=model.calibrated,
        precision=model.precision,
    )
