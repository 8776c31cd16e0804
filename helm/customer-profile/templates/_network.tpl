{{/* Where every pod of ours may go. */}}
{{- define "customer-profile.storeEgress" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
- ports:
    - port: {{ int64 .Values.networkPolicy.database.port }}
      protocol: TCP
  {{- with .Values.networkPolicy.database.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* A rule for the port of a URL, or nothing. */}}
{{- define "customer-profile.urlEgress" -}}
{{- if . -}}
{{- $port := regexFind ":[0-9]+/?$" . | trimPrefix ":" | trimSuffix "/" | default (ternary "443" "80" (hasPrefix "https:" .)) -}}
- ports:
    - port: {{ $port }}
      protocol: TCP
{{- end -}}
{{- end -}}
