// The file: plain or gzip (told by its first bytes, not its name), cut into lines, collected by room.
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BadInput } from './bad-input.ts';
import { type HistoryLine, parseHistoryLine } from './history-line.ts';

export interface Room {
  readonly name: string;
  /** In file order; at least one. */
  readonly lines: readonly HistoryLine[];
}

/** A text of 16 KiB with every character escaped is 96 KiB. */
const LINE_CHARACTERS_MAX = 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The first `rooms_max` rooms in file order. The whole file is read and checked: a room may go on anywhere in it.
 * @throws BadInput
 */
export async function readHistory(path: string, rooms_max: number): Promise<Room[]> {
  const rooms = new Map<string, HistoryLine[]>();
  let number = 0;
  try {
    for await (const text of readLines(await openFile(path))) {
      number++;
      if (text === '') continue; // a file may end with an empty line
      const { room, line } = parseHistoryLine(text, number);
      const lines = rooms.get(room);
      if (lines !== undefined) lines.push(line);
      else if (rooms.size < rooms_max) rooms.set(room, [line]);
    }
  } catch (error) {
    if (error instanceof BadInput) throw new BadInput(`${path}: ${error.message}`);
    throw new BadInput(`${path} cannot be read: ${reasonOf(error)}.`);
  }
  if (rooms.size === 0) throw new BadInput(`${path} holds no lines.`);
  return [...rooms].map(([name, lines]) => ({ name, lines }));
}

async function openFile(path: string): Promise<Readable> {
  if ((await stat(path)).isDirectory()) throw new Error('it is a folder');
  const file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0).finally(() => file.close());
  const source = createReadStream(path);
  if (bytesRead < 2 || buffer[0] !== 0x1f || buffer[1] !== 0x8b) return source;
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  return source.pipe(gunzip);
}

// Cut at \n and nothing else: JSON may hold U+2028 and its like unescaped, where node:readline cuts too.
async function* readLines(stream: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      yield decoder.decode(bytes.subarray(start, end));
      start = end + 1;
    }
    rest = Buffer.from(bytes.subarray(start));
    if (rest.length > LINE_CHARACTERS_MAX) throw new Error(`a line is longer than ${LINE_CHARACTERS_MAX} bytes`);
  }
  if (rest.length > 0) yield decoder.decode(rest);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'its permissions do not allow it';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'it is not UTF-8';
  if (code?.startsWith('Z_') === true) return 'it is a damaged gzip file';
  return message;
}
