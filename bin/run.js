#!/usr/bin/env node
// Plain JavaScript that any Node can parse: it decides whether this Node can run the program at all.
// Node's own modules are taken without import statements, which would call all their getters: 5 ms for node:fs alone.
const root = decodeURIComponent(new URL('..', import.meta.url).pathname);

// Of both, Node obeys FORCE_COLOR and says so on stderr; this program obeys NO_COLOR.
if (process.env.NO_COLOR) delete process.env.FORCE_COLOR;

// better-sqlite3 is built for Node-API 10. Where Node has an older one, opening a database ends the process (SIGSEGV).
if (Number(process.versions.napi) >= 10) {
  await start();
} else {
  // npm installs a package that stands beside uncloud into the same folder, or into a folder of uncloud's own.
  await startWithOtherNode([`${root}node_modules/node/bin/node`, `${root}../node/bin/node`]);
}

async function start() {
  // Databases, their journals and files with keys are never for others to read.
  process.umask(0o077);
  const argv = process.argv.slice(2);
  // `uncloud … | head -1` closes the pipe early, and a disk may be full: the work goes on to its end, and `main` tells.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  if (argv.length === 1 && argv[0] === '--version') {
    const { readFileSync } = process.getBuiltinModule('node:fs');
    const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
    process.stdout.write(
      `uncloud/${version} ${process.platform}-${process.arch} node-${process.version}\n`,
      (error) => {
        if (error && error.code !== 'EPIPE') process.exitCode = 1;
      },
    );
    return;
  }
  enableCompileCache();
  shortenLookups();
  const program = import('../dist/main.js');
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, async () => (await program).interrupt(signal, argv));
  }
  process.exitCode = await (await program).main(argv, root);
}

/**
 * The compiled code is kept in a folder of the user's own: whoever else may write there chooses what runs. One in /tmp
 * can be laid out beforehand, and on a VPN host /var/cache/uncloud belongs to the account of the service, not to root.
 */
function enableCompileCache() {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const home = XDG_CACHE_HOME?.startsWith('/')
    ? XDG_CACHE_HOME
    : process.getuid?.() === 0
      ? '/var/cache'
      : HOME?.startsWith('/') && `${HOME}/.cache`;
  if (!home) return;
  const { lstatSync, mkdirSync } = process.getBuiltinModule('node:fs');
  try {
    mkdirSync(`${home}/uncloud`, { recursive: true });
    const { uid, mode } = lstatSync(`${home}/uncloud`);
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) return;
  } catch {
    return;
  }
  process.getBuiltinModule('node:module').enableCompileCache(`${home}/uncloud/compiled`);
}

/**
 * Parts of the program import each other some 150 times by the names of their files. Node would look at the file, its
 * real path and its package.json each time, for a tenth of the start.
 */
function shortenLookups() {
  const dist = new URL('../dist/', import.meta.url).href;
  process.getBuiltinModule('node:module').registerHooks?.({
    resolve: (specifier, context, next) =>
      specifier.startsWith('.') && context.parentURL?.startsWith(dist)
        ? { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
        : next(specifier, context),
  });
}

async function startWithOtherNode(places) {
  const [{ spawn }, { existsSync }] = await Promise.all([import('node:child_process'), import('node:fs')]);
  const node = places.find((place) => existsSync(place));
  if (node === undefined) {
    process.stderr.write(
      `Error: uncloud needs Node.js 22.14, 23.6 or newer, and this is ${process.versions.node}.\n  Install a newer Node.js, or beside uncloud the npm package "node".\n`,
    );
    process.exitCode = 1;
    return;
  }
  const child = spawn(node, [`${root}bin/run.js`, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1;
    else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}
