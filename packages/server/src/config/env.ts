export type Environment = Readonly<Record<string, string | undefined>>;

/** An environment variable; one that is set to nothing counts as not set. */
export function envString(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}
