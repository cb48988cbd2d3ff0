// AssemblyScript. Built by `node packages/promql/wasm/build.mjs` into src/engine/range/rate-sums-kernel.ts.

/**
 * Adds the rate of a counter without resets to sums, at the steps from `from` up to `to`: bit by bit what rate.ts and
 * accumulate.ts do one after the other.
 * @param plan columns of `length` steps: offsets in bytes of the first and of the last value of each window (i32), then,
 * as f64, factor, cut ratio, seconds sampled, seconds to the start and to the end (see `Extrapolation` in rate.ts)
 * @param sums columns of `length` steps: sums, and what their additions lost
 */
export function addRates(
  plan: usize,
  length: usize,
  values: usize,
  sums: usize,
  from: usize,
  to: usize,
  perSeconds: f64,
): void {
  const lasts = plan + (length << 2);
  const factors = lasts + (length << 2);
  const cuts = factors + (length << 3);
  const losses = sums + (length << 3);
  let step = from;
  for (; step + 2 <= to; step += 2) {
    const first = load<u64>(plan + (step << 2));
    const last = load<u64>(lasts + (step << 2));
    const at = step << 3;
    let start = v128.load64_zero(values + <usize>(<u32>first));
    start = v128.load_lane<u64>(values + <usize>(first >> 32), start, 1);
    let end = v128.load64_zero(values + <usize>(<u32>last));
    end = v128.load_lane<u64>(values + <usize>(last >> 32), end, 1);
    const increase = f64x2.sub(end, start);
    let rate = f64x2.mul(increase, v128.load(factors + at));
    const isLow = f64x2.le(start, f64x2.mul(v128.load(cuts + at), increase));
    if (v128.any_true(v128.and(isLow, f64x2.gt(increase, f64x2.splat(0))))) {
      const low = f64x2.extract_lane(rate, 0);
      const high = f64x2.extract_lane(rate, 1);
      rate = f64x2.splat(
        rateAt(cuts, length, step, f64x2.extract_lane(start, 0), f64x2.extract_lane(increase, 0), low, perSeconds),
      );
      rate = f64x2.replace_lane(
        rate,
        1,
        rateAt(cuts, length, step + 1, f64x2.extract_lane(start, 1), f64x2.extract_lane(increase, 1), high, perSeconds),
      );
    }
    const before = v128.load(sums + at);
    const after = f64x2.add(before, rate);
    const added = f64x2.sub(after, before);
    const lost = f64x2.add(f64x2.sub(before, f64x2.sub(after, added)), f64x2.sub(rate, added));
    v128.store(losses + at, f64x2.add(v128.load(losses + at), lost));
    v128.store(sums + at, after);
  }
  if (step < to) {
    const at = step << 3;
    const start = load<f64>(values + <usize>load<u32>(plan + (step << 2)));
    const increase = load<f64>(values + <usize>load<u32>(lasts + (step << 2))) - start;
    const rate = rateAt(cuts, length, step, start, increase, increase * load<f64>(factors + at), perSeconds);
    const before = load<f64>(sums + at);
    const after = before + rate;
    const added = after - before;
    store<f64>(losses + at, load<f64>(losses + at) + (before - (after - added) + (rate - added)));
    store<f64>(sums + at, after);
  }
}

/** The rate where the line may cross zero before the window's start. */
// @ts-ignore: decorator
@inline
function rateAt(
  cuts: usize,
  length: usize,
  step: usize,
  start: f64,
  increase: f64,
  rate: f64,
  perSeconds: f64,
): f64 {
  const cut = cuts + (step << 3);
  if (!(increase > 0 && start >= 0 && start <= load<f64>(cut) * increase)) return rate;
  const column = length << 3;
  const sampled = load<f64>(cut + column);
  const toStart = Math.min(load<f64>(cut + 2 * column), sampled * (start / increase));
  return increase * ((sampled + toStart + load<f64>(cut + 3 * column)) / sampled / perSeconds);
}
