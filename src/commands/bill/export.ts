import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { parsedArgs } from '../../lib/cli/flags.ts';
import { parseBillReference } from '../../lib/core/bill-reference.ts';
import { refuse } from '../../lib/core/errors.ts';
import { BILL_FORMATS, exportBills, renderBill } from '../../lib/ops/bill-export.ts';

export default class BillExport extends BaseCommand {
  static override summary = 'Write bills to files: PDF, JSON or CSV';
  static override description = `Writes each bill into a file of its own, named as bill-000012.pdf.
A PDF is in the language of the buyer, and has the Swiss payment part where the bill can be paid with it.
A file with the same content is left as it is; another file in the way is not overwritten, and nothing is written.
A draft has no number: name it by its id, as in id:7.`;
  static override examples = [
    '<%= config.bin %> bill export 12',
    '<%= config.bin %> bill export 12 13 14 --output bills/',
    '<%= config.bin %> bill export 12 --format csv --output -',
  ];
  static override args = { number: parsedArgs('Numbers of bills, or id:N', parseBillReference) };
  static override flags = {
    format: Flags.option({ options: BILL_FORMATS, default: 'pdf', summary: 'What to write' })(),
    output: Flags.string({
      char: 'o',
      default: '.',
      helpValue: 'PATH|-',
      summary: 'A folder; for one bill also a file, or - for standard output',
    }),
  };

  async run() {
    const { args, flags } = await this.parse(BillExport);
    const references = args.number;
    const { format, output } = flags;
    const context = await this.context();
    if (output !== '-') {
      const files = await exportBills(context, references, { format, output });
      this.log(files.join('\n'));
      return { files };
    }
    const [reference] = references;
    const documents = references.length + Number(this.jsonEnabled());
    if (reference === undefined || documents > 1) throw refuse.STDOUT_TAKEN({ documents });
    this.write(await renderBill(context, reference, format));
    return { files: [] };
  }
}
