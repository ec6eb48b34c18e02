"""A Grafana dashboard of what serves, as a ConfigMap that Grafana's sidecar finds. Pure.

Our own server counts under OVMS's metric names, so that one dashboard shows both side by side. Times are histograms in
microseconds, request counters carry `interface` and `method` (https://docs.openvino.ai/latest/ovms_docs_metrics.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from components.kubernetes.objects import Manifest

UID: Final = "inferstack-serving"
CHOSEN: Final = 'namespace=~"$namespace",name=~"$model"'
PODS: Final = 'namespace=~"$namespace",container!=""'

# title, unit, and the queries by their legends; two panels a row.
_PANELS: Final[tuple[tuple[str, str, Mapping[str, str]], ...]] = (
    ("Requests", "reqps", {
        f"{{{{name}}}} {{{{interface}}}} {word}": "sum by (name, interface) "
        f"(rate({metric}{{{CHOSEN}}}[$__rate_interval]))"
        for word, metric in (("ok", "ovms_requests_success"), ("failed", "ovms_requests_fail"))
    }),
    ("Failed requests", "percentunit", {
        "{{name}}": f"sum by (name) (rate(ovms_requests_fail{{{CHOSEN}}}[$__rate_interval])) / "
        f"(sum by (name) (rate(ovms_requests_success{{{CHOSEN}}}[$__rate_interval])) + "
        f"sum by (name) (rate(ovms_requests_fail{{{CHOSEN}}}[$__rate_interval])))",
    }),
    ("Time of a request", "µs", {
        f"{{{{name}}}} p{round(100 * share)}": f"histogram_quantile({share}, sum by (le, name) "
        f"(rate(ovms_request_time_us_bucket{{{CHOSEN}}}[$__rate_interval])))"
        for share in (0.5, 0.95, 0.99)
    }),
    ("Time of an inference, and of waiting for one (p99)", "µs", {
        f"{{{{name}}}} {word}": "histogram_quantile(0.99, sum by (le, name) "
        f"(rate({metric}_bucket{{{CHOSEN}}}[$__rate_interval])))"
        for word, metric in (("inference", "ovms_inference_time_us"), ("waiting", "ovms_wait_for_infer_req_time_us"))
    }),
    ("Requests at once, and streams", "short", {
        "{{pod}} requests": f"sum by (pod) (ovms_current_requests{{{CHOSEN}}})",
        "{{pod}} streams": f"sum by (pod) (ovms_streams{{{CHOSEN}}})",
    }),
    ("CPUs in use", "short", {
        "{{pod}}": f"sum by (pod) (rate(container_cpu_usage_seconds_total{{{PODS}}}[$__rate_interval]))",
    }),
    ("CPU time refused by a quota", "percentunit", {
        "{{pod}}": f"sum by (pod) (rate(container_cpu_cfs_throttled_periods_total{{{PODS}}}[$__rate_interval])) / "
        f"sum by (pod) (rate(container_cpu_cfs_periods_total{{{PODS}}}[$__rate_interval]))",
    }),
    ("Memory", "bytes", {
        "{{pod}}": f"sum by (pod) (container_memory_working_set_bytes{{{PODS}}})",
    }),
)  # fmt: skip


def dashboard(namespace: str) -> Manifest:
    """The ConfigMap, in the namespace of Grafana."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "inferstack-serving", "namespace": namespace, "labels": {"grafana_dashboard": "1"}},
        "data": {"inferstack-serving.json": json.dumps(description(), indent=1, sort_keys=True)},
    }


def description() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    return {
        "uid": UID,
        "title": "inferstack: serving",
        "tags": ["inferstack"],
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "15s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"},
                _variable("namespace", "label_values(ovms_streams, namespace)"),
                _variable("model", 'label_values(ovms_streams{namespace=~"$namespace"}, name)'),
            ]
        },
        "panels": [_panel(index, *panel) for index, panel in enumerate(_PANELS)],
    }


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name, "label": name.capitalize(), "type": "query", "datasource": _source(), "query": query,
        "refresh": 2, "multi": True, "includeAll": True, "current": {"text": "All", "value": "$__all"},
    }  # fmt: skip


def _panel(index: int, title: str, unit: str, queries: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": index + 1,
        "type": "timeseries",
        "title": title,
        "datasource": _source(),
        "gridPos": {"w": 12, "h": 8, "x": 12 * (index % 2), "y": 8 * (index // 2)},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + number), "expr": query, "legendFormat": legend, "datasource": _source()}
            for number, (legend, query) in enumerate(queries.items())
        ],
    }


def _source() -> dict[str, str]:
    return {"type": "prometheus", "uid": "${source}"}
