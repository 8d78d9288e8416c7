// dist/main.cjs: runs tsrunc.cjs with V8's code cache, which spares the start the compiling. A cache that is missing, or of
// another Node, is not used; the program is the same without it.
const { readFileSync, writeFileSync, renameSync } = require('fs');
const { Script } = require('vm');

const filename = `${__dirname}/tsrunc.cjs`;
const cache = `${__dirname}/tsrunc.cache`;
const source = readFileSync(filename, 'latin1');

function readCache() {
  try {
    return readFileSync(cache);
  } catch {
    return undefined;
  }
}

const script = new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
  filename,
  cachedData: readCache(),
});

if (process.env.TSRUNC_WRITE_CACHE === '1') {
  process.once('exit', () => {
    writeFileSync(`${cache}.tmp`, script.createCachedData());
    renameSync(`${cache}.tmp`, cache);
  });
}

script.runInThisContext()(exports, require, module, filename, __dirname);
