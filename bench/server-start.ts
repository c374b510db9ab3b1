// What the servers of both profiles start with.
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../infra/local/project-folder.ts';
import { filesystemOf, isInMemory } from './conditions.ts';

/** No sender of a scenario comes near it. */
export const FRAMES_PER_SECOND = 1_000_000;

/** A free port, told on standard error. */
export const INSPECTOR_ARGUMENT = '--inspect=127.0.0.1:0';
const INSPECTOR_URL = /^Debugger listening on (ws:\/\/\S+)$/m;
const INSPECTOR_LINE = /^(Debugger (listening|attached|ending)|For help, see: )/;

export interface DataFolder {
  readonly path: string;
  readonly filesystem: string;
}

/** A new one. @throws Error when it would be in memory, where nothing is flushed. */
export function makeDataFolder(): DataFolder {
  const parent = join(projectFolder(), 'data');
  mkdirSync(parent, { recursive: true });
  const filesystem = filesystemOf(parent);
  if (isInMemory(filesystem))
    throw new Error(`data/ stands on ${filesystem}, which is no disk: nothing would be flushed`);
  return { path: mkdtempSync(join(parent, 'bench-')), filesystem };
}

/** What `npm start` gives to Node: a server is measured as it is run. */
export function startArguments(): string[] {
  const file = join(projectFolder(), 'package.json');
  const { scripts } = JSON.parse(readFileSync(file, 'utf8')) as { scripts: { start: string } };
  return scripts.start.split(' ').filter((part) => part.startsWith('--'));
}

/** This environment with the bench's own settings, whatever settings stand in it; `kept` are no settings of a server. */
export function serverEnvironment(appKey: string, kept: readonly string[] = []): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FANLOG_') || kept.includes(name));
  return {
    ...Object.fromEntries(inherited),
    FANLOG_APP_KEY: appKey,
    FANLOG_DEMO: 'off',
    FANLOG_FRAMES_PER_SECOND: String(FRAMES_PER_SECOND),
    FANLOG_LOG_LEVEL: 'warn',
  };
}

/** From what a process said on standard error; null if it did not. */
export function inspectorUrlIn(text: string): string | null {
  return INSPECTOR_URL.exec(text)?.[1] ?? null;
}

/** Without what the inspector says: the lines that somebody should read. */
export function notableLines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '' && !INSPECTOR_LINE.test(line));
}
