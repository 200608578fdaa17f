import { BaseCommand } from '../../lib/cli/command.ts';
import { optionalArg } from '../../lib/cli/flags.ts';
import { initConfig } from '../../lib/ops/config.ts';

export default class ConfigInit extends BaseCommand {
  static override summary = 'Write a commented example of the configuration';
  static override description = `Every key stands in it with its meaning and its default, all commented out.
The file has mode 0600; an existing one is never overwritten.`;
  static override examples = [
    '<%= config.bin %> config init',
    '<%= config.bin %> config init ./uncloud.toml',
    '<%= config.bin %> config init - | less',
  ];
  static override args = {
    file: optionalArg(
      'A new file, or - for standard output; default: the file of -c, /etc/uncloud/config.toml for root, else below ~/.config',
    ),
  };

  async run() {
    const { args, flags } = await this.parse(ConfigInit);
    const { file, config } = await initConfig(args.file ?? flags.config);
    if (config === null) {
      this.say(`Wrote ${file}. Edit it, then look at the result with: uncloud config show --origin`);
    } else {
      this.log(config.trimEnd());
    }
    return { file, config };
  }
}
