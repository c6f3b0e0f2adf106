"""HTTP: parse a request, call a service, render its report."""
