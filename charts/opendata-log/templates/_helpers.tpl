{{/* Every object of the release begins with this name. */}}
{{- define "opendata.name" -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{/* timeseries or log */}}
{{- define "opendata.component" -}}
{{- trimPrefix "opendata-" .Chart.Name -}}
{{- end -}}

{{- define "opendata.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ include "opendata.tag" . | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "opendata.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "opendata.name" .) -}}
{{- end -}}

{{- define "opendata.tag" -}}
{{- .Values.image.tag | default .Chart.AppVersion -}}
{{- end -}}

{{- define "opendata.image" -}}
{{- printf "%s:%s" .Values.image.repository (include "opendata.tag" .) -}}
{{- end -}}

{{/* What a probe needs beside path and port. */}}
{{- define "opendata.probe" -}}
scheme: {{ if .Values.webConfig.https }}HTTPS{{ else }}HTTP{{ end }}
{{- with .Values.webConfig.probeHeaders }}
httpHeaders:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The storage section of the configuration file. */}}
{{- define "opendata.storage" -}}
storage:
  type: SlateDb
{{- if eq .Values.objectStore "gcs" }}
  path: {{ .Values.gcs.prefix | quote }}
  object_store:
    type: Gcp
    bucket: {{ required "gcs.bucket is needed with objectStore: gcs" .Values.gcs.bucket | quote }}
{{- else if eq .Values.objectStore "azure" }}
  path: {{ .Values.azure.prefix | quote }}
  object_store:
    type: Azure
    account: {{ required "azure.account is needed with objectStore: azure" .Values.azure.account | quote }}
    container: {{ required "azure.container is needed with objectStore: azure" .Values.azure.container | quote }}
{{- else }}
  path: {{ .Values.s3.prefix | quote }}
  object_store:
    type: Aws
    region: {{ .Values.s3.region | quote }}
    bucket: {{ .Values.s3.bucket | quote }}
    {{- with .Values.s3.endpoint }}
    endpoint: {{ quote . }}
    {{- end }}
    {{- if .Values.s3.allowHttp }}
    allow_http: true
    {{- end }}
    {{- if .Values.s3.virtualHostedStyle }}
    virtual_hosted_style: true
    {{- end }}
{{- end }}
  settings_path: /slatedb-settings/slatedb.yaml
{{- end -}}

{{/* The SlateDB settings file. */}}
{{- define "opendata.slatedb" -}}
{{- with .Values.slatedb -}}
{{- if int64 .defaultTtl -}}
default_ttl: {{ int64 .defaultTtl }}
{{ end -}}
max_unflushed_bytes: {{ int64 .maxUnflushedBytes }}
l0_sst_size_bytes: {{ int64 .l0SstSizeBytes }}
compactor_options:
  max_concurrent_compactions: 2
  max_sst_size: {{ int64 .maxSstSize }}
{{- end }}
garbage_collector_options:
  manifest_options:
    interval: '60s'
    min_age: '3600s'
  wal_options:
    interval: '60s'
    min_age: '60s'
  compacted_options:
    interval: '60s'
    min_age: '3600s'
  compactions_options:
    interval: '60s'
    min_age: '3600s'
{{- if .Values.cache.enabled }}
object_store_cache_options:
  root_folder: /cache
  max_cache_size_bytes: {{ int64 .Values.cache.maxCacheSizeBytes }}
  {{- with .Values.cache.preload }}
  preload_disk_cache_on_startup: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}
