/** A value for a statement: text goes as the server reads it, bytes in the binary form of their type. */
export type Parameter = string | number | Buffer | null;

/** Execute without a limit, and Sync, as bytes. */
const executeAndSync = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4]);
const bindCode = 0x42;

/**
 * The messages that run a statement that was prepared under an ASCII name, in one piece: Bind, Execute and Sync. The answer's values come as text. See
 * https://www.postgresql.org/docs/current/protocol-message-formats.html.
 */
export function bindExecuteSync(name: string, values: readonly Parameter[]): Buffer {
  const texts = values.map((value) => (typeof value === 'number' ? String(value) : value));
  let size = 1 + name.length + 1 + 2 + 2 * texts.length + 2 + 4;
  for (const value of texts) {
    size += 4 + (value === null ? 0 : typeof value === 'string' ? Buffer.byteLength(value) : value.length);
  }
  const message = Buffer.allocUnsafe(5 + size + executeAndSync.length);
  let at = message.writeUInt8(bindCode, 0);
  at = message.writeInt32BE(4 + size, at);
  at = message.writeUInt8(0, at);
  at += message.write(name, at, 'latin1');
  at = message.writeUInt8(0, at);
  at = message.writeInt16BE(texts.length, at);
  for (const value of texts) at = message.writeInt16BE(Buffer.isBuffer(value) ? 1 : 0, at);
  at = message.writeInt16BE(texts.length, at);
  for (const value of texts) {
    const written =
      value === null ? -1 : typeof value === 'string' ? message.write(value, at + 4) : value.copy(message, at + 4);
    at = message.writeInt32BE(written, at) + Math.max(written, 0);
  }
  at = message.writeInt16BE(1, at);
  at = message.writeInt16BE(0, at);
  executeAndSync.copy(message, at);
  return message;
}
