// For a server that another process runs for itself: it ends when that process does, even by kill -9. The parent holds
// the other end of our standard input and writes nothing; the system closes it with the parent.

/** Calls `end` once, when `input` (a pipe from the parent) is closed. */
export function endWithParent(input: NodeJS.ReadableStream, end: () => void): void {
  let ended = false;
  const once = () => {
    if (ended) return;
    ended = true;
    end();
  };
  input.on('end', once);
  input.on('close', once);
  input.on('error', once);
  input.resume();
}
