import { compareStrings } from '@opendata/promql';
import type { OtlpExemplar } from '@opendata/wire';
import { type Exemplar, MAX_EXEMPLAR_LABEL_CHARACTERS } from '../head/exemplars.ts';

/** The exemplar with `trace_id` and `span_id`, and with its attributes where all together are short enough. */
export function exemplarOf(exemplar: OtlpExemplar, pointMs: number): Exemplar {
  const { attributes, timeMs, value, traceId, spanId } = exemplar;
  const labels = new Map<string, string>();
  let characters = 0;
  const add = (name: string, text: string) => {
    if (text === '') return;
    labels.set(name, text);
    characters += name.length + text.length;
  };
  add('trace_id', traceId);
  add('span_id', spanId);
  for (const text of attributes) for (const _character of text) characters++;
  if (characters <= MAX_EXEMPLAR_LABEL_CHARACTERS) {
    for (let i = 0; i < attributes.length; i += 2) labels.set(attributes[i]!, attributes[i + 1]!);
  }
  const sorted = [...labels].sort(([a], [b]) => compareStrings(a, b)).flat();
  return { labels: sorted, value, timestampMs: timeMs === 0 ? pointMs : timeMs };
}
