"""Requests of one name spread over serving groups: a route of the Gateway API, Istio's, or Seldon Core's own."""
