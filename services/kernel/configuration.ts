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
  operationsPort: setting<number | null>(
    'FANLOG_OPERATIONS_PORT',
    '`PORT` + 2',
    'Port of `/livez`, `/readyz` and `/metrics`; every process has one.',
    null,
    portNumber,
  ),
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
  kafka: setting<readonly string[] | null>(
    'FANLOG_KAFKA',
    'none: the embedded profile',
    'Kafka brokers (`host:port`, separated by commas). With this and the next two set, it is the cluster profile.',
    null,
    hostPorts,
  ),
  cassandra: setting<readonly string[] | null>(
    'FANLOG_CASSANDRA',
    'none: the embedded profile',
    'Cassandra or Scylla nodes (`host:port`, separated by commas).',
    null,
    hostPorts,
  ),
  redis: setting<string | null>(
    'FANLOG_REDIS',
    'none: the embedded profile',
    'Redis (`host:port`, or `redis://user:password@host:port`).',
    null,
    redisEndpoint,
  ),
  dataCenter: setting(
    'FANLOG_CASSANDRA_DC',
    'datacenter1',
    'Data center of Cassandra that LOCAL_QUORUM means.',
    'datacenter1',
    (value): Parsed<string> => ({ value }),
  ),
  keyspace: setting('FANLOG_KEYSPACE', 'fanlog', 'Keyspace of the tables.', 'fanlog', keyspaceName),
  prefix: setting(
    'FANLOG_PREFIX',
    'none',
    'Stands before the names of topics and Redis keys; with FANLOG_KEYSPACE, for several installations on the same servers.',
    '',
    namePrefix,
  ),
  logLevel: setting<LogLevel>(
    'FANLOG_LOG_LEVEL',
    'info',
    'One of `debug`, `info`, `warn`, `error`, `silent`.',
    'info',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
  ),
} as const;

const rows = Object.values(settings);

type Values = { readonly [K in keyof typeof settings]: (typeof settings)[K]['unset'] };

/** Where the servers of the cluster profile are, and what is ours on them. */
export interface ClusterSettings {
  /** `host:port` of some of the brokers. */
  readonly kafka: readonly string[];
  /** `host:port` of some of the nodes. */
  readonly cassandra: readonly string[];
  readonly dataCenter: string;
  readonly keyspace: string;
  /** `host:port`, or a URL. */
  readonly redis: string;
  /** Before the names of topics and Redis keys. */
  readonly prefix: string;
}

type ClusterKeys = 'kafka' | 'cassandra' | 'redis' | 'dataCenter' | 'keyspace' | 'prefix';

/** All settings, checked against each other; folders absolute. */
export interface Configuration extends Omit<Values, 'edgePort' | 'operationsPort' | 'demo' | ClusterKeys> {
  readonly edgePort: number;
  readonly operationsPort: number;
  readonly demo: boolean;
  /** null: the embedded profile. */
  readonly cluster: ClusterSettings | null;
}

/** The configuration, or one line per mistake. */
export function loadConfiguration(
  env: Readonly<Record<string, string | undefined>>,
): { readonly configuration: Configuration } | { readonly errors: readonly string[] } {
  const errors = unknownVariables(env);
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
  const halfCluster = missingServers(values as unknown as Values);
  if (halfCluster !== null) return { errors: [halfCluster] };
  const configuration = complete(values as unknown as Values);
  const mistakes = [...wrongSecrets(configuration), ...wrongTogether(configuration)];
  return mistakes.length > 0 ? { errors: mistakes } : { configuration };
}

/** Where the log is, for commands that only read it: they need no secret, and no other server. Or one line per mistake. */
export function loadLogAddress(
  env: Readonly<Record<string, string | undefined>>,
): Pick<Values, 'data' | 'kafka' | 'prefix'> | { readonly errors: readonly string[] } {
  const errors = unknownVariables(env);
  const given = <T>({ name, parse, unset }: Setting<T>): T => {
    const text = env[name]?.trim() ?? '';
    const parsed = text === '' ? { value: unset } : parse(text);
    if ('value' in parsed) return parsed.value;
    errors.push(`${name}: ${parsed.wrong}`);
    return unset;
  };
  const { data, kafka, prefix } = settings;
  const address = { data: absolute(given(data)), kafka: given(kafka), prefix: given(prefix) };
  return errors.length > 0 ? { errors } : address;
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
  const { kafka, cassandra, redis, dataCenter, keyspace, prefix, ...rest } = values;
  const after = (ports: number) => (values.port === 0 ? 0 : values.port + ports);
  return {
    ...rest,
    edgePort: values.edgePort ?? after(1),
    operationsPort: values.operationsPort ?? after(2),
    data: absolute(values.data),
    cache: absolute(values.cache),
    demo: values.demo ?? values.environment === 'development',
    cluster:
      kafka === null || cassandra === null || redis === null
        ? null
        : { kafka, cassandra, redis, dataCenter, keyspace, prefix },
  };
}

/** One line when some of the cluster's servers are named and others are not. */
function missingServers({ kafka, cassandra, redis }: Values): string | null {
  const servers = { FANLOG_KAFKA: kafka, FANLOG_CASSANDRA: cassandra, FANLOG_REDIS: redis };
  const missing = Object.entries(servers).flatMap(([name, value]) => (value === null ? [name] : []));
  if (missing.length === 0 || missing.length === Object.keys(servers).length) return null;
  const given = Object.keys(servers).filter((name) => !missing.includes(name));
  const names = `${given.join(' and ')} ${given.length === 1 ? 'is' : 'are'}`;
  return `${missing.join(', ')}: not set, while ${names}. Set all three for the cluster profile, or none.`;
}

function absolute(folder: string): string {
  return folder === '~' || folder.startsWith('~/') ? join(homedir(), folder.slice(1)) : resolve(folder);
}

function wrongSecrets({ environment, secret, appKey, cluster }: Configuration): string[] {
  const production = environment === 'production';
  const errors: string[] = [];
  const advice = 'Set the output of: openssl rand -base64 48';
  if (production && secret === null) {
    errors.push(`FANLOG_SECRET: it is not set, and production needs one of its own. ${advice}`);
  } else if (cluster !== null && secret === null) {
    errors.push(`FANLOG_SECRET: it is not set, and the processes of a cluster must share one. ${advice}`);
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

function wrongTogether({ environment, demo, port, edgePort, operationsPort }: Configuration): string[] {
  const errors: string[] = [];
  if (environment === 'production' && demo) {
    errors.push('FANLOG_DEMO: production refuses demo users, because their passwords are public. Unset it.');
  }
  if (edgePort > PORT_MAX) {
    errors.push(`PORT: the edge takes the port after it, and ${PORT_MAX} is the last. Set FANLOG_EDGE_PORT too.`);
  } else if (operationsPort > PORT_MAX) {
    errors.push(`PORT: operations take the second port after it, and ${PORT_MAX} is the last. Set a lower one.`);
  }
  if (port !== 0 && port === edgePort) {
    errors.push(`FANLOG_EDGE_PORT: it equals PORT (${port}), and two servers cannot share one. Choose another.`);
  }
  if (operationsPort !== 0 && (operationsPort === port || operationsPort === edgePort)) {
    const other = operationsPort === port ? 'PORT' : 'the port of the edge';
    errors.push(`FANLOG_OPERATIONS_PORT: it equals ${other} (${operationsPort}), and two servers cannot share one.`);
  }
  return errors;
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

function hostPorts(text: string): Parsed<readonly string[]> {
  const addresses = text.split(',').map((part) => part.trim());
  const wrong = addresses.find((address) => !isHostPort(address));
  if (wrong === undefined) return { value: addresses };
  return { wrong: `${quote(wrong)} is not host:port. Write it like 10.0.0.1:9092, several separated by commas.` };
}

function redisEndpoint(text: string): Parsed<string> {
  if (/^rediss?:\/\//.test(text) ? URL.canParse(text) : isHostPort(text)) return { value: text };
  return { wrong: 'it is neither host:port nor redis://host:port. Write it like 10.0.0.1:6379.' }; // may hold a password
}

/** IPv6 addresses stand in brackets. */
function isHostPort(text: string): boolean {
  const port = Number(/^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+):([0-9]{1,5})$/i.exec(text)?.[1] ?? 0);
  return port >= 1 && port <= PORT_MAX;
}

// Cassandra's own rule; unquoted names are lower case.
function keyspaceName(text: string): Parsed<string> {
  // `fanlog_t1` holds rebuilt tables of `fanlog`.
  if (/^[a-z][a-z0-9_]{0,47}$/.test(text) && !/_t[0-9]+$/.test(text)) return { value: text };
  return {
    wrong: `${quote(text)} is no keyspace. Use 1 to 48 of a-z, 0-9 and _, a letter first, and no _t and number at the end.`,
  };
}

// What Kafka allows in names, and short: a topic has 249 characters.
function namePrefix(text: string): Parsed<string> {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(text)) return { value: text };
  return { wrong: `${quote(text)} cannot stand in names. Use 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-".` };
}

/** What was given, short and on one line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
