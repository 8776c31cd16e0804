"""The values that the chart is rendered with: every combination of the axes, and every switch by itself.

What must stay true: each combination is one that people may ask for, so each has to render and to be valid.
"""

import copy
import itertools

JWT = {"config": {"auth": {"mode": "jwt", "jwt": {"issuer": "https://login.example.com", "audience": "customer-profile"}}}}
STORE = {"image": {"repository": "registry.example.com/customer-profile"},
         "secrets": {"database": {"existingSecret": "database"}, "hashSecret": {"existingSecret": "hash-secret"}}}
TLS = {"secrets": {"tls": {"existingSecret": "tls"}}}
PROXY = {
    "service": {"targetPort": "proxy", "port": 8443},
    "extraContainers": [{
        "name": "proxy",
        "image": "proxy.example.com/proxy:1",
        "ports": [{"name": "proxy", "containerPort": 8443}],
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True,
                            "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
    }],
}


def laid(defaults, values):
    """Values over the chart's own, as Helm lays them: null takes one out."""
    return without_null(over(defaults, values))


def without_null(values):
    return {key: without_null(value) if isinstance(value, dict) else value for key, value in values.items() if value is not None}


def over(under, *layers):
    """Values over others; null stays."""
    merged = copy.deepcopy(under)
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, dict) and isinstance(merged.get(key), dict):
                merged[key] = over(merged[key], value)
            else:
                merged[key] = copy.deepcopy(value)
    return merged


ACCESS = {
    "jwt": over(JWT, {"secrets": {"jwks": {"existingSecret": "jwks"}}}),
    "jwt-configmap": over(JWT, {"secrets": {"jwks": {"existingConfigMap": "jwks"}}}),
    "jwt-tls": over(JWT, TLS, {"secrets": {"jwks": {"existingConfigMap": "jwks"}}}),
    "mtls": over(TLS, {
        "config": {"auth": {"mode": "mtls", "callers": {
            "desk": {"san": "spiffe://example.com/desk", "permissions": "read", "department": "support"},
            "shop": {"san": "dns:shop.example.com", "tenants": "default,eu.shop", "permissions": "record, read"}}}},
        "secrets": {"clientCa": {"existingSecret": "callers-ca"}},
    }),
    "none-loopback": over(PROXY, {"config": {"auth": {"mode": "none"}, "listen": {"grpc": "127.0.0.1:7401"}}}),
    "none-socket": over(PROXY, {
        "config": {"auth": {"mode": "none"}, "listen": {"grpc": "unix:/run/customer-profile/grpc.sock"}},
        "extraContainers": [over(PROXY["extraContainers"][0],
                                 {"volumeMounts": [{"name": "sockets", "mountPath": "/run/customer-profile"}]})]}),
}

SCALE = {
    "three": {},
    "one": {"replicaCount": 1, "topologySpread": {"enabled": False}},
    "scaled": {"autoscaling": {"enabled": True}, "topologySpread": {"whenUnsatisfiable": "DoNotSchedule"}},
}

NETWORK = {
    "closed": {"networkPolicy": {
        "callers": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}],
        "monitoring": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "database": {"port": 6432, "to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]},
        "extraEgress": [{"to": [{"ipBlock": {"cidr": "10.1.0.0/24"}}]}]},
        "config": {"telemetry": {"otlp_endpoint": "http://collector.example.com:4317", "sample_ratio": 0.05},
                   "analyzer": {"url": "https://analyzer.example.com"}}},
    "open": {"networkPolicy": {"enabled": False}},
}

WATCHED = {
    "watched": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True, "alertLabels": {"team": "customers"}, "runbook": "https://runbooks.example.com/alerts",
                           "disabled": ["CustomerProfileVersionsMixed"]},
        "dashboards": {"enabled": True, "annotations": {"grafana_folder": "Customers"}}},
    "unwatched": {},
}

MIGRATED = {"migrated": {}, "elsewhere": {"migration": {"enabled": False}}}

REST = {
    "plain": {},
    "everything": {
        "image": {"repository": "registry.example.com/team/customer-profile", "digest": "sha256:" + "0a" * 32, "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "registry"}],
        "service": {"clusterIP": {"enabled": True, "annotations": {"a": "b"}}, "annotations": {"a": "b"}, "appProtocol": ""},
        "serviceAccount": {"create": False},
        "podDisruptionBudget": {"enabled": False},
        "secrets": {"databaseCa": {"existingSecret": "database-ca"}, "databaseReplicas": {"existingSecret": "replicas"}, "redis": {"existingSecret": "redis"},
                    "relay": {"existingSecret": "relay"}, "revision": "2"},
        "runAsUser": None,
        "preStopSeconds": 0,
        "commonLabels": {"team": "customers"},
        "podLabels": {"zone": "inner"},
        "podAnnotations": {"a": "b"},
        "migration": {"podAnnotations": {"a": "b"}},
        "priorityClassName": "high",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}]}}},
        "tolerations": [{"key": "only", "operator": "Exists", "effect": "NoSchedule"}],
        "extraEnv": [{"name": "SSL_CERT_DIR", "value": "/etc/roots"}],
        "extraVolumes": [{"name": "roots", "configMap": {"name": "roots"}}],
        "extraVolumeMounts": [{"name": "roots", "mountPath": "/etc/roots", "readOnly": True}],
        "databaseMaxConnections": 500,
        "config": {
            "limits": {"preview_identifiers": 50000000, "request_mib": 64},
            "drain": {"timeout_ms": 1},
            "telemetry": {"sample_ratio": 1},
            "departments": {"billing": {"hidden": "orders, texts", "hidden_texts_of": "support,store",
                                        "hidden_traits": "birth_date", "hidden_namespaces": "cookie"}},
            "tenant_defaults": {"default_region": "DE", "time_zone": "Etc/GMT+1", "topics": {"delivery": "late, lost"},
                                "survivorship": {"city": "newest"}, "identity": {"email": "limit 3"}},
            "tenants": {"eu.shop": {"default_region": "US", "time_zone": "America/New_York", "han_language": "und",
                                    "topics": {"delivery": 'said "late"\\'}, "survivorship": {"city": "oldest"},
                                    "identity": {"phone": "unique"}}}}},
}

AXES = (ACCESS, SCALE, NETWORK, WATCHED, MIGRATED, REST)


def combinations():
    """Name and values of each."""
    for chosen in itertools.product(*(axis.items() for axis in AXES)):
        # The last axis goes first, so that an axis is not undone by a list of another.
        yield "/".join(name for name, _ in chosen), over(STORE, *(values for _, values in chosen))


def plain():
    return over(STORE, ACCESS["jwt"])


def switches(node, path=()):
    """Every boolean and choice of the schema, by itself and the other way round, over plain values."""
    for name, part in node["properties"].items():
        at = (*path, name)
        if part.get("type") == "boolean":
            yield at, not part["default"]
        elif "enum" in part and at != ("config", "auth", "mode"):
            for choice in part["enum"]:
                yield at, choice
        elif "properties" in part and "default" not in part:
            yield from switches(part, at)


def single(schema):
    for at, value in switches(schema):
        layer = value
        for name in reversed(at):
            layer = {name: layer}
        yield f"{'.'.join(at)}={value}", over(plain(), layer)
