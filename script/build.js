// Builds dist/ from src/: one bundle with code splitting, one entry for each command, and the command manifest.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { errorsPage } from './errors-page.ts';

/** Modules of Node's that oclif requires at its start and hardly ever uses: together a third of a bare Node's start. */
const LATE_BUILTINS = new Set(['child_process', 'fs/promises', 'perf_hooks', 'readline']);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const fresh = `dist.${process.pid}`;
process.on('exit', () => rmSync(fresh, { recursive: true, force: true }));

const commands = readdirSync('src/commands', { recursive: true }).filter((file) => file.endsWith('.ts'));
const { metafile } = await build({
  entryPoints: ['src/main.ts', ...commands.map((file) => `src/commands/${file}`)],
  outdir: fresh,
  outbase: 'src',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.14',
  minifySyntax: true,
  chunkNames: 'chunks/[name]-[hash]',
  metafile: true,
  legalComments: 'none',
  external: ['better-sqlite3', 'pg-native'],
  plugins: [lazyBuiltins(), lightOclif()],
  // CommonJS libraries in an ES module bundle still call require.
  banner: {
    js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;",
  },
});

// Fonts for the PDF of a bill, each with its licence.
mkdirSync(`${fresh}/fonts`);
for (const [name, file] of Object.entries({
  'Arimo-Regular.ttf': '@expo-google-fonts/arimo/400Regular/Arimo_400Regular.ttf',
  'Arimo-Bold.ttf': '@expo-google-fonts/arimo/700Bold/Arimo_700Bold.ttf',
  'Arimo-license.txt': '@expo-google-fonts/arimo/LICENSE_FONT',
  'DejaVuSansCondensed.ttf': 'dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf',
  'DejaVuSansCondensed-license.txt': 'dejavu-fonts-ttf/LICENSE',
})) {
  copyFileSync(`node_modules/${file}`, `${fresh}/fonts/${name}`);
}
writeFileSync('docs/errors.md', errorsPage());
writeFileSync(
  `${fresh}/third-party-licenses.txt`,
  licenses(Object.keys(metafile.inputs).filter((input) => input.startsWith('node_modules/'))),
);
// A program that runs meanwhile finds the old build or the new one.
rmSync('dist', { recursive: true, force: true });
renameSync(fresh, 'dist');
execFileSync(process.execPath, ['node_modules/oclif/bin/run.js', 'manifest'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
finishManifest('oclif.manifest.json');

/** oclif lists commands as the file system does, which differs from one checkout to the next. */
function finishManifest(file) {
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  const commands = Object.fromEntries(
    Object.entries(manifest.commands)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([id, command]) => [id, { ...command, description: unwrap(command.description) }]),
  );
  // The name of the program is known here; oclif would compile a template for every text that asks for it.
  const text = JSON.stringify({ ...manifest, commands }, null, 2).replaceAll('<%= config.bin %>', 'uncloud');
  writeFileSync(file, `${text}\n`);
}

/** Text without the line ends of the source, so that help can wrap it for any terminal; indented lines stay apart. */
function unwrap(text) {
  return text?.replace(/([^\n])\n(?=[^\s])/g, '$1 ');
}

/**
 * Node's own modules are taken with process.getBuiltinModule. An import statement would call every getter of the
 * module to make its named exports, which for node:crypto alone loads all of WebCrypto.
 */
function lazyBuiltins() {
  return {
    name: 'lazy-builtins',
    setup({ onResolve, onLoad }) {
      // One module for each that imports it, so that it lies in the same chunk and not in one of its own. The name of
      // the importer stands first: esbuild takes what ends in .mjs for an ES module.
      onResolve({ filter: /./ }, ({ path, importer, kind }) => {
        if (!isBuiltin(path)) return undefined;
        if (kind === 'dynamic-import') return { path, external: true };
        const name = path.replace(/^node:/, '');
        const late = kind === 'require-call' && LATE_BUILTINS.has(name);
        return { path: `${importer} ${name}`, namespace: 'builtin', pluginData: { name, late } };
      });
      onLoad({ filter: /./, namespace: 'builtin' }, ({ pluginData: { name, late } }) => {
        const load = `process.getBuiltinModule(${JSON.stringify(`node:${name}`)})`;
        return { contents: late ? atFirstUse(load) : `module.exports = ${load};`, loader: 'js' };
      });
    },
  };
}

/**
 * Leaves out of oclif's start what only other programs need: globs are used where there is no manifest, text is
 * wrapped where there is help or an error, its width is looked up where it is not plain ASCII, a template is compiled
 * where there is one, and WSL is Linux to us.
 */
function lightOclif() {
  return {
    name: 'light-oclif',
    setup({ onResolve, onLoad }) {
      // Ids of commands are ASCII: comparing them by the rules of a language would load ICU's collation, 10 ms.
      onLoad({ filter: /@oclif\/core\/lib\/config\/plugin\.js$/ }, ({ path }) => ({
        contents: readFileSync(path, 'utf8').replace('a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)'),
      }));
      onResolve({ filter: /^@oclif\/core$/ }, () => ({ path: resolve('script/oclif-core.js') }));
      onResolve(
        { filter: /^(cli-spinners|lilconfig|minimatch|supports-color|tinyglobby)$/ },
        ({ path, importer, kind }) =>
          kind === 'require-call' && importer.includes('@oclif/core')
            ? { path, namespace: 'at-first-use', pluginData: dirname(importer) }
            : undefined,
      );
      onLoad({ filter: /./, namespace: 'at-first-use' }, ({ path, pluginData: resolveDir }) => ({
        contents: atFirstUse(`require(${JSON.stringify(path)})`),
        resolveDir,
      }));
      onResolve({ filter: /^(clean-stack|debug|indent-string|widest-line|wrap-ansi)$/ }, (found) =>
        found.importer.includes('@oclif/core')
          ? { path: found.path, namespace: 'at-first-call', pluginData: dirname(found.importer) }
          : undefined,
      );
      onLoad({ filter: /./, namespace: 'at-first-call' }, ({ path, pluginData: resolveDir }) => ({
        contents:
          path === 'debug'
            ? `module.exports = process.env.DEBUG ? require('debug') : () => Object.assign(() => {}, { enabled: false });`
            : `module.exports = (...values) => require(${JSON.stringify(path)})(...values);`,
        resolveDir,
      }));
      onResolve({ filter: /^string-width$/ }, ({ path, importer }) =>
        /@oclif\/core|wrap-ansi|widest-line/.test(importer)
          ? { path, namespace: 'width', pluginData: dirname(importer) }
          : undefined,
      );
      onLoad({ filter: /./, namespace: 'width' }, ({ pluginData: resolveDir }) => ({
        contents: `module.exports = (text) => (/^[ -~]*$/.test(text) ? text.length : require('string-width')(text));`,
        resolveDir,
      }));
      onResolve({ filter: /^ejs$/ }, ({ path, importer }) =>
        importer.includes('@oclif/core')
          ? { path, namespace: 'templates', pluginData: dirname(importer) }
          : undefined,
      );
      onLoad({ filter: /./, namespace: 'templates' }, ({ pluginData: resolveDir }) => ({
        contents: `exports.render = (text, data) => (text.includes('<%') ? require('ejs').render(text, data) : text);`,
        resolveDir,
      }));
      onResolve({ filter: /^wsl-utils$/ }, ({ path }) => ({ path, namespace: 'no-wsl' }));
      onLoad({ filter: /./, namespace: 'no-wsl' }, () => ({ contents: 'export const isWsl = false;' }));
    },
  };
}

/** A CommonJS module that loads the real one when something of it is first used. */
function atFirstUse(load) {
  return `const load = () => ${load};
    module.exports = new Proxy({}, {
      get: (_, name) => (name === '__esModule' ? undefined : load()[name]),
      has: (_, name) => name in load(),
      ownKeys: () => Reflect.ownKeys(load()),
      getOwnPropertyDescriptor: (_, name) => ({ ...Reflect.getOwnPropertyDescriptor(load(), name), configurable: true }),
    });`;
}

/** The licences of the packages that the bundle contains, as they ask to be passed on. */
function licenses(inputs) {
  const folders = new Set(
    inputs
      .map((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1])
      .filter((folder) => folder !== undefined),
  );
  return [...folders]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const text =
        file !== undefined && existsSync(join(folder, file))
          ? readFileSync(join(folder, file), 'utf8').trim()
          : '';
      return `${name} ${version} (${license})\n\n${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
