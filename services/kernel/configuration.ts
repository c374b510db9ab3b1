// Every setting, in one table: name, default, meaning, how it is read. README.md prints this table (a test holds it to it).
// A setting that cannot be right stops the start with one line: what, why, what to do.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { limits } from './limits.ts';
import type { LogLevel } from './logger.ts';

/** What a setting's text means, or why it means nothing. */
type Parsed<T> = { readonly value: T } | { readonly wrong: string };

interface Setting<T> {
  readonly name: string;
  /** As shown to people; `unset` has no text of its own. */
  readonly default: string;
  readonly meaning: string;
  /** What the configuration holds when the variable is not set. */
  readonly unset: T;
  readonly parse: (text: string) => Parsed<T>;
}

export type Environment = 'development' | 'production';

const PORT_MAX = 65_535;
/** HS256 has 32 bytes of key; a shorter secret is what an attacker would guess instead. */
export const SECRET_BYTES_MIN = 32;
// Base64 or hex of random bytes has more distinct characters than this; words and repetitions have fewer.
const SECRET_DISTINCT_MIN = 10;
const WEAK_WORDS = /secret|password|changeme|change-me|example|default|fanlog|development|0123456789|qwerty/i;

const settings = {
  port: setting('PORT', '8080', 'Port of the HTTP api and the page.', 8080, portNumber),
  edgePort: setting<number | null>('FANLOG_EDGE_PORT', '`PORT` + 1', 'Port of the WebSocket edge.', null, portNumber),
  edgeUrls: setting<readonly string[] | null>(
    'FANLOG_EDGE_URLS',
    'host of the request, edge port',
    'WebSocket addresses told to clients, separated by commas; set it behind a proxy (`wss://chat.example.org`).',
    null,
    webSocketUrls,
  ),
  data: setting(
    'FANLOG_DATA',
    './data',
    'Folder of the embedded log and store. One process at a time.',
    './data',
    path,
  ),
  cache: setting(
    'FANLOG_CACHE',
    '~/.cache/fanlog',
    'Folder for what can be downloaded again.',
    '~/.cache/fanlog',
    path,
  ),
  environment: setting<Environment>(
    'FANLOG_ENV',
    'development',
    '`production` refuses demo users and secrets that are missing or weak.',
    'development',
    oneOf('development', 'production'),
  ),
  secret: setting<string | null>(
    'FANLOG_SECRET',
    'in development: random, kept in the data folder',
    `Signs session tokens; at least ${SECRET_BYTES_MIN} bytes. Needed in production.`,
    null,
    (value) => ({ value }),
  ),
  appKey: setting<string | null>(
    'FANLOG_APP_KEY',
    'none: only accounts can sign in',
    `Signs tokens of your application's own users; accounts are made only with it, then. At least ${SECRET_BYTES_MIN} bytes.`,
    null,
    (value) => ({ value }),
  ),
  demo: setting<boolean | null>(
    'FANLOG_DEMO',
    '`on` in development',
    'Whether the users alice and bob and the group Welcome are made at the first start.',
    null,
    onOrOff,
  ),
  framesPerSecond: setting<number>(
    'FANLOG_FRAMES_PER_SECOND',
    String(limits.frames_per_second),
    'Frames a connection may send per second; twice as many in a burst.',
    limits.frames_per_second,
    wholeNumber(1, 1_000_000),
  ),
  logLevel: setting<LogLevel>(
    'FANLOG_LOG_LEVEL',
    'info',
    'One of `debug`, `info`, `warn`, `error`, `silent`.',
    'info',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
  ),
} as const;

/** Of the cluster profile: shown, so that nobody looks for them, and refused. */
const nextVersion: readonly Pick<Setting<unknown>, 'name' | 'default' | 'meaning'>[] = [
  ['FANLOG_KAFKA', 'Kafka brokers (`host:port`, separated by commas).'],
  ['FANLOG_CASSANDRA', 'Cassandra or Scylla nodes (`host:port`, separated by commas).'],
  ['FANLOG_CASSANDRA_DC', 'Data center that LOCAL_QUORUM means.'],
  ['FANLOG_KEYSPACE', 'Keyspace of the tables.'],
  ['FANLOG_REDIS', 'Redis (`host:port`).'],
].map(([name, meaning]) => ({ name: name!, default: '(next version)', meaning: meaning! }));

const rows = [...Object.values(settings), ...nextVersion];

type Values = { readonly [K in keyof typeof settings]: (typeof settings)[K]['unset'] };

/** All settings, checked against each other; folders absolute. */
export interface Configuration extends Omit<Values, 'edgePort' | 'demo'> {
  readonly edgePort: number;
  readonly demo: boolean;
}

/** The configuration, or one line per mistake. */
export function loadConfiguration(
  env: Readonly<Record<string, string | undefined>>,
): { readonly configuration: Configuration } | { readonly errors: readonly string[] } {
  const errors = [...unknownVariables(env), ...laterVariables(env)];
  const values: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(settings) as [string, Setting<unknown>][]) {
    const text = env[entry.name]?.trim() ?? '';
    if (text === '') {
      values[key] = entry.unset; // compose files pass variables on as empty texts
      continue;
    }
    const parsed = entry.parse(text);
    if ('wrong' in parsed) errors.push(`${entry.name}: ${parsed.wrong}`);
    else values[key] = parsed.value;
  }
  if (errors.length > 0) return { errors };
  const configuration = complete(values as unknown as Values);
  const mistakes = [...wrongSecrets(configuration), ...wrongTogether(configuration)];
  return mistakes.length > 0 ? { errors: mistakes } : { configuration };
}

/** The table as Markdown, for README.md. */
export function settingsMarkdown(): string {
  const lines = rows.map(({ name, default: text, meaning }) => `| \`${name}\` | ${text} | ${meaning} |`);
  return ['| Setting | Default | Meaning |', '| --- | --- | --- |', ...lines].join('\n');
}

/** The table for a terminal: the name on the left, its meaning and default on the right, `columns` wide at most. */
export function settingsText(columns = 100): string {
  const width = Math.max(...settingNames.map((name) => name.length));
  const lines = rows.flatMap(({ name, default: text, meaning }) => {
    const described = `${meaning} ${text.startsWith('(') ? text : `Default: ${text}`}`.replaceAll('`', '');
    return wrap(described, columns - width - 4).map((line, i) => `  ${(i === 0 ? name : '').padEnd(width)}  ${line}`);
  });
  return lines.join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

export const settingNames: readonly string[] = rows.map(({ name }) => name);

function complete(values: Values): Configuration {
  return {
    ...values,
    edgePort: values.edgePort ?? (values.port === 0 ? 0 : values.port + 1),
    data: absolute(values.data),
    cache: absolute(values.cache),
    demo: values.demo ?? values.environment === 'development',
  };
}

function absolute(folder: string): string {
  return folder === '~' || folder.startsWith('~/') ? join(homedir(), folder.slice(1)) : resolve(folder);
}

function wrongSecrets({ environment, secret, appKey }: Configuration): string[] {
  const production = environment === 'production';
  const errors: string[] = [];
  const advice = 'Set the output of: openssl rand -base64 48';
  if (production && secret === null) {
    errors.push(`FANLOG_SECRET: it is not set, and production needs one of its own. ${advice}`);
  }
  for (const [name, value] of [
    ['FANLOG_SECRET', secret],
    ['FANLOG_APP_KEY', appKey],
  ] as const) {
    const why = value === null ? null : weakness(value, production);
    if (why !== null) errors.push(`${name}: it ${why}, so that tokens could be forged. ${advice}`);
  }
  if (production && secret !== null && secret === appKey) {
    errors.push(`FANLOG_APP_KEY: it equals FANLOG_SECRET, so whoever has one has both. ${advice}`);
  }
  return errors;
}

// A short one is refused everywhere: whoever tries a key in development writes the same into production.
function weakness(secret: string, production: boolean): string | null {
  const bytes = new TextEncoder().encode(secret).length;
  if (bytes < SECRET_BYTES_MIN) return `has ${bytes} bytes of the ${SECRET_BYTES_MIN} needed`;
  if (!production) return null;
  if (new Set(secret).size < SECRET_DISTINCT_MIN) return 'repeats the same few characters';
  return WEAK_WORDS.test(secret) ? 'holds a word that is guessed first' : null;
}

function wrongTogether({ environment, demo, port, edgePort }: Configuration): string[] {
  const errors: string[] = [];
  if (environment === 'production' && demo) {
    errors.push('FANLOG_DEMO: production refuses demo users, because their passwords are public. Unset it.');
  }
  if (edgePort > PORT_MAX) {
    errors.push(`PORT: the edge takes the port after it, and ${PORT_MAX} is the last. Set FANLOG_EDGE_PORT too.`);
  }
  if (port !== 0 && port === edgePort) {
    errors.push(`FANLOG_EDGE_PORT: it equals PORT (${port}), and two servers cannot share one. Choose another.`);
  }
  return errors;
}

function laterVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const set = nextVersion.map(({ name }) => name).filter((name) => (env[name]?.trim() ?? '') !== '');
  if (set.length === 0) return [];
  return [`${set.join(', ')}: the cluster profile is not in this version, only the embedded one is. Unset it.`];
}

// A misspelt variable would otherwise be a default that nobody asked for.
function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('FANLOG_') && !settingNames.includes(name))
    .sort()
    .map(
      (name) => `${name}: there is no such setting. Did you mean ${nearest(name, settingNames)}? Rename or unset it.`,
    );
}

function nearest(name: string, names: readonly string[]): string {
  return names.reduce((best, candidate) => (distance(name, candidate) < distance(name, best) ? candidate : best));
}

/** Letters to insert, delete or replace to turn one text into the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function setting<T>(
  name: string,
  defaultText: string,
  meaning: string,
  unset: T,
  parse: (text: string) => Parsed<T>,
): Setting<T> {
  return { name, default: defaultText, meaning, unset, parse };
}

function wholeNumber(min: number, max: number) {
  return (text: string): Parsed<number> => {
    const value = Number(text);
    if (/^[0-9]{1,9}$/.test(text) && value >= min && value <= max) return { value };
    return { wrong: `${quote(text)} is not a whole number from ${min} to ${max}. Set one, or unset it.` };
  };
}

function portNumber(text: string): Parsed<number> {
  const parsed = wholeNumber(0, PORT_MAX)(text);
  if ('value' in parsed) return parsed;
  return { wrong: `${quote(text)} is not a port. Set a number from 1 to ${PORT_MAX}, or 0 for any free one.` };
}

function oneOf<T extends string>(...values: readonly T[]) {
  return (text: string): Parsed<T> => {
    const value = values.find((candidate) => candidate === text);
    if (value !== undefined) return { value };
    return { wrong: `${quote(text)} is none of its values. Set one of ${values.join(', ')}.` };
  };
}

function onOrOff(text: string): Parsed<boolean> {
  const parsed = oneOf('on', 'off')(text);
  return 'value' in parsed ? { value: parsed.value === 'on' } : parsed;
}

function path(text: string): Parsed<string> {
  return text.includes('\0') ? { wrong: 'it is not a path. Set a folder that can be written.' } : { value: text };
}

function webSocketUrls(text: string): Parsed<readonly string[]> {
  const urls = text.split(',').map((part) => part.trim());
  const wrong = urls.find((url) => !URL.canParse(url) || !/^wss?:$/.test(new URL(url).protocol));
  if (wrong === undefined) return { value: urls };
  return { wrong: `${quote(wrong)} is not a WebSocket address. Begin it with ws:// or wss://.` };
}

/** What was given, short and on one line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
