import type { Call } from '../../ast.ts';
import { fail } from '../errors.ts';
import type { Evaluator } from '../evaluate.ts';
import type { Grid, VectorValue } from '../value.ts';

/** `info(v, {…})`: adds the data labels of info series to the series of v. */
export async function evaluateInfo(_evaluator: Evaluator, _node: Call, _grid: Grid): Promise<VectorValue> {
  return fail('info() is not supported');
}
