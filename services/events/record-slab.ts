// Memory for encoded records: they are written one behind the other into large slabs, because an allocation and a
// zeroing for each costs more than the encoding. A record is a view into its slab and is never moved or overwritten.
const SLAB_BYTES = 512 * 1024;

/** Writes at `position`, returns the position behind it, or minus the missing bytes if it did not fit. */
type Write = (buffer: Buffer, position: number) => number;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let used = 0;

export function writeRecord(write: Write): Buffer {
  let end = write(slab, used);
  // A negative end says how many bytes were missing, as far as the writer had come: so it may take more than one try.
  for (let bytes = SLAB_BYTES; end < 0; bytes *= 2) {
    slab = Buffer.allocUnsafeSlow(Math.max(bytes, slab.length - used - end));
    used = 0;
    end = write(slab, used);
  }
  const record = slab.subarray(used, end);
  used = end;
  return record;
}
