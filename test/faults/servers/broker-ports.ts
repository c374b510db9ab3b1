// Changes the brokers' ports in Kafka's answers (metadata, coordinators), so that whoever comes through a proxy stays with
// the proxies:
//
//   … 00 09 '1' '2' '7' '.' '0' '.' '0' '.' '1' 00 00 47 9c …     host as a string, port as a number of 4 bytes
//                                               └─ port of the broker becomes that of its proxy
//
// Both take the same space, so an answer keeps its length. An answer may come in pieces, and be cut in that place: pieces
// wait until the answer is whole (4 bytes at its front say how long it is).

const HOST = Buffer.from('127.0.0.1');
const LENGTH_BYTES = 4;
const PORT_BYTES = 4;

/** For one connection: gives back the answers that a piece completes. */
export function rewriteBrokerPorts(ports: ReadonlyMap<number, number>): (piece: Buffer) => Buffer {
  let waiting: Buffer[] = [];
  let waiting_bytes = 0;
  let wanted_bytes = LENGTH_BYTES;
  return (piece) => {
    waiting.push(piece);
    waiting_bytes += piece.length;
    if (waiting_bytes < wanted_bytes) return Buffer.alloc(0);
    const bytes = Buffer.concat(waiting);
    const whole = wholeAnswersOf(bytes);
    const rest = bytes.subarray(whole);
    waiting = [rest];
    waiting_bytes = rest.length;
    wanted_bytes = rest.length < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + rest.readUInt32BE(0);
    const answers = bytes.subarray(0, whole);
    rewriteIn(answers, ports);
    return answers;
  };
}

/** Where the last whole answer ends. */
function wholeAnswersOf(bytes: Buffer): number {
  let end = 0;
  while (bytes.length - end >= LENGTH_BYTES) {
    const next = end + LENGTH_BYTES + bytes.readUInt32BE(end);
    if (next > bytes.length) break;
    end = next;
  }
  return end;
}

function rewriteIn(answers: Buffer, ports: ReadonlyMap<number, number>): void {
  for (let at = answers.indexOf(HOST); at >= 0; at = answers.indexOf(HOST, at + 1)) {
    const portAt = at + HOST.length;
    if (portAt + PORT_BYTES > answers.length) return;
    const port = ports.get(answers.readUInt32BE(portAt));
    if (port !== undefined) answers.writeUInt32BE(port, portAt);
  }
}
