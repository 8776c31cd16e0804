"""Faults that the checks have to find: each spoils a copy of the chart, and a check that does not mind is no check."""

import tempfile

import render

# File, what stands there, what stands there instead, and words of what has to be said.
FAULTS = [
    ("deployment.yaml", "maxUnavailable: 0", "maxUnavailable: 1", "takes pods away"),
    ("deployment.yaml", "maxSurge: {{ int64 .Values.maxSurge }}", "maxSurge: {{ int64 .Values.maxSurge }}\n      nonsense: 1", "nonsense"),
    ("deployment.yaml", "{{- if not .Values.autoscaling.enabled }}", "{{- if true }}", "either it or an autoscaler"),
    ("deployment.yaml", "path: /livez\n              port: metrics\n            periodSeconds: {{ int64 .Values.probes.liveness",
     "path: /readyz\n              port: metrics\n            periodSeconds: {{ int64 .Values.probes.liveness", "liveness depends"),
    ("deployment.yaml", "(mul 3 (int64 .Values.config.drain.timeout_ms)) 999", "(mul 2 (int64 .Values.config.drain.timeout_ms)) 999",
     "before it has drained"),
    ("deployment.yaml", "enableServiceLinks: false", "enableServiceLinks: true", "variables of Services"),
    ("_pod.tpl", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "not restricted"),
    ("_pod.tpl", "type: RuntimeDefault", "type: Unconfined", "not restricted"),
    ("_pod.tpl", "- name: tmp\n  mountPath: /tmp", "- name: tmp\n  mountPath: /tmp\n  subPath: x", "subPath"),
    ("_pod.tpl", "mountPath: /etc/customer-profile/jwks", "mountPath: /etc/customer-profile/keys", "not mounted"),
    ("_pod.tpl", "or .Values.secrets.tls.existingSecret (include", "or false (include", "cannot be over gRPC"),
    ("service.yaml", 'include "customer-profile.servicePort" .', "7400", "has to be that of the container"),
    ("service.yaml", 'default "grpc"', 'default "http"', "no container has"),
    ("service.yaml", '(list . "server") | nindent 4 }}\n  ports:', '(list . "migration") | nindent 4 }}\n  ports:',
     "does not lead to the pods"),
    ("migration.yaml", '"-20"', '"-5"', "not there yet"),
    ("migration.yaml", "backoffLimit: {{ int64 .Values.migration.backoffLimit }}", "backoffLimit: often", "often"),
    ("migration.yaml", '(list . "migration") | nindent 8', '(list . "server") | nindent 8', "chooses other pods"),
    ("networkpolicy.yaml", "- port: metrics", "- port: measures", "lets in to a port"),
    ("monitoring.yaml", "- port: metrics", "- port: grpc", "the one Service of the metrics"),
    ("_config.tpl", "= {{ int64 $value }}", "= {{ $value }}", "must be written as a whole number"),
    ("_config.tpl", '"hash_secret_file"', '"hash_secret_path"', "is no setting"),
]


def check(find):
    """Names the faults that `find`, which says what is wrong with a chart, does not find."""
    unseen = []
    for file, right, wrong, words in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            chart = render.copy_of_chart(folder)
            path = chart / "templates" / file
            text = path.read_text()
            if right not in text:
                unseen.append(f"{file}: {right!r} is no longer there to be spoilt; change FAULTS in {__file__}")
                continue
            path.write_text(text.replace(right, wrong))
            try:
                found = "\n".join(find(chart))
            except render.Refused as refused:
                found = str(refused)
            if words not in found:
                unseen.append(f"{file}: {wrong!r} was not noticed; said was {found!r}")
    return unseen
