{{/*
The pod template of the writer and of the read replicas. Takes {root, app, configKey, args, resources, cacheVolume}:
`configKey` is the configuration file's key in the ConfigMap, `cacheVolume` the source of the volume of the disk cache.
*/}}
{{- define "opendata.pod" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
metadata:
  labels:
    app: {{ .app }}
    {{- include "opendata.labels" $root | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "opendata.configData" $root | sha256sum }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "opendata.serviceAccountName" $root }}
  terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- toYaml $values.podSecurityContext | nindent 4 }}
  containers:
    - name: {{ include "opendata.component" $root }}
      image: {{ include "opendata.image" $root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
        {{- range .args }}
        - {{ . | quote }}
        {{- end }}
        {{- if $values.webConfig.existingSecret }}
        - "--web.config.file"
        - "/web-config/web-config.yaml"
        {{- end }}
        {{- range $values.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      ports:
        - containerPort: {{ $values.port }}
          name: http
      env:
        - name: RUST_LOG
          value: {{ quote $values.logLevel }}
        {{- with $values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      securityContext:
        {{- toYaml $values.containerSecurityContext | nindent 8 }}
      livenessProbe:
        httpGet:
          path: /-/healthy
          port: http
          {{- include "opendata.probe" $root | nindent 10 }}
        {{- toYaml $values.livenessProbe | nindent 8 }}
      readinessProbe:
        httpGet:
          path: /-/ready
          port: http
          {{- include "opendata.probe" $root | nindent 10 }}
        {{- toYaml $values.readinessProbe | nindent 8 }}
      volumeMounts:
        - name: config
          mountPath: /config
          readOnly: true
        - name: slatedb-settings
          mountPath: /slatedb-settings
          readOnly: true
        {{- if $values.cache.enabled }}
        - name: cache
          mountPath: /cache
        {{- end }}
        - name: tmp
          mountPath: /tmp
        {{- if $values.webConfig.existingSecret }}
        - name: web-config
          mountPath: /web-config
          readOnly: true
        {{- end }}
        {{- with $values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "opendata.name" $root }}-config
        items:
          - key: {{ .configKey }}
            path: {{ .configKey }}
    - name: slatedb-settings
      configMap:
        name: {{ include "opendata.name" $root }}-config
        items:
          - key: slatedb.yaml
            path: slatedb.yaml
    {{- if $values.cache.enabled }}
    - name: cache
      {{- toYaml .cacheVolume | nindent 6 }}
    {{- end }}
    - name: tmp
      emptyDir: {}
    {{- with $values.webConfig.existingSecret }}
    - name: web-config
      secret:
        secretName: {{ . }}
    {{- end }}
    {{- with $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
