// Owns the version texts; the build replaces the names.
declare const TSRUNC_VERSION: string;
declare const TSRUNC_COMMIT: string;

export const VERSION = typeof TSRUNC_VERSION === 'string' ? TSRUNC_VERSION : 'unknown';
export const COMMIT = typeof TSRUNC_COMMIT === 'string' ? TSRUNC_COMMIT : 'unknown';
/** The newest runtime specification that is known, and the oldest. */
export const SPEC_VERSION = '1.3.0';
export const SPEC_VERSION_MIN = '1.0.0';
