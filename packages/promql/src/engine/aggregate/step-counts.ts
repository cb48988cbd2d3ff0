import type { QueryContext } from '../context.ts';
import { stepSeriesBytes } from '../memory.ts';
import { columnAllocator, FLOAT, presenceAllocator } from '../value.ts';

/** The columns of a series. */
interface CountColumns {
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

/** Counts of numbered things by step. */
export interface StepCounts {
  /** Counts one. @param number of the thing; a new one has the number of things so far */
  add(number: number, step: number): void;
  /** To be asked for when all is counted; things with the same counts may share theirs. */
  columnsOf(number: number): CountColumns;
}

/**
 * Where there are very many things, nearly all of them are there at one step only: those have no columns of their own,
 * but those of all things with the same count at that step.
 */
export function createStepCounts(ctx: QueryContext, count: number): StepCounts {
  const allocateValues = columnAllocator(count);
  const allocatePresent = presenceAllocator(count);
  /** By number: the step at which it was seen, how often there, and its columns once there is a second step. */
  const steps: number[] = [];
  const counts: number[] = [];
  const values: (Float64Array | undefined)[] = [];
  const presents: (Uint8Array | undefined)[] = [];
  const shared = new Map<number, CountColumns>();

  const columnsWith = (step: number, times: number): CountColumns => {
    ctx.memory.hold(stepSeriesBytes(count) - stepSeriesBytes(0));
    const made = { values: allocateValues(), present: allocatePresent() };
    made.values[step] = times;
    made.present[step] = FLOAT;
    return made;
  };

  return {
    add(number, step) {
      let own = values[number];
      if (own === undefined) {
        if (number === steps.length) {
          ctx.memory.hold(stepSeriesBytes(0));
          steps.push(step);
          counts.push(1);
          values.push(undefined);
          presents.push(undefined);
          return;
        }
        if (steps[number] === step) {
          counts[number]!++;
          return;
        }
        const made = columnsWith(steps[number]!, counts[number]!);
        own = values[number] = made.values;
        presents[number] = made.present;
      }
      own[step]!++;
      presents[number]![step] = FLOAT;
    },
    columnsOf(number) {
      const own = values[number];
      if (own !== undefined) return { values: own, present: presents[number]! };
      const key = counts[number]! * count + steps[number]!;
      let alike = shared.get(key);
      if (alike === undefined) shared.set(key, (alike = columnsWith(steps[number]!, counts[number]!)));
      return alike;
    },
  };
}
