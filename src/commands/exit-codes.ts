import { BaseCommand } from '../lib/cli/command.ts';
import { renderTable, right } from '../lib/cli/table.ts';
import { EXIT_MEANINGS } from '../lib/core/errors.ts';

export default class ExitCodes extends BaseCommand {
  static override summary = 'List the exit codes and what they mean';
  static override description = Object.entries(EXIT_MEANINGS)
    .map(([code, meaning]) => ` ${code.padStart(3)}  ${meaning}`)
    .join('\n');
  static override examples = ['<%= config.bin %> exit-codes'];

  async run() {
    await this.parse(ExitCodes);
    const codes = Object.entries(EXIT_MEANINGS).map(([code, meaning]) => ({ code: Number(code), meaning }));
    const columns = [right('code'), { title: 'meaning' }];
    this.log(
      renderTable(
        columns,
        codes.map(({ code, meaning }) => [code, meaning]),
      ),
    );
    return { exit_codes: codes };
  }
}
