/** The version of Redis whose behaviour this engine has. */
export const REDIS_VERSION = '7.2.4';
