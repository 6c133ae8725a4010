{{- define "oomscribe.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The release's name, with the chart's where it is not part of it. */}}
{{- define "oomscribe.fullname" -}}
{{- $name := include "oomscribe.name" . }}
{{- $whole := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- .Values.fullnameOverride | default $whole | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* These never change: a DaemonSet's selector cannot. */}}
{{- define "oomscribe.selectorLabels" -}}
app.kubernetes.io/name: {{ include "oomscribe.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "oomscribe.labels" -}}
{{ include "oomscribe.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "oomscribe.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "oomscribe.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "oomscribe.hasAccessKey" -}}
{{- if or .Values.accessKey.existingSecret .Values.accessKey.value }}true{{ end }}
{{- end }}

{{- define "oomscribe.hasHeaders" -}}
{{- if or .Values.headers.existingSecret .Values.headers.values }}true{{ end }}
{{- end }}

{{- /* To whatever takes OTLP on the node: its address is known to the pod alone, so that this is a variable. */}}
{{- define "oomscribe.toNode" -}}
{{- if and (eq .Values.backend "collector") (not .Values.endpoint) }}true{{ end }}
{{- end }}

{{- /* The agent's settings: docs/configuration.md. What `config` has wins. */}}
{{- define "oomscribe.settings" -}}
{{- $settings := dict
      "backend" .Values.backend
      "kubernetes" (ternary "auto" "off" .Values.kubernetes)
      "state-dir" "/var/lib/oomscribe"
      "host-root" "/host"
      "listen" ":9464" }}
{{- with .Values.endpoint }}{{ $_ := set $settings "otlp" . }}{{ end }}
{{- with .Values.environment }}{{ $_ := set $settings "environment" . }}{{ end }}
{{- with .Values.clusterName }}{{ $_ := set $settings "cluster-name" . }}{{ end }}
{{- if include "oomscribe.hasHeaders" . }}{{ $_ := set $settings "otlp-headers-file" "/etc/oomscribe-headers/headers" }}{{ end }}
{{- toYaml (mergeOverwrite $settings (deepCopy .Values.config)) }}
{{- end }}

{{- /* Where the runtime of the nodes keeps what its containers are called: paths of the node, by a volume's name. */}}
{{- define "oomscribe.runtimePaths" -}}
{{- if eq .Values.runtime "k3s" }}
runtime: /run/k3s/containerd/io.containerd.runtime.v2.task
{{- else if eq .Values.runtime "cri-o" }}
runtime: /run/containers/storage/overlay-containers
runtime-storage: /var/lib/containers/storage/overlay-containers
{{- else }}
runtime: /run/containerd/io.containerd.runtime.v2.task
{{- end }}
{{- end }}
