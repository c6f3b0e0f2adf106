"""GET /health: may load balancers send work here? GET /live: has the process to be replaced?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from robyn import Request

from src import __version__
from src.api.admission import Phase
from src.api.answers import HttpAnswer, plain_envelope
from src.api.context import ApiContext
from src.api.endpoint import Handler
from src.api.schemas import HealthAnswer, HealthModelAnswer, LiveAnswer, State
from src.core.stage_times import StageTimes
from src.core.wording import NOTICE

_STATES = {Phase.STARTING: State.STARTING, Phase.READY: State.HEALTHY, Phase.DRAINING: State.DRAINING}


def health_handler(context: ApiContext) -> Handler:
    async def health(_request: Request, _times: StageTimes) -> HttpAnswer:
        state = _STATES[context.admission.lifecycle.phase]
        if context.lost.is_set() or (state is State.HEALTHY and context.problems()):
            state = State.FAILING
        status: Literal[200, 503] = 200 if state is State.HEALTHY else 503
        answer = HealthAnswer(
            status=status,
            message=state,
            version=__version__,
            requests_in_flight=context.admission.lifecycle.in_flight,
            model=None if context.model is None else HealthModelAnswer(**asdict(context.model)),
            notice=NOTICE,
        )
        return plain_envelope(status, answer)

    return health


def live_handler(context: ApiContext) -> Handler:
    async def live(_request: Request, _times: StageTimes) -> HttpAnswer:
        if context.lost.is_set():
            return plain_envelope(503, LiveAnswer(status=503, message="Failing"))
        return plain_envelope(200, LiveAnswer(status=200, message="Alive"))

    return live
