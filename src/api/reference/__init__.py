"""The OpenAPI document as one HTML page for people: no script, nothing from elsewhere."""
