"""Values that have to be refused, each with why, and those beside them that have to be taken."""

import matrix
import settings

NO = "the schema"


def said(path, value, under=None):
    layer = value
    for name in reversed(path.split(".")):
        layer = {name.replace("/", "."): layer}
    return matrix.over(under or matrix.plain(), layer)


def ranges():
    """The ends of every range of a setting are taken, and what lies beyond them is not."""
    for setting in settings.settings():
        if setting.key in settings.MANAGED or setting.named:
            continue
        form = setting.form()
        key = f"config.{setting.key}"
        if form["type"] == "integer":
            yield key, form["minimum"], True
            yield key, form["maximum"], True
            yield key, form["minimum"] - 1, False
            yield key, form["maximum"] + 1, False
            yield key, form["minimum"] + 0.5, False
            yield key, str(form["minimum"]), False
        elif form["type"] == "number":
            yield key, 0.5, True
            yield key, -0.1, False
            yield key, 1.1, False
        else:
            yield key, 7, False
            if "enum" in form:
                yield key, "nonsense", False


WRONG = [
    ("replicaCount", -1), ("replicaCount", "3"), ("replicas", 3), ("image.tag", "a b"), ("image.digest", "sha256:abc"),
    ("image.pullPolicy", "Sometimes"), ("secrets.database.url", "postgres://user:password@host/name"),
    ("secrets.database.existingSecret", ""), ("secrets.hashSecret.existingSecret", ""), ("secrets.hashSecret.value", "x" * 40),
    ("secrets.database.existingSecret", "Not A Name"), ("secrets.jwks.existingConfigMap", "both"), ("secrets.jwks.existingSecret", ""),
    ("secrets.clientCa.existingSecret", "keeps-nobody-out"), ("config.nonsense", 1), ("config.ingest.writer", 2),
    ("config.listen.grpc", "7401"), ("config.listen.grpc", "10.0.0.1:7401"), ("config.listen.metrics", ""),
    ("config.listen.metrics", "127.0.0.1:7402"), ("config.listen.grpc", "127.0.0.1:7401"), ("config.auth.mode", "none"),
    ("config.auth.mode", "mtls"), ("config.auth.jwt.issuer", ""), ("config.auth.jwt.audience", ""),
    ("config.web.allowed_origins", "desk.example.com"), ("config.web.allowed_origins", "https://desk.example.com/path"),
    ("config.telemetry.otlp_endpoint", "https://collector:4317"), ("config.analyzer.url", "analyzer:1"),
    ("config.telemetry.service_name", ""), ("config.log.filter", "info, debug"), ("config.tenant_defaults.default_region", "jp"),
    ("config.tenant_defaults.time_zone", "+09:00"), ("config.tenants.EU", {}), ("config.tenants.eu", {"nonsense": 1}),
    ("config.departments.billing", {"hidden": "everything"}), ("config.departments.billing", {"hidden_traits": "Birth Date"}),
    ("config.auth.callers.desk", {"san": "desk.example.com"}), ("config.auth.callers.desk", {"san": "dns:*.example.com"}),
    ("config.auth.callers.desk", {"san": "dns:a", "permissions": "everything"}),
    ("config.auth.callers.desk", {"san": "dns:a", "tenants": ""}),
    ("service.type", "LoadBalancer"), ("service.port", 7401), ("service.targetPort", "proxy"), ("service.clusterIP.port", 0), ("image.repository", ""), ("autoscaling.cpuPercent", 0), ("podDisruptionBudget.maxUnavailable", 0),
    ("podDisruptionBudget.minAvailable", 1), ("probes.liveness.periodSeconds", 0), ("resources.limits", {"memory": "lots"}),
    ("resources.limit", {}), ("runAsUser", 0), ("runAsUser", "root"), ("topologySpread.whenUnsatisfiable", "Never"),
    ("prometheusRule.disabled", ["Everything"]), ("prometheusRule.selector", 'up{}'), ("serviceMonitor.interval", "often"),
    ("extraEnv", [{"name": "DATABASE_URL", "value": "postgres://"}]), ("networkPolicy.enabled", "yes"),
    ("extraEnv", [{"name": "CUSTOMER_PROFILE_HASH_SECRET", "value": "x"}]), ("postgresql.enabled", True), ("redis.enabled", True),
    ("nameOverride", "Upper"), ("migration.deadlineSeconds", 0), ("preStopSeconds", -1), ("databaseMaxConnections", -1),
]

# What no schema can say, with words of the reason.
CONTRADICTIONS = [
    ({"config": {"database": {"lock_timeout_ms": 5000, "statement_timeout_ms": 4000}}}, "config.database.statement_timeout_ms"),
    ({"config": {"database": {"connections": 4}, "ingest": {"writers": 3}}}, "at least two more"),
    ({"config": {"ingest": {"queue_items": 1000, "batch_items": 1001, "stream_window": 1000}}}, "config.ingest.batch_items"),
    ({"config": {"ingest": {"queue_items": 1000, "stream_window": 1001}}}, "config.ingest.stream_window"),
    ({"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 4}}, "autoscaling.minReplicas"),
    ({"databaseMaxConnections": 50}, "up to 100 database connections"),
    ({"autoscaling": {"enabled": True}, "databaseMaxConnections": 100}, "up to 196 database connections"),
]


def values():
    """What, the values, and whether they are right."""
    for key, value, right in ranges():
        yield f"{key}={value!r}", said(key, value), right
    for key in settings.MANAGED:
        yield f"config.{key}", said(f"config.{key}", "x" * 40), False
    for key, value in WRONG:
        yield f"{key}={value!r}", said(key, value), False
    mtls = matrix.over(matrix.STORE, matrix.ACCESS["mtls"])
    yield "mtls", mtls, True
    yield "mtls without callers", matrix.over(mtls, {"config": {"auth": {"callers": {"desk": None, "shop": None}}}}), False
    yield "mtls, a caller without san", said("config.auth.callers.other", {"permissions": "read"}, mtls), False
    yield "mtls without roots", said("secrets.clientCa.existingSecret", "", mtls), False
    yield "mtls without TLS", said("secrets.tls.existingSecret", "", mtls), False
    none = matrix.over(matrix.STORE, matrix.ACCESS["none-socket"])
    yield "none", none, True
    yield "none without a proxy", said("extraContainers", [], none), False
    yield "none for everyone", said("config.listen.grpc", "0.0.0.0:7401", none), False
    yield "nothing", {}, False
