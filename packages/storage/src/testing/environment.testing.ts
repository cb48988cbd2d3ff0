/** Sets variables of the process (undefined: unsets them) and answers a function that puts the old ones back. */
export function withEnvironment(set: Readonly<Record<string, string | undefined>>): () => void {
  const before = Object.fromEntries(Object.keys(set).map((name) => [name, process.env[name]]));
  assign(set);
  return () => assign(before);
}

function assign(set: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(set)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
