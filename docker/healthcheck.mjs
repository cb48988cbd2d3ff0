/** HEALTHCHECK of the images: the server answers /-/healthy, be it that it asks who is there (401). */
const response = await fetch(process.argv[2], { signal: AbortSignal.timeout(4000) }).catch(() => undefined);
process.exit(response !== undefined && (response.ok || response.status === 401) ? 0 : 1);
