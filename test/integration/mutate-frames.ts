// Damages frames the way broken clients, broken networks and people with bad intent do. Same seed, same damage.

export type Random = () => number;

/** Uniform in [0, 1) (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Mutation = (frame: Buffer, random: Random) => Buffer;

const place = (frame: Buffer, random: Random) => Math.floor(random() * (frame.length + 1));
const replaceText = (frame: Buffer, pattern: RegExp, text: string) =>
  Buffer.from(frame.toString('utf8').replace(pattern, () => text));

function insert(frame: Buffer, at: number, bytes: Buffer): Buffer {
  return Buffer.concat([frame.subarray(0, at), bytes, frame.subarray(at)]);
}

const INSERTIONS = [
  '{',
  '}',
  '[',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  '\\udfff\\ud800',
  '\u0000',
  '\u{feff}',
  ',"id":9007199254740993',
  ',"__proto__":{}',
  'null',
  '1e999',
  '-0',
].map((text) => Buffer.from(text));

const VALUES = ['null', 'true', '-1', '0', '1.5', '1e308', '9007199254740993', `1${'0'.repeat(400)}`, '""', '[]', '{}'];

const MUTATIONS: readonly Mutation[] = [
  // a bit
  (frame, random) => {
    const damaged = Buffer.from(frame);
    if (damaged.length > 0) damaged[Math.floor(random() * damaged.length)]! ^= 1 << Math.floor(random() * 8);
    return damaged;
  },
  // cut off
  (frame, random) => frame.subarray(0, place(frame, random)),
  // a part twice
  (frame, random) => {
    const [from, to] = [place(frame, random), place(frame, random)].sort((a, b) => a - b) as [number, number];
    return insert(frame, to, frame.subarray(from, to));
  },
  // something in between
  (frame, random) => insert(frame, place(frame, random), INSERTIONS[Math.floor(random() * INSERTIONS.length)]!),
  // random bytes
  (frame, random) => {
    const bytes = Buffer.from(Array.from({ length: 1 + Math.floor(random() * 8) }, () => Math.floor(random() * 256)));
    return insert(frame, place(frame, random), bytes);
  },
  // another value for a number
  (frame, random) => replaceText(frame, /(?<=:)\d+/, VALUES[Math.floor(random() * VALUES.length)]!),
  // another value for a text
  (frame, random) => replaceText(frame, /(?<=:)"[^"]*"/, VALUES[Math.floor(random() * VALUES.length)]!),
  // half a surrogate pair
  (frame) => replaceText(frame, /(?<=:")/g, '\\ud83d'),
  // nested
  (frame, random) => {
    const depth = 1 + Math.floor(random() * 2_000);
    return insert(frame, place(frame, random), Buffer.from('[{"a":'.repeat(depth)));
  },
  // long
  (frame, random) => insert(frame, place(frame, random), Buffer.alloc(Math.floor(random() * 70_000), '9')),
];

/** `frame`, damaged once or a few times. */
export function mutate(frame: Buffer, random: Random): Buffer {
  let damaged = frame;
  do damaged = MUTATIONS[Math.floor(random() * MUTATIONS.length)]!(damaged, random);
  while (random() < 0.3);
  return damaged;
}
