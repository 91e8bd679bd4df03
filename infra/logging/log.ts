import { destination, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Fields that hold secrets wherever they are logged, at the top or one level down. */
const secretFields = [
  'apiKey',
  'authorization',
  'credentials',
  'databaseUrl',
  'key',
  'masterKey',
  'password',
  'secret',
  'token',
];

/** The password of a connection string, wherever in a line one turns up, for example in an error's message. */
const passwordInUrl = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/"\\]*:)[^\s@"\\]+@/gi;
const bearer = /(\bBearer\s+)[A-Za-z0-9._~+/=-]+/gi;

/**
 * The JSON log of one role. It goes to standard error, which the supervisor has pointed at `<home>/logs/<role>.log`; a role that
 * runs apart so writes where whoever started it looks. Lines are written before the call returns, so that the last words of a
 * process that dies are there.
 */
export function createLog(role: string, level: string, fd = 2): Logger {
  const paths = secretFields.flatMap((field) => [field, `*.${field}`, `*.headers.${field}`]);
  return pino(
    {
      level,
      base: { role, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: '[redacted]' },
      hooks: {
        streamWrite: (line) => line.replaceAll(passwordInUrl, '$1[redacted]@').replaceAll(bearer, '$1[redacted]'),
      },
    },
    destination({ fd, sync: true }),
  );
}
