"""What the page of metrics says, read as Prometheus reads it."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

Scrape = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(client: httpx.Client) -> Scrape:
    """Every series of the page: its value by its name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    samples = (sample for family in text_string_to_metric_families(answer.text) for sample in family.samples)
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def value(page: Scrape, name: str, **labels: str) -> float:
    """0 for a series that is not there yet, as for one that has counted nothing."""
    return page.get((name, frozenset(labels.items())), 0.0)


def gauge(page: Scrape, name: str) -> float:
    """A series without labels, which has to be there."""
    return page[name, frozenset()]
