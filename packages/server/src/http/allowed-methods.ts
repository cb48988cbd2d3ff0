/** Knows which methods each path has, to answer 405 rather than 404. */
export interface RouteTable {
  add(pattern: string, methods: string | readonly string[]): void;
  /** The methods that the path of a request target has routes for, sorted; empty when it has none. */
  methodsOf(url: string): readonly string[];
}

export function createRouteTable(): RouteTable {
  const routes = new Map<string, { readonly segments: readonly string[]; readonly methods: Set<string> }>();
  return {
    add(pattern, methods) {
      let route = routes.get(pattern);
      if (route === undefined) routes.set(pattern, (route = { segments: pattern.split('/'), methods: new Set() }));
      for (const method of typeof methods === 'string' ? [methods] : methods) route.methods.add(method);
    },
    methodsOf(url) {
      const query = url.indexOf('?');
      const segments = (query < 0 ? url : url.slice(0, query)).split('/');
      const methods = new Set<string>();
      for (const route of routes.values()) {
        if (matches(route.segments, segments)) for (const method of route.methods) methods.add(method);
      }
      return [...methods].sort();
    },
  };
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  for (const [i, segment] of pattern.entries()) {
    if (segment === '*') return path.length > i;
    if (path[i] === undefined) return false;
    if (segment.startsWith(':') ? path[i] === '' : segment !== path[i]) return false;
  }
  return pattern.length === path.length;
}
