import type { Connection, Submittable } from 'pg';

const COPY_DATA = 0x64;
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);

/**
 * A `COPY … FROM STDIN` as pg drives it, with rows that are all there: they go right behind the statement, and the
 * server passes over them should it refuse that (PostgreSQL, “Message Flow”, COPY Operations).
 */
export class CopyQuery implements Submittable {
  readonly text: string;
  /** Fulfilled when the server has stored the rows. */
  readonly done: Promise<void>;
  /** pg wraps its time limit around this. */
  callback: (error?: Error) => void = () => {};
  readonly #rows: Buffer;

  constructor(statement: string, rows: Buffer) {
    this.text = statement;
    this.#rows = rows;
    this.done = new Promise((resolve, reject) => {
      this.callback = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  submit(connection: Connection): void {
    const header = Buffer.alloc(5);
    header.writeUInt8(COPY_DATA);
    header.writeUInt32BE(this.#rows.length + 4, 1);
    connection.query(this.text);
    for (const part of [header, this.#rows, COPY_DONE]) connection.stream.write(part);
  }

  handleCopyInResponse(): void {}

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.callback();
  }

  handleError(error: Error): void {
    this.callback(error);
  }
}
