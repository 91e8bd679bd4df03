/** Redis's error lines, word for word, without the leading '-'. */
export const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';
export const NOT_INTEGER = 'ERR value is not an integer or out of range';
export const NOT_FLOAT = 'ERR value is not a valid float';
export const SYNTAX = 'ERR syntax error';
export const NO_SUCH_KEY = 'ERR no such key';
export const NOT_NEGATABLE =
  'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807';
export const OUT_OF_RANGE = 'ERR index out of range';
export const OVERFLOW = 'ERR increment or decrement would overflow';
export const SAME_OBJECT = 'ERR source and destination objects are the same';
export const OOM = "OOM command not allowed when used memory > 'maxmemory'.";
export const BUSY = 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.';
export const BUSY_FUNCTION = 'BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.';
export const NO_REPLICAS = 'NOREPLICAS Not enough good replicas to write.';
export const NO_AUTH = 'NOAUTH Authentication required.';
export const WRONG_PASS = 'WRONGPASS invalid username-password pair or user is disabled.';
export const EXEC_ABORT = 'EXECABORT Transaction discarded because of previous errors.';
export const NOT_POSITIVE = 'ERR value is out of range, must be positive';
export const TIMEOUT_NEGATIVE = 'ERR timeout is negative';
export const NAN_SCORE = 'ERR resulting score is not a number (NaN)';
export const MIN_MAX_NOT_FLOAT = 'ERR min or max is not a float';
export const MIN_MAX_NOT_STRING = 'ERR min or max not valid string range item';
export const STRING_TOO_LONG = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';

/** `name` is the command's, or `container|subcommand`. */
export function wrongArity(name: string): string {
  return `ERR wrong number of arguments for '${name}' command`;
}

/** Text as C prints it with a limit: it ends at a zero byte. */
export function cut(text: string, length = 128): string {
  const end = text.indexOf('\0');
  return text.slice(0, end < 0 ? length : Math.min(end, length));
}

/** What Redis says of a command it does not know. */
export function unknownCommand(args: readonly string[]): string {
  let shown = '';
  for (let i = 1; i < args.length && shown.length < 128; i++) shown += `'${cut(args[i]!, 128 - shown.length)}' `;
  return `ERR unknown command '${cut(args[0]!, 128)}', with args beginning with: ${shown}`;
}

/** What Redis says of a subcommand it does not know. */
export function unknownSubcommand(container: string, subcommand: string): string {
  return `ERR unknown subcommand '${cut(subcommand, 128)}'. Try ${container.toUpperCase()} HELP.`;
}

/** What a subcommand says that takes fewer words than it got. */
export function wrongSubcommand(container: string, subcommand: string): string {
  return `ERR unknown subcommand or wrong number of arguments for '${cut(subcommand)}'. Try ${container} HELP.`;
}

/** What Redis says of a consumer group that is not there; `more` follows the names. */
export function noGroup(key: string, group: string, more = ''): string {
  return `NOGROUP No such key '${cut(key, Infinity)}' or consumer group '${cut(group, Infinity)}'${more}`;
}

/** The same where the key was found. */
export function noGroupOf(key: string, group: string): string {
  return `NOGROUP No such consumer group '${cut(group, Infinity)}' for key name '${cut(key, Infinity)}'`;
}
