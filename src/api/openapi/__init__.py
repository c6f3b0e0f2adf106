"""The OpenAPI document: what this instance, with its settings, takes and answers."""
