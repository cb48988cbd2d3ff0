import { totalmem } from 'node:os';

/** The memory of the container, or of the machine where there is no smaller limit; bytes. */
export function availableMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return constrained !== undefined && constrained > 0 && constrained < total ? constrained : total;
}
