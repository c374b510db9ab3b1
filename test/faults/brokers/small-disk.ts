// A small file system in memory for one broker's log, which can be filled to the last byte and emptied again.
//
// It is mounted in a namespace of its own, so that nobody else sees it, and it goes with the namespace. A broker that
// cannot write to its only log folder any more ends by itself.
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KafkaNode } from '../../../infra/local/kafka.ts';
import { type Namespace, openNamespace } from './namespace.ts';

/** A broker's log of some minutes of load is a tenth of it. */
const SIZE_MB = 192;
const BALLAST = 'ballast';
// Large ones first; what is left then is less than a page.
const PIECES_BYTES = [1024 * 1024, 4096, 1];

export interface SmallDisk {
  /** The broker whose log is on it. */
  readonly id: number;
  /** Not a byte is left. */
  fill(): void;
  /** All of that is free again. */
  makeRoom(): void;
}

export class MountedDisk implements SmallDisk {
  readonly id: number;
  readonly #namespace: Namespace;
  /** As it is called in the namespace. */
  readonly #folder: string;

  private constructor(id: number, namespace: Namespace, folder: string) {
    this.id = id;
    this.#namespace = namespace;
    this.#folder = folder;
  }

  /** For broker `id`. @throws NotOnThisMachineError, NamespaceError; nothing is left of it then */
  static async mount(id: number): Promise<MountedDisk> {
    const folder = mkdtempSync(join(tmpdir(), 'fanlog-small-disk-'));
    // By then the broker may be dying still: the mount is let go of, whoever uses it.
    const atEnd = ['/bin/sh', '-c', 'umount -l "$0"; rmdir "$0"', folder];
    let namespace: Namespace | undefined;
    try {
      namespace = await openNamespace('mount', atEnd);
      await namespace.run('mount', '-t', 'tmpfs', '-o', `size=${SIZE_MB}m`, 'fanlog-small-disk', folder);
      return new MountedDisk(id, namespace, folder);
    } catch (error) {
      await namespace?.close();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The node, if it is the one, with its log on the disk. */
  place(node: KafkaNode): KafkaNode {
    if (node.id !== this.id) return node;
    return { ...node, logFolder: join(this.#folder, 'log'), enter: this.#namespace.enter };
  }

  fill(): void {
    for (const bytes of PIECES_BYTES) {
      try {
        for (const piece = Buffer.alloc(bytes); ; ) appendFileSync(this.#ballast, piece);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  }

  makeRoom(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** After the broker has ended. */
  close(): Promise<void> {
    return this.#namespace.close();
  }

  /** Seen from outside: the file systems of a process are below its entry in /proc. */
  get #ballast(): string {
    return join(`/proc/${this.#namespace.pid}/root`, this.#folder, BALLAST);
  }
}
