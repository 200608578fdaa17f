import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FLOORS = ['src/commands', 'src/lib/cli', 'src/lib/ops', 'src/lib/io', 'src/lib/core'];

/** Which floors a floor may import, itself included. */
const MAY_IMPORT: Record<string, string[]> = {
  'src/commands': ['src/commands', 'src/lib/cli', 'src/lib/ops', 'src/lib/core'],
  'src/lib/cli': ['src/lib/cli', 'src/lib/ops', 'src/lib/io', 'src/lib/core'],
  'src/lib/ops': ['src/lib/ops', 'src/lib/io', 'src/lib/core'],
  'src/lib/io': ['src/lib/io', 'src/lib/core', 'migrations'],
  'src/lib/core': ['src/lib/core'],
};
const PURE_LIBRARIES = ['fastest-levenshtein', 'ip-num'];

const files = FLOORS.flatMap((floor) =>
  readdirSync(join(ROOT, floor), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(floor, file)),
);

const commandFiles = files.filter((file) => file.startsWith('src/commands'));

it('imports go down only, and core is pure', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const floor = floorOf(file);
    for (const target of importsOf(file)) {
      if (!target.startsWith('.')) {
        if (floor === 'src/lib/core' && !PURE_LIBRARIES.includes(target)) wrong.push(`${file} → ${target}`);
        if (target.startsWith('@oclif/') && !/^src\/(commands|lib\/cli)/.test(file))
          wrong.push(`${file} → ${target}`);
        continue;
      }
      const path = relative(ROOT, resolve(ROOT, dirname(file), target));
      const other = path.startsWith('migrations/') ? 'migrations' : floorOf(path);
      if (!MAY_IMPORT[floor]?.includes(other)) wrong.push(`${file} → ${path}`);
      if (floor === 'src/lib/ops' && other === 'src/lib/ops' && path !== 'src/lib/ops/context.ts') {
        wrong.push(`${file} → ${path}: an op imports no other op`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

it('no file imports itself over others, not even a type', () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const follow = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (path.includes(file) || done.has(file)) return;
    for (const target of neighboursOf(file)) follow(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) follow(file, []);
  expect(circles).toEqual([]);
});

it('core has no clock, no chance and no process', () => {
  const impure = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bcrypto\b|\bconsole\.|\bfetch\(/;
  const wrong = files.filter((file) => file.startsWith('src/lib/core') && impure.test(read(file)));
  expect(wrong).toEqual([]);
});

it('ops ask the database by names', () => {
  const query = /\.(selectFrom|insertInto|updateTable|deleteFrom)\(|[ (]sql(<[^>]*>)?`/;
  const wrong = files.filter((file) => file.startsWith('src/lib/ops/') && query.test(read(file)));
  expect(wrong).toEqual([]);
});

it('only cli ends the process or writes to its streams, and only main starts it', () => {
  const wrong = files.filter(
    (file) =>
      /process\.exit\(|process\.std(out|err)\.write/.test(read(file)) && !file.startsWith('src/lib/cli'),
  );
  expect(wrong).toEqual([]);
});

it('no comment is wider than 120 columns', () => {
  const wide = files.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) =>
        line.length > 120 && /^\s*(\/?\*|\/\/)/.test(line) ? `${file}:${index + 1}` : [],
      ),
  );
  expect(wide).toEqual([]);
});

it('a migration imports nothing of ours', () => {
  const wrong = readdirSync(join(ROOT, 'migrations')).flatMap((file) =>
    importsOf(join('migrations', file)).filter((target) => target !== 'kysely'),
  );
  expect(wrong).toEqual([]);
});

it('a command is a door: at most 80 lines, a summary, and no argument that is read from a pipe', async () => {
  for (const file of commandFiles) {
    expect(read(file).split('\n').length, file).toBeLessThanOrEqual(81);
    const command = await commandOf(file);
    expect(command.summary, file).toBeTruthy();
    for (const [name, arg] of Object.entries(command.args ?? {})) {
      expect(arg.ignoreStdin, `${file}: ${name}`).toBe(true);
    }
  }
});

it('the manifest is the one that this code makes', async () => {
  const manifest = JSON.parse(read('oclif.manifest.json')) as {
    version: string;
    commands: Record<string, { summary: string; flags: object; args: object }>;
  };
  const made = await Promise.all(
    commandFiles.map(async (file) => {
      const { summary, flags, baseFlags, args } = await commandOf(file);
      const names = Object.keys({ ...baseFlags, ...flags, json: true }).sort();
      return [idOf(file), { summary, flags: names, args: Object.keys(args ?? {}) }] as const;
    }),
  );
  const shipped = Object.entries(manifest.commands).map(([id, { summary, flags, args }]) => [
    id,
    { summary, flags: Object.keys(flags).sort(), args: Object.keys(args) },
  ]);
  expect(Object.fromEntries(shipped)).toEqual(Object.fromEntries(made));
  expect(manifest.version).toBe((JSON.parse(read('package.json')) as { version: string }).version);
});

interface CommandClass {
  summary?: string;
  flags?: object;
  baseFlags?: object;
  args?: Record<string, { ignoreStdin?: boolean }>;
}

async function commandOf(file: string): Promise<CommandClass> {
  const module = (await import(pathToFileURL(join(ROOT, file)).href)) as { default: CommandClass };
  return module.default;
}

/** `src/commands/vpn/pool/create.ts` is `vpn:pool:create`, `src/commands/vpn/index.ts` is `vpn`. */
function idOf(file: string): string {
  return relative('src/commands', file)
    .replace(/(\/index)?\.ts$/, '')
    .replaceAll('/', ':');
}

function floorOf(path: string): string {
  return FLOORS.find((floor) => path.startsWith(`${floor}/`)) ?? 'outside';
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** The modules that a file imports when it runs; a type has no weight. */
function importsOf(file: string): string[] {
  return importLines(file).flatMap(({ isType, target }) => (isType ? [] : target));
}

/** The files of ours that a file imports, types too. */
function neighboursOf(file: string): string[] {
  const ours = importLines(file).filter(({ target }) => target.startsWith('.'));
  return ours.map(({ target }) => relative(ROOT, resolve(ROOT, dirname(file), target)));
}

function importLines(file: string): { isType: boolean; target: string }[] {
  const pattern = /(?:^|\n)(?:import|export)\s+(type\b)?(?:[^'";]*?from\s+)?'([^']+)'|\bimport\('([^']+)'\)/g;
  return [...read(file).matchAll(pattern)].map(([, type, target = '', dynamic = target]) => ({
    isType: type !== undefined,
    target: dynamic,
  }));
}
