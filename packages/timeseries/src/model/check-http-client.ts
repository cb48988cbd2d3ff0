/** Says what is wrong with the value that `path` leads to. */
export type Report = (path: readonly PropertyKey[], message: string) => void;

/** Reports what spans several keys of how HTTP requests are made; in Prometheus' words. */
export function checkHttpClient(section: Readonly<Record<string, unknown>>, report: Report): void {
  if (section['basic_auth'] !== undefined && section['authorization'] !== undefined) {
    report(['authorization'], 'at most one of basic_auth and authorization must be configured');
  }
  const atMostOne = (name: string, keys: readonly string[]) => {
    const values = recordOf(section[name]);
    for (const key of keys) {
      if (values[key] !== undefined && values[`${key}_file`] !== undefined) {
        report([name, `${key}_file`], `at most one of ${key} and ${key}_file must be configured`);
      }
    }
  };
  atMostOne('basic_auth', ['username', 'password']);
  atMostOne('authorization', ['credentials']);
  atMostOne('tls_config', ['ca', 'cert', 'key']);
  const { type } = recordOf(section['authorization']);
  if (String(type).toLowerCase() === 'basic') {
    report(['authorization', 'type'], 'authorization type cannot be set to "basic", use "basic_auth" instead');
  }
  const tls = recordOf(section['tls_config']);
  const hasCertificate = tls['cert'] !== undefined || tls['cert_file'] !== undefined;
  const hasKey = tls['key'] !== undefined || tls['key_file'] !== undefined;
  if (hasCertificate && !hasKey) {
    report(['tls_config'], 'exactly one of key or key_file must be configured when a client certificate is configured');
  }
  if (hasKey && !hasCertificate) {
    report(['tls_config'], 'exactly one of cert or cert_file must be configured when a client key is configured');
  }
  const [min, max] = [tls['min_version'], tls['max_version']];
  if (typeof min === 'string' && typeof max === 'string' && min > max) {
    report(['tls_config', 'max_version'], 'tls_config.max_version must be greater than or equal to min_version');
  }
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
