{{/* What differs between the charts: the files of the ConfigMap and the arguments. */}}

{{- define "opendata.configKey" -}}
log.yaml
{{- end -}}

{{- define "opendata.readerConfigKey" -}}
reader.yaml
{{- end -}}

{{/* JSON lists */}}
{{- define "opendata.args" -}}
{{- list "--config" "/config/log.yaml" "--port" (toString .Values.port) | toJson -}}
{{- end -}}

{{- define "opendata.readerArgs" -}}
{{- list "--config" "/config/reader.yaml" "--read-only" "--port" (toString .Values.port) | toJson -}}
{{- end -}}

{{- define "opendata.configData" -}}
log.yaml: |
  {{- with .Values.config }}
  {{- . | trimSuffix "\n" | nindent 2 }}
  {{- end }}
  {{- include "opendata.storage" . | nindent 2 }}
{{- if .Values.readReplicas.enabled }}
reader.yaml: |
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
curl 'localhost:{{ .Values.port }}/api/v1/log/keys'
{{- end -}}
