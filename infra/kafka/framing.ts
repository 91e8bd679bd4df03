const magic = 0;
const headBytes = 5;

/** Avro as Confluent's tools expect it on the wire: a zero, the schema's id in four bytes, then the record. */
export function frame(schemaId: number, avro: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(headBytes + avro.length);
  framed[0] = magic;
  framed.writeInt32BE(schemaId, 1);
  avro.copy(framed, headBytes);
  return framed;
}

/** The schema's id and the record within such a value. Throws a TypeError for anything else. */
export function unframe(value: Buffer | null): { schemaId: number; avro: Buffer } {
  if (value === null || value.length < headBytes || value[0] !== magic) {
    throw new TypeError('A record is not Avro in the Confluent wire format.');
  }
  return { schemaId: value.readInt32BE(1), avro: value.subarray(headBytes) };
}
