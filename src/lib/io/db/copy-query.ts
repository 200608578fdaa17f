import pg, { type Connection } from 'pg';

const COPY_DATA = 0x64;
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);

/**
 * A `COPY … FROM STDIN` with rows that are all there: they go right behind the statement, as pipelines need it, and the
 * server passes over them should it refuse the statement (PostgreSQL, “Message Flow”, COPY Operations).
 */
export class CopyQuery extends pg.Query {
  declare readonly text: string;
  readonly #rows: Buffer;

  /** @param rows in the format that the statement names */
  constructor(statement: string, rows: Buffer, callback: (error: Error | undefined) => void) {
    super(statement, callback);
    this.#rows = rows;
  }

  override submit = (connection: Connection): void => {
    const header = Buffer.alloc(5);
    header.writeUInt8(COPY_DATA);
    header.writeUInt32BE(this.#rows.length + 4, 1);
    connection.query(this.text);
    for (const part of [header, this.#rows, COPY_DONE]) connection.stream.write(part);
  };

  /** The server is ready for the rows, which are under way. */
  handleCopyInResponse(): void {}
}
