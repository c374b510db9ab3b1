// What the end of a connection means: 4500-4999 would come again, everything else may not.
import { type ErrorCode, type ErrorEntry, errorCatalogue } from '../kernel/errors.ts';

const FATAL_CLOSE_CODE_MIN = 4_500;
const FATAL_CLOSE_CODE_MAX = 4_999;
/** A connection that broke without a close frame. */
export const BROKEN = 1006;

export function isFatal(closeCode: number): boolean {
  return closeCode >= FATAL_CLOSE_CODE_MIN && closeCode <= FATAL_CLOSE_CODE_MAX;
}

/** The catalogue's code of a close code. */
export function codeOf(closeCode: number): ErrorCode | 'connection_refused' {
  const found = Object.entries<ErrorEntry>(errorCatalogue).find(([, { close }]) => close === closeCode);
  return found === undefined ? 'connection_refused' : (found[0] as ErrorCode);
}

/** How a connection ends whose hello was refused with `code`, which a later server may have added. */
export function closeCodeOf(code: ErrorCode): number {
  const entry: ErrorEntry | undefined = errorCatalogue[code];
  if (entry === undefined) return BROKEN;
  return entry.close ?? (entry.retry ? BROKEN : FATAL_CLOSE_CODE_MIN);
}
