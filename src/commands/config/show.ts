import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { renderTable } from '../../lib/cli/table.ts';
import { showConfig } from '../../lib/ops/config.ts';

export default class ConfigShow extends BaseCommand {
  static override summary = 'Show every key of the configuration and its value';
  static override description =
    `A flag is stronger than an UNCLOUD_… variable, which is stronger than the user's file,
which is stronger than /etc/uncloud/config.toml. Passwords are left out.`;
  static override examples = ['<%= config.bin %> config show', '<%= config.bin %> config show --origin'];
  static override flags = {
    origin: Flags.boolean({ summary: 'Also say where each value comes from' }),
  };

  async run() {
    const { flags } = await this.parse(ConfigShow);
    const entries = showConfig(await this.context());
    const titles = flags.origin ? ['key', 'value', 'origin'] : ['key', 'value'];
    this.log(
      renderTable(
        titles.map((title) => ({ title })),
        entries.map(({ key, value, origin }) =>
          flags.origin ? [key, String(value), origin] : [key, String(value)],
        ),
      ),
    );
    return { config: entries };
  }
}
