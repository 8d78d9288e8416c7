// Bundles src/ into dist/: tsrunc.cjs, one file for each part that most commands do not need, and main.cjs, which loads
// tsrunc.cjs with V8's code cache. CommonJS, because Node loads it several milliseconds faster than modules
// (docs/decisions/0003).
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
// Imported with import() and left out of tsrunc.cjs: winston, and the words for faults of a schema.
const lazy = { './winston-log.ts': './winston-log.cjs', './schema-faults.ts': './schema-faults.cjs' };

function commit() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}

const keepLazy = {
  name: 'keep-lazy',
  setup({ onResolve }) {
    onResolve({ filter: /\.(ts|json)$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' && lazy[path] ? { path: lazy[path], external: true } : undefined,
    );
  },
};

// commander loads child_process (5 ms) for subcommands that are programs of their own; tsrunc has none.
const withoutChildProcess = {
  name: 'without-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/commander/') ? { path: 'child_process', namespace: 'empty' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'module.exports = {}' }));
  },
};

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  supported: { 'dynamic-import': false }, // require() in its place: vm.Script has no import()
  minifySyntax: true,
  minifyWhitespace: true,
  minifyIdentifiers: process.env.TSRUNC_NAMES !== '1', // 1 ms of a cold start; TSRUNC_NAMES=1 for traces with names
  legalComments: 'none',
  define: {
    'import.meta.dirname': '__dirname',
    TSRUNC_VERSION: JSON.stringify(version),
    TSRUNC_COMMIT: JSON.stringify(commit()),
  },
  logLevel: 'warning',
};

rmSync('dist', { recursive: true, force: true });
await Promise.all([
  build({
    ...common,
    entryPoints: ['src/main.ts'],
    outfile: 'dist/tsrunc.cjs',
    // What require() would put around it is there already, so that the loader need not put a quarter of a megabyte together.
    banner: { js: '(function(exports,require,module,__filename,__dirname){' },
    footer: { js: '})' },
    plugins: [keepLazy, withoutChildProcess],
  }),
  build({ ...common, entryPoints: ['src/winston-log.ts'], outfile: 'dist/winston-log.cjs' }),
  build({ ...common, entryPoints: ['src/oci/schema-faults.ts'], outfile: 'dist/schema-faults.cjs' }),
]);
copyFileSync(new URL('load-with-cache.cjs', import.meta.url), 'dist/main.cjs');
// A run with a real container, so that the cache holds the functions that a start compiles, not only the top level (3 ms of
// `run`). The program is ours that stands alone; without the privilege to run it the cache holds less, nothing else.
const bundle = 'build/cache-bundle';
rmSync(bundle, { recursive: true, force: true });
mkdirSync(`${bundle}/rootfs`, { recursive: true });
copyFileSync('build/Release/tsrunc-front', `${bundle}/rootfs/front`);
copyFileSync('test/fixtures/cache-bundle/config.json', `${bundle}/config.json`);
spawnSync('bin/tsrunc', ['--root', `${bundle}/root`, 'run', '-b', bundle, `cache-${process.pid}`], {
  env: { TSRUNC_WRITE_CACHE: '1', TSRUNC_PLANNER: 'off' },
  stdio: 'ignore',
  timeout: 60_000,
});
if (!existsSync('dist/tsrunc.cache')) throw new Error('dist/main.cjs has written no code cache');
