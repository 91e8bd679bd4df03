/** What may be done with keys that match a pattern. */
interface KeyPattern {
  readonly read: boolean;
  readonly write: boolean;
}

/** One set of permissions; a request is allowed when one of a user's selectors allows all of it. */
export interface Selector {
  /** A bit for each command and subcommand of the table. */
  commands: Uint8Array;
  /** Commands that the table gets later are allowed too. */
  future: boolean;
  /** Nothing was taken away since +@all. */
  allCommands: boolean;
  /** First arguments with which a command is allowed that is not allowed as a whole. */
  firstArgs: Map<string, Set<string>> | undefined;
  /** The rules about commands since the last +@all or -@all, as they were given. */
  rules: string[];
  allKeys: boolean;
  /** Patterns, in their order. */
  keys: Map<string, KeyPattern>;
  allChannels: boolean;
  channels: Map<string, true>;
}

/** A user of a node. */
export interface AclUser {
  readonly name: string;
  enabled: boolean;
  noPass: boolean;
  sanitizePayload: boolean;
  /** SHA-256 in hex. */
  passwords: string[];
  /** The first is that of the user itself. */
  selectors: Selector[];
  /** What acl-pubsub-default was: whether its selectors begin with all channels. */
  readonly channelsAtFirst: boolean;
}

/** What was denied, as ACL LOG shows it. */
export interface AclLogEntry {
  readonly id: number;
  readonly reason: 'auth' | 'command' | 'key' | 'channel';
  readonly context: 'toplevel' | 'multi' | 'lua';
  /** The command, key or channel. */
  readonly object: string;
  readonly username: string;
  readonly createdMs: number;
  updatedMs: number;
  count: number;
  clientInfo: string;
}
