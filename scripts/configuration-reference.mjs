/**
 * Writes docs/configuration.md, the reference of every key and flag, from the schemas and flags of the servers:
 *
 *   npm run build && node scripts/configuration-reference.mjs
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { configurationRows, refusedKeys } from './configuration-rows.mjs';

export const referenceFile = new URL('../docs/configuration.md', import.meta.url);

const environment = [
  ['`LOG_LEVEL`', '`info`', '`trace`, `debug`, `info`, `warn`, `error`, `fatal`, `off`, or a list by component'],
  ['`RUST_LOG`', '', 'The same, where `LOG_LEVEL` is not set'],
];

/** The text of the reference. */
export function renderConfigurationReference({ timeSeries, log, settings, settingsDefaults, web, flags }) {
  return `# Configuration reference

Made from the servers' own schemas by \`scripts/configuration-reference.mjs\`; a test fails where it is not what they say.
What the keys do together: [timeseries.md](timeseries.md), [log.md](log.md), [configuration-storage.md](configuration-storage.md),
[web-config.md](web-config.md), [server.md](server.md).

A key that is not here, a key that is there twice and a value of another type are errors at start that name file, line,
column and key. \`a.b\` is the key \`b\` in the mapping \`a\`, \`a[].b\` that of every entry of the list \`a\`. An empty default
means that there is none, or that it is told under the meaning.

## opendata-timeseries

### Command line

${flagTable(flags.timeSeries)}

### Configuration file (\`--config\`)

${keyTable(configurationRows(timeSeries))}

${refusal(timeSeries)}

## opendata-log

### Command line

${flagTable(flags.log)}

### Configuration file (\`--config\`)

\`storage\` has the keys of [opendata-timeseries](#opendata-timeseries), too.

${keyTable(configurationRows(log).filter(({ path }) => !path.startsWith('storage.')))}

## SlateDB settings file (\`storage.settings_path\`)

Of both servers. Sizes are whole numbers of bytes; durations have a unit and stand in quotes.

${keyTable(configurationRows(settings, flattened(settingsDefaults)))}

## Web configuration file (\`--web.config.file\`)

Of both servers: [web-config.md](web-config.md).

${keyTable(configurationRows(web))}

## Environment

Credentials and what else of the object store comes from the environment:
[configuration-storage.md](configuration-storage.md#credentials).

${table(['variable', 'default', 'meaning'], environment)}
`;
}

function keyTable(rows) {
  return table(
    ['key', 'type', 'unit', 'default', 'meaning'],
    rows.map(({ path, type, unit, defaultValue, meaning }) => [`\`${path}\``, type, unit, defaultValue, meaning]),
  );
}

function flagTable(flags) {
  return table(
    ['flag', 'environment', 'type', 'default', 'meaning'],
    Object.entries(flags).map(([name, flag]) => [
      flag.short === undefined ? `\`--${name}\`` : `\`--${name}\`, \`-${flag.short}\``,
      flag.env === undefined ? '' : `\`${flag.env}\``,
      flagTypes[flag.type],
      flag.default === undefined ? '' : `\`${flag.default}\``,
      flag.help,
    ]),
  );
}

const flagTypes = {
  string: 'text',
  boolean: 'on or off',
  port: 'port',
  integer: 'whole number',
  duration: 'duration',
  list: 'text, may be repeated',
};

function refusal(schema) {
  const keys = refusedKeys(schema).map((key) => `\`${key}\``);
  return keys.length === 0 ? '' : `Keys of Prometheus that are refused with what to do instead: ${keys.join(', ')}.`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function flattened(values, prefix = '') {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      typeof value === 'object' ? Object.entries(flattened(value, `${prefix}${key}.`)) : [[prefix + key, value]],
    ),
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const built = (path) => import(new URL(`../packages/${path}`, import.meta.url).href);
  const [timeSeries, log, settings, web, timeSeriesFlags, logFlags] = await Promise.all([
    built('timeseries/dist/model/config.js'),
    built('log/dist/config.js'),
    built('storage/dist/settings.js'),
    built('server/dist/web/web-config.js'),
    built('timeseries/dist/flags.js'),
    built('log/dist/flags.js'),
  ]);
  writeFileSync(
    referenceFile,
    renderConfigurationReference({
      timeSeries: timeSeries.timeSeriesConfigSchema,
      log: log.logConfigSchema,
      settings: settings.slateSettingsSchema,
      settingsDefaults: {
        ...settings.slateSettingsDefaults.engine,
        max_unflushed_bytes: settings.slateSettingsDefaults.maxUnflushedBytes,
      },
      web: web.webConfigSchema,
      flags: { timeSeries: timeSeriesFlags.serverFlags, log: logFlags.serverFlags },
    }),
  );
}
