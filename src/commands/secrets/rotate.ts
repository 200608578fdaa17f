import { BaseCommand } from '../../lib/cli/command.ts';
import { dryRun } from '../../lib/cli/flags.ts';
import { counted } from '../../lib/cli/sentence.ts';
import { rotateSecrets } from '../../lib/ops/secrets.ts';

export default class SecretsRotate extends BaseCommand {
  static override summary = 'Seal the secrets of the database under a new key file';
  static override description =
    `Makes a new key, seals the private keys of all pools under it and puts it in the place of the key file
(secrets.key_file). The old key is kept beside it with the ending .old: backups of the database that were made before
need it. Copy the new file to each VPN host; until then uncloud vpn refuses to run there and the tunnels stay as they are.
Whenever it is killed, key file and database fit together; run again, it does what was left to do.`;
  static override examples = [
    '<%= config.bin %> secrets rotate --dry-run',
    '<%= config.bin %> secrets rotate',
  ];
  static override flags = { 'dry-run': dryRun };

  async run() {
    const { flags } = await this.parse(SecretsRotate);
    const isPlan = flags['dry-run'];
    const rotation = await rotateSecrets(await this.context(), { dryRun: isPlan });
    const { keyFile, oldKeyFile, secrets, hostnames, resumed } = rotation;
    const count = counted(secrets, 'secret');
    if (isPlan && resumed) this.say(`Would put the new key of an interrupted rotation into ${keyFile}.`);
    else if (isPlan) this.say(`Would seal ${count} under a new key in ${keyFile}; nothing was changed.`);
    else if (resumed) this.say(`Finished an interrupted rotation: the new key is in ${keyFile}.`);
    else this.say(`Sealed ${count} under a new key in ${keyFile}.`);
    if (!isPlan) {
      this.say(`The old key is kept in ${oldKeyFile}, for backups of the database.`);
      // A host may keep it as root's own, with mode 0640 for the group of its account.
      if (hostnames.length > 0)
        this.sayWarning(
          `copy ${keyFile} to ${hostnames.join(', ')}, with the owner and mode that it has there`,
        );
    }
    const files = { key_file: keyFile, old_key_file: oldKeyFile };
    return { ...files, secrets, hostnames, resumed, rotated: !isPlan };
  }
}
