import { Query, type ClientBase } from 'pg';

/** A statement that is prepared under its name, once on each connection. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/**
 * Asks for the first column of the last row, as the server writes it; undefined when there is no row. Throws the server's error. The
 * driver's own result costs one caller 10 µs more an append: a copy of the question, and objects for columns, types and rows.
 */
export function askOneValue(client: ClientBase, statement: Prepared, values: unknown[]): Promise<string | undefined> {
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

  constructor({ name, text }: Prepared, values: unknown[], answered: (error?: Error) => void) {
    super(text, values, answered);
    this.name = name;
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
