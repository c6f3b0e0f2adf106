"""How much is tried."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The defaults are those of a full run, about 40 minutes on two cores.

    Attributes:
        pictures: mutated picture files, decoded in a process of their own.
        data_uris: mutated data URIs, likewise.
        bodies: mutated request bodies, parsed likewise.
        requests: mutated requests, sent to the real process.
        attack_s: seconds of good traffic beside each attack, and of the good traffic alone before them.
        attack_rate: good requests per second meanwhile.
        idle_connections: opened at once.
        large_body_mb: of the largest body.
        failover_requests: answered at least, while backends are killed and restarted.
        failover_rate: per second.
        failover_calm_s: seconds between the moment at which a backend is healthy again and the next fault.
        soak_s: seconds of mixed load.
        soak_rate: good requests per second.
        soak_warm_up_s: seconds before the figures count.
    """

    pictures: int = 6000
    data_uris: int = 750
    bodies: int = 750
    requests: int = 2500
    attack_s: float = 8.0
    attack_rate: float = 8.0
    idle_connections: int = 2000
    large_body_mb: int = 200
    failover_requests: int = 1000
    failover_rate: float = 10.0
    failover_calm_s: float = 10.0
    soak_s: float = 1800.0
    soak_rate: float = 12.0
    soak_warm_up_s: float = 180.0


FULL = Plan()
QUICK = Plan(
    pictures=400,
    data_uris=50,
    bodies=50,
    requests=150,
    attack_s=3.0,
    attack_rate=5.0,
    idle_connections=500,
    failover_requests=300,
    failover_calm_s=5.0,
    soak_s=60.0,
    soak_rate=8.0,
    soak_warm_up_s=15.0,
)
