// Owns the arithmetic of container paths. Pure: what a path leads to is for the kernel to say.

/** `path` as the container sees it: absolute, without ".", ".." or doubled slashes; ".." stops at the root. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Whether `path` is `parent` or below it, by components ("/ab" is not below "/a"). */
export function isWithin(path: string, parent: string): boolean {
  const cleanParent = cleanPath(parent);
  const clean = cleanPath(path);
  return clean === cleanParent || clean.startsWith(cleanParent === '/' ? '/' : `${cleanParent}/`);
}

/** Joins a host path and one that may be absolute itself, like path.resolve without a working directory. */
export function resolveFrom(base: string, path: string): string {
  return cleanPath(path.startsWith('/') ? path : `${base}/${path}`);
}
