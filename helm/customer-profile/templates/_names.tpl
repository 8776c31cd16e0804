{{/* Names and labels. Names leave room for the longest suffix, -clusterip, and for those of pods. */}}

{{- define "customer-profile.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 48 | trimSuffix "-" -}}
{{- end -}}

{{- define "customer-profile.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "customer-profile.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What selects pods: it can never be changed on a Deployment that is there. Takes (list context component). */}}
{{- define "customer-profile.selector" -}}
{{- $context := index . 0 -}}
app.kubernetes.io/name: {{ include "customer-profile.name" $context }}
app.kubernetes.io/instance: {{ $context.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* All labels. Takes (list context component). */}}
{{- define "customer-profile.labels" -}}
{{- $context := index . 0 -}}
{{ include "customer-profile.selector" . }}
app.kubernetes.io/version: {{ $context.Values.image.tag | default $context.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $context.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $context.Chart.Name $context.Chart.Version | replace "+" "_" }}
{{- with $context.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "customer-profile.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "customer-profile.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "customer-profile.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{/* A job that runs before the release's own ServiceAccount is made has one of its own. */}}
{{- define "customer-profile.migrationServiceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ include "customer-profile.fullname" . }}-migrate
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}
