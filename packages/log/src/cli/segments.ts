import { defineCommand } from '@opendata/server/cli';
import { connectionFlags, jsonFlag, rangeFlags } from './common-flags.ts';

export const segmentsCommand = defineCommand({
  summary: 'List the segments of the log',
  flags: { ...connectionFlags, json: jsonFlag, ...rangeFlags },
  async run({ flags, signal, output }) {
    const { connect } = await import('./connection.ts');
    const { timeText } = await import('./record-output.ts');
    const { start, end } = flags;
    await using log = connect(flags);
    const segments = await log.segments({ start, end, signal });
    if (flags.json) for (const segment of segments) await output.json(segment);
    else {
      const rows = segments.map(({ id, startSequence, startTimeMs }) => [
        String(id),
        String(startSequence),
        timeText(startTimeMs),
        ageText(Date.now() - startTimeMs),
      ]);
      await output.table(['id', 'start sequence', 'start time', 'age'], rows);
    }
  },
});

/** The two largest units, as `3d4h`. */
function ageText(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join('');
}
