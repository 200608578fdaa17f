// What the program uses of @oclif/core, module by module: its index also loads semver to check the version of Node.js,
// which bin/run.js has done by then.
export * as Args from '@oclif/core/args';
export { Command } from '@oclif/core/command';
export { Config } from '@oclif/core/config';
export * as Flags from '@oclif/core/flags';
export { run } from '@oclif/core/run';
export { toConfiguredId } from '@oclif/core/util/ids';
