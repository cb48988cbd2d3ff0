/** Why a file cannot be read, in words of expected and found. */
export function readFailure(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'expected a file, found nothing of this name';
  if (code === 'EISDIR') return 'expected a file, found a folder';
  if (code === 'EACCES') return 'cannot be read: permission denied';
  return `cannot be read: ${(error as Error).message}`;
}
