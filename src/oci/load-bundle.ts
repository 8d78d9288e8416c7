// Owns the way from a bundle's directory to a checked configuration and absolute paths. bundle.md; config.md, Root.
import { realpathSync, statSync } from 'node:fs';
import { errorCode, FileError, SpecError } from '../errors.ts';
import { resolveFrom } from '../plan/paths.ts';
import { readJson, type JsonDocument, type Reader } from './json.ts';
import type { Config, ExactIntegers } from './types.ts';
import { validateConfig } from './validate.ts';

export interface Bundle {
  /** Absolute. */
  readonly directory: string;
  readonly config: Config;
  readonly exact: ExactIntegers;
  /** Absolute, without symbolic links: it is compared with the mount table. */
  readonly rootfs: string;
}

/** Reads and checks a bundle. FileError, or SpecError with every fault. */
export async function loadBundle(reader: Reader, directory: string, configPath?: string): Promise<Bundle> {
  const absolute = reader.resolve(directory);
  const path = configPath === undefined ? `${absolute}/config.json` : reader.resolve(configPath);
  const document = readConfig(path, reader);
  const faults = await validateConfig(document.value, document);
  if (faults.length > 0) throw new SpecError(path, faults);
  const config = document.value as Config;
  return { directory: absolute, config, exact: document.exact, rootfs: findRootfs(absolute, config) };
}

function readConfig(path: string, reader: Reader): JsonDocument {
  try {
    return readJson(path, reader);
  } catch (error) {
    if (!(error instanceof FileError) || !['ENOENT', 'ENOTDIR'].includes(errorCode(error.cause) ?? '')) throw error;
    throw new FileError(error.message, {
      cause: error.cause,
      hint: '-b DIR names the bundle, a directory with config.json; tsrunc spec -b DIR writes a default one',
    });
  }
}

const ROOT_HINT =
  'unpack the root filesystem there, or change "path" of root in config.json; relative, it is below the bundle';

function findRootfs(bundle: string, config: Config): string {
  const path = resolveFrom(bundle, config.root?.path ?? '');
  try {
    if (statSync(path).isDirectory()) return realpathSync.native(path); // the other one is JavaScript, and slow at its first call
  } catch (cause) {
    throw new FileError(`root.path ${path}: no such directory`, { cause, hint: ROOT_HINT });
  }
  throw new FileError(`root.path ${path} is not a directory`, { hint: ROOT_HINT });
}
