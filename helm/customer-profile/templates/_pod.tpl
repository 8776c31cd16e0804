{{/* What pods of the service and of its migration have in common. */}}

{{- define "customer-profile.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
fsGroup: {{ int64 . }}
# Large volumes are not walked at each start.
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "customer-profile.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The URL of the database holds a password, so it comes from a Secret; the program reads it from its environment alone. */}}
{{- define "customer-profile.databaseEnvironment" -}}
- name: CUSTOMER_PROFILE_DATABASE__URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secrets.database.existingSecret }}
      key: {{ .Values.secrets.database.key }}
{{- end -}}

{{/* Those of its replicas, where there are any. */}}
{{- define "customer-profile.replicaEnvironment" -}}
{{- if .Values.secrets.databaseReplicas.existingSecret -}}
- name: CUSTOMER_PROFILE_DATABASE__REPLICA_URLS
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secrets.databaseReplicas.existingSecret }}
      key: {{ .Values.secrets.databaseReplicas.key }}
{{- end -}}
{{- end -}}

{{/* That of Redis too, where there is one. */}}
{{- define "customer-profile.redisEnvironment" -}}
{{- if .Values.secrets.redis.existingSecret -}}
- name: CUSTOMER_PROFILE_CACHE__REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secrets.redis.existingSecret }}
      key: {{ .Values.secrets.redis.key }}
{{- end -}}
{{- end -}}

{{/* And that of the Redis to which changes are relayed. */}}
{{- define "customer-profile.relayEnvironment" -}}
{{- if .Values.secrets.relay.existingSecret -}}
- name: CUSTOMER_PROFILE_RELAY__REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.secrets.relay.existingSecret }}
      key: {{ .Values.secrets.relay.key }}
{{- end -}}
{{- end -}}

{{/* Modes are decimal: 288 is 0440. */}}
{{- define "customer-profile.secretVolume" -}}
secret:
  secretName: {{ index . 0 }}
  defaultMode: 288
  items:
  {{- range $pair := rest . }}
    - key: {{ index $pair 0 }}
      path: {{ index $pair 1 }}
  {{- end }}
{{- end -}}

{{/* Volumes that the migration needs too. */}}
{{- define "customer-profile.storeVolumes" -}}
- name: hash-secret
  {{- include "customer-profile.secretVolume" (list .Values.secrets.hashSecret.existingSecret (list .Values.secrets.hashSecret.key "hash_secret")) | nindent 2 }}
{{- if .Values.secrets.databaseCa.existingSecret }}
- name: database-ca
  {{- include "customer-profile.secretVolume" (list .Values.secrets.databaseCa.existingSecret (list .Values.secrets.databaseCa.key "ca.crt")) | nindent 2 }}
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- end -}}

{{/* Never with subPath: a file that is mounted so is not brought up to date when its Secret changes. */}}
{{- define "customer-profile.storeMounts" -}}
- name: configuration
  mountPath: /etc/customer-profile/configuration
  readOnly: true
- name: hash-secret
  mountPath: /etc/customer-profile/hash-secret
  readOnly: true
{{- if .Values.secrets.databaseCa.existingSecret }}
- name: database-ca
  mountPath: /etc/customer-profile/database-ca
  readOnly: true
{{- end }}
- name: tmp
  mountPath: /tmp
{{- end -}}

{{- define "customer-profile.accessVolumes" -}}
{{- if eq .Values.config.auth.mode "jwt" }}
- name: jwks
  {{- if .Values.secrets.jwks.existingConfigMap }}
  configMap:
    name: {{ .Values.secrets.jwks.existingConfigMap }}
    defaultMode: 288
    items:
      - key: {{ .Values.secrets.jwks.key }}
        path: jwks.json
  {{- else }}
  {{- include "customer-profile.secretVolume" (list .Values.secrets.jwks.existingSecret (list .Values.secrets.jwks.key "jwks.json")) | nindent 2 }}
  {{- end }}
{{- end }}
{{- if .Values.secrets.tls.existingSecret }}
- name: tls
  {{- include "customer-profile.secretVolume" (list .Values.secrets.tls.existingSecret (list .Values.secrets.tls.certKey "tls.crt") (list .Values.secrets.tls.keyKey "tls.key")) | nindent 2 }}
{{- end }}
{{- if eq .Values.config.auth.mode "mtls" }}
- name: client-ca
  {{- include "customer-profile.secretVolume" (list .Values.secrets.clientCa.existingSecret (list .Values.secrets.clientCa.key "ca.crt")) | nindent 2 }}
{{- end }}
{{- if hasPrefix "unix:" .Values.config.listen.grpc }}
- name: sockets
  emptyDir:
    medium: Memory
    sizeLimit: 1Mi
{{- end }}
{{- end -}}

{{- define "customer-profile.accessMounts" -}}
{{- if eq .Values.config.auth.mode "jwt" }}
- name: jwks
  mountPath: /etc/customer-profile/jwks
  readOnly: true
{{- end }}
{{- if .Values.secrets.tls.existingSecret }}
- name: tls
  mountPath: /etc/customer-profile/tls
  readOnly: true
{{- end }}
{{- if eq .Values.config.auth.mode "mtls" }}
- name: client-ca
  mountPath: /etc/customer-profile/client-ca
  readOnly: true
{{- end }}
{{- if hasPrefix "unix:" .Values.config.listen.grpc }}
- name: sockets
  mountPath: /run/customer-profile
{{- end }}
{{- end -}}

{{/* The kubelet speaks gRPC without TLS only, and only to an address of the pod. */}}
{{- define "customer-profile.readiness" -}}
{{- if or .Values.secrets.tls.existingSecret (include "customer-profile.local" .) -}}
httpGet:
  path: /readyz
  port: metrics
{{- else -}}
grpc:
  port: {{ include "customer-profile.port" .Values.config.listen.grpc }}
  service: {{ .Values.probes.readiness.service | quote }}
{{- end -}}
{{- end -}}
