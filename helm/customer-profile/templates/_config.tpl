{{/* The configuration file. Keys are those of docs/configuration.md; what begins with /etc/customer-profile is mounted by
     the pod, see _pod.tpl. */}}

{{/* Lines of a TOML file for a map, one for each setting. Takes (list prefix map). Numbers come as float64 out of values
     files and as int64 from --set; none may be written as 1e+06. */}}
{{- define "customer-profile.toml" -}}
{{- $prefix := index . 0 -}}
{{- range $key, $value := index . 1 -}}
{{- $name := ternary $key ($key | toJson) (regexMatch "^[A-Za-z0-9_-]+$" $key) -}}
{{- if kindIs "map" $value -}}
{{- include "customer-profile.toml" (list (printf "%s%s." $prefix $name) $value) -}}
{{- else if typeIs "json.Number" $value -}}
{{ $prefix }}{{ $name }} = {{ $value }}
{{ else if or (kindIs "string" $value) (kindIs "bool" $value) -}}
{{ $prefix }}{{ $name }} = {{ $value | toJson }}
{{ else if eq (float64 (int64 $value)) (float64 $value) -}}
{{ $prefix }}{{ $name }} = {{ int64 $value }}
{{ else -}}
{{ $prefix }}{{ $name }} = {{ $value | toJson }}
{{ end -}}
{{- end -}}
{{- end -}}

{{/* Settings that follow from secrets. */}}
{{- define "customer-profile.managed" -}}
{{- $auth := .Values.config.auth.mode -}}
{{- $files := dict "hash_secret_file" "/etc/customer-profile/hash-secret/hash_secret" -}}
{{- if eq $auth "jwt" -}}
{{- $_ := set $files "auth" (dict "jwt" (dict "jwks_file" "/etc/customer-profile/jwks/jwks.json")) -}}
{{- end -}}
{{- if .Values.secrets.tls.existingSecret -}}
{{- $tls := dict "cert_file" "/etc/customer-profile/tls/tls.crt" "key_file" "/etc/customer-profile/tls/tls.key" -}}
{{- if eq $auth "mtls" -}}
{{- $_ := set $tls "client_ca_file" "/etc/customer-profile/client-ca/ca.crt" -}}
{{- end -}}
{{- $_ := set $files "tls" $tls -}}
{{- end -}}
{{ toYaml $files }}
{{- end -}}

{{- define "customer-profile.configuration" -}}
{{- $all := mergeOverwrite (deepCopy .Values.config) (include "customer-profile.managed" . | fromYaml) -}}
{{- include "customer-profile.toml" (list "" $all) -}}
{{- end -}}

{{/* The port of an address such as 0.0.0.0:7401 or [::]:7401. */}}
{{- define "customer-profile.port" -}}
{{ regexFind "[0-9]+$" . }}
{{- end -}}

{{/* The port of the headless Service: clients get addresses of pods from it, and connect to this very port of them. */}}
{{- define "customer-profile.servicePort" -}}
{{- if .Values.service.targetPort -}}
{{ int64 .Values.service.port }}
{{- else -}}
{{ include "customer-profile.port" .Values.config.listen.grpc }}
{{- end -}}
{{- end -}}

{{/* Whether nobody outside the pod can reach gRPC: a proxy in the pod has to. */}}
{{- define "customer-profile.local" -}}
{{- if or (hasPrefix "unix:" .Values.config.listen.grpc) (not (regexMatch "^(0\\.0\\.0\\.0|\\[::\\]):" .Values.config.listen.grpc)) }}true{{ end -}}
{{- end -}}

{{/* Most pods there can be at a time. While a release rolls out those that drain hold their connections still, and the
     Deployment does not count them: all old ones beside all new ones, at worst. */}}
{{- define "customer-profile.pods" -}}
{{- $most := ternary .Values.autoscaling.maxReplicas .Values.replicaCount .Values.autoscaling.enabled -}}
{{- add (int64 $most) (max (int64 $most) (int64 .Values.maxSurge)) -}}
{{- end -}}

{{/* Database connections that all of them may hold, the migration's among them. */}}
{{- define "customer-profile.databaseConnections" -}}
{{- add (mul (include "customer-profile.pods" . | int64) (int64 .Values.config.database.connections)) 4 -}}
{{- end -}}

{{/* What no schema can say: settings that contradict each other. The program would refuse them too, but only in the cluster. */}}
{{- define "customer-profile.refuse" -}}
{{- $wrong := list -}}
{{- $config := .Values.config -}}
{{- if gt (int64 $config.database.lock_timeout_ms) (int64 $config.database.statement_timeout_ms) -}}
{{- $wrong = append $wrong "config.database.lock_timeout_ms must not be above config.database.statement_timeout_ms" -}}
{{- end -}}
{{- if lt (int64 $config.database.connections) (add (int64 $config.ingest.writers) 2) -}}
{{- $wrong = append $wrong "config.database.connections must be at least two more than config.ingest.writers" -}}
{{- end -}}
{{- if gt (int64 $config.ingest.batch_items) (int64 $config.ingest.queue_items) -}}
{{- $wrong = append $wrong "config.ingest.batch_items must not be above config.ingest.queue_items" -}}
{{- end -}}
{{- if gt (int64 $config.ingest.stream_window) (int64 $config.ingest.queue_items) -}}
{{- $wrong = append $wrong "config.ingest.stream_window must not be above config.ingest.queue_items" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int64 .Values.autoscaling.minReplicas) (int64 .Values.autoscaling.maxReplicas)) -}}
{{- $wrong = append $wrong "autoscaling.minReplicas must not be above autoscaling.maxReplicas" -}}
{{- end -}}
{{- $connections := include "customer-profile.databaseConnections" . | int64 -}}
{{- if and .Values.databaseMaxConnections (gt $connections (int64 .Values.databaseMaxConnections)) -}}
{{- $wrong = append $wrong (printf "up to %d database connections are needed, but databaseMaxConnections is %d: fewer replicas, or less config.database.connections" $connections (int64 .Values.databaseMaxConnections)) -}}
{{- end -}}
{{- $sans := dict -}}
{{- range $name, $caller := $config.auth.callers -}}
{{- if hasKey $sans (toString $caller.san) -}}
{{- $wrong = append $wrong (printf "config.auth.callers.%s.san is that of %s too" $name (get $sans $caller.san)) -}}
{{- end -}}
{{- $_ := set $sans (toString $caller.san) $name -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "\n\n%s\n" (join "\n" $wrong)) -}}
{{- end -}}
{{- end -}}
