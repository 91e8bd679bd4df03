import type { EncodingLimits } from './sizes.ts';
import type { Value } from './value.ts';

/** How values are turned into the payloads of DUMP and RESTORE: RDB type byte, body, two bytes of version, CRC-64. */
export interface ValueCodec {
  serializeValue(value: Value): string;
  /** The same in steps, and in pieces. */
  serializeInSteps(value: Value): Generator<void, readonly string[]>;
  /**
   * Undefined when the payload's version or checksum is wrong or its body is damaged. Encodings follow the limits, by
   * default Redis's.
   */
  deserializeValue(payload: string, limits?: EncodingLimits): Value | undefined;
  /** The same in steps. */
  deserializeInSteps(payload: string, limits?: EncodingLimits): Generator<void, Value | undefined>;
  /** The payload of FUNCTION DUMP, from the code of libraries. */
  serializeLibraries(codes: readonly string[]): string;
  /** The code of the libraries in a payload; what is wrong with it, when it can't be read. */
  deserializeLibraries(payload: string): readonly string[] | string;
}
