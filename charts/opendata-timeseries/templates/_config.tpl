{{/* What differs between the charts: the files of the ConfigMap and the arguments. */}}

{{- define "opendata.configKey" -}}
prometheus.yaml
{{- end -}}

{{- define "opendata.readerConfigKey" -}}
reader.yaml
{{- end -}}

{{/* JSON lists */}}
{{- define "opendata.args" -}}
{{- list "--config" "/config/prometheus.yaml" "--port" (toString .Values.port) | toJson -}}
{{- end -}}

{{- define "opendata.readerArgs" -}}
{{- list "--config" "/config/reader.yaml" "--port" (toString .Values.port) | toJson -}}
{{- end -}}

{{- define "opendata.configData" -}}
prometheus.yaml: |
  {{- .Values.scrapeConfig | trimSuffix "\n" | nindent 2 }}
  {{- include "opendata.storage" . | nindent 2 }}
{{- if .Values.readReplicas.enabled }}
reader.yaml: |
  read_only: true
  {{- with .Values.readReplicas.config }}
  {{- . | trimSuffix "\n" | nindent 2 }}
  {{- end }}
  {{- include "opendata.storage" . | nindent 2 }}
{{- end }}
slatedb.yaml: |
  {{- include "opendata.slatedb" . | nindent 2 }}
{{- end -}}

{{/* A first request, for the notes. */}}
{{- define "opendata.example" -}}
curl 'localhost:{{ .Values.port }}/api/v1/query?query=up'
{{- end -}}
