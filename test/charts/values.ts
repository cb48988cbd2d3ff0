/** Values that switch everything on, to be rendered and validated. */
export function maximalValues(chart: 'opendata-timeseries' | 'opendata-log'): object {
  return {
    image: {
      repository: 'registry.example/opendata',
      tag: '1.2.3',
      pullPolicy: 'Always',
      pullSecrets: [{ name: 'pull' }],
    },
    s3: { endpoint: 'http://minio.storage.svc:9000', allowHttp: true, virtualHostedStyle: true },
    cache: { storageClassName: 'io2', size: '1Ti', preload: 'AllSst' },
    serviceAccount: {
      roleArn: 'arn:aws:iam::123456789012:role/opendata',
      annotations: { 'iam.gke.io/gcp-service-account': 'opendata@project.iam.gserviceaccount.com' },
    },
    ...(chart === 'opendata-timeseries' && { rbac: { create: true, namespaces: ['shop', 'payments'], nodes: true } }),
    ...(chart === 'opendata-log' && { config: 'segmentation:\n  seal_interval: 1h\n' }),
    logLevel: 'off',
    webConfig: { existingSecret: 'web', https: true, probeHeaders: [{ name: 'Authorization', value: 'Bearer probe' }] },
    extraEnv: [{ name: 'AWS_ACCESS_KEY_ID', valueFrom: { secretKeyRef: { name: 's3', key: 'id' } } }],
    extraEnvFrom: [{ secretRef: { name: 's3-more' } }],
    extraVolumes: [{ name: 'certificates', secret: { secretName: 'certificates' } }],
    extraVolumeMounts: [{ name: 'certificates', mountPath: '/certificates', readOnly: true }],
    labels: { team: 'observability' },
    podLabels: { 'azure.workload.identity/use': 'true' },
    podAnnotations: { 'example.com/owner': 'observability' },
    nodeSelector: { 'kubernetes.io/arch': 'arm64' },
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['nvme'] }] }],
        },
      },
    },
    tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'storage', effect: 'NoSchedule' }],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { 'app.kubernetes.io/name': chart } },
      },
    ],
    priorityClassName: 'system-cluster-critical',
    service: { type: 'LoadBalancer', annotations: { 'service.beta.kubernetes.io/aws-load-balancer-internal': 'true' } },
    podDisruptionBudget: { enabled: true },
    networkPolicy: {
      enabled: true,
      ingressFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      egress: [{ ports: [{ port: 443, protocol: 'TCP' }] }],
    },
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    grafanaDashboard: { enabled: true },
    readReplicas: { enabled: true, replicas: 3 },
  };
}
