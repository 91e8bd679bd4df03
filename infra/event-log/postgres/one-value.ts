import { Query, type ClientBase, type Connection } from 'pg';

import { bindExecuteSync, type Parameter } from './bind-message.ts';

/** A statement that is prepared under its name, once on each connection. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/**
 * Asks for the first column of the last row, as the server writes it; undefined when there is no row. Throws the server's error. The
 * driver's own result costs one caller 10 µs more an append: a copy of the question, and objects for columns, types and rows.
 */
export function askOneValue(client: ClientBase, statement: Prepared, values: Parameter[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const query = new OneValue(statement, values, (error) => {
      if (error) reject(error);
      else resolve(query.value);
    });
    client.query(query);
  });
}

/** The driver hands the messages of an answer to these methods. */
class OneValue extends Query {
  readonly name: string;
  value: string | undefined;
  /** Where the base class keeps what it was given; the client puts the end of its timer around it. */
  declare readonly callback: (error?: Error) => void;
  /** Whether the connection knows the statement. */
  declare readonly hasBeenParsed: (connection: Connection) => boolean;

  constructor({ name, text }: Prepared, values: Parameter[], answered: (error?: Error) => void) {
    super(text, values, answered);
    this.name = name;
    const { submit } = this;
    // The base class asks for the columns of the answer each time, and writes four messages as four pieces: 10 µs of one caller's time.
    this.submit = (connection) => {
      if (!this.hasBeenParsed(connection)) return submit.call(this, connection);
      connection.stream.write(bindExecuteSync(name, values));
    };
  }

  handleRowDescription(): void {}

  handleDataRow({ fields }: { fields: readonly string[] }): void {
    [this.value] = fields;
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.callback();
  }
}
