// Paths of the container, resolved to descriptors; see resolve.h.
#include "resolve.h"

namespace tsrunc::init {
namespace {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

constexpr int kOpenPath = O_PATH | O_CLOEXEC;
constexpr int kMaxLinks = 40;  // as the kernel's own limit, path_resolution(7)

unsigned TypeOf(int dir, const char* name, int flags) {
  struct statx found;
  if (!sys::Statx(dir, name, flags, STATX_TYPE, &found).ok()) return 0;
  return found.stx_mode & S_IFMT;
}

// Takes the first component off `rest`. False at the end.
bool NextComponent(const char** rest, char* out, bool* too_long) {
  while (**rest == '/') (*rest)++;
  int length = 0;
  while (**rest != '\0' && **rest != '/') {
    if (length == 255) {
      *too_long = true;
      return false;
    }
    out[length++] = *(*rest)++;
  }
  out[length] = '\0';
  return length > 0;
}

// Drops the last component of a path that has no links in it.
void DropLast(char* path) {
  const char* slash = sys::LastSlash(path);
  path[slash == nullptr ? 0 : slash - path] = '\0';
}

// What openat2(RESOLVE_IN_ROOT) does, one component at a time, where that is lacking (Linux 5.6). Links are read as
// text, so a magic link leads nowhere. A directory that is moved while we stand in it cannot lead out: ".." walks again
// from the root.
Outcome WalkInRoot(int root, const char* path, Links links) {
  char pending[kPathMax], joined[kPathMax], walked[kPathMax] = "", name[256];
  sys::Text<kPathMax> start;
  if (start.Add(path).overflowed()) return Fail(ENAMETOOLONG, sys::Call::k_openat);
  __builtin_memcpy(pending, start.c_str(), start.size() + 1);
  Outcome opened = sys::OpenAt(root, ".", kOpenPath | O_DIRECTORY);
  if (!opened.ok()) return opened;
  UniqueFd current(opened.value);
  const char* rest = pending;
  bool too_long = false;
  for (int followed = 0; NextComponent(&rest, name, &too_long);) {
    if (sys::Equal(name, ".")) continue;
    if (sys::Equal(name, "..")) {
      DropLast(walked);
      opened = WalkInRoot(root, walked, Links::kRefuse);
      if (!opened.ok()) return opened;
      current.reset(static_cast<int>(opened.value));
      continue;
    }
    opened = sys::OpenAt(current.get(), name, kOpenPath | O_NOFOLLOW);
    if (!opened.ok()) return opened;
    UniqueFd next(opened.value);
    if (TypeOf(next.get(), "", AT_EMPTY_PATH) != S_IFLNK) {
      sys::Text<kPathMax> longer;
      longer.Add(walked).Add("/").Add(name);
      if (longer.overflowed()) return Fail(ENAMETOOLONG, sys::Call::k_openat);
      __builtin_memcpy(walked, longer.c_str(), longer.size() + 1);
      current = static_cast<UniqueFd&&>(next);
      continue;
    }
    if (links == Links::kRefuse || ++followed > kMaxLinks) return Fail(ELOOP, sys::Call::k_openat);
    Outcome read = sys::ReadlinkAt(next.get(), "", joined, sizeof(joined) - 1);
    if (!read.ok()) return read;
    sys::Text<kPathMax> target;
    target.Add(joined, static_cast<size_t>(read.value)).Add("/").Add(rest);
    if (target.overflowed()) return Fail(ENAMETOOLONG, sys::Call::k_openat);
    __builtin_memcpy(pending, target.c_str(), target.size() + 1);
    rest = pending;
    if (pending[0] == '/') {
      walked[0] = '\0';
      opened = sys::OpenAt(root, ".", kOpenPath | O_DIRECTORY);
      if (!opened.ok()) return opened;
      current.reset(static_cast<int>(opened.value));
    }
  }
  if (too_long) return Fail(ENAMETOOLONG, sys::Call::k_openat);
  return Ok(current.release());
}

// Opens an existing child without following it, whatever it is.
Outcome OpenChild(int parent, const char* name) { return sys::OpenAt(parent, name, kOpenPath | O_NOFOLLOW); }

Outcome MakeAt(int parent, const char* name, Kind kind) {
  return kind == Kind::kDirectory ? sys::MkdirAt(parent, name, 0755) : sys::MknodAt(parent, name, S_IFREG | 0644, 0);
}

// Splits a path into what stands above its last component and that component. "a/b/" is "a/b".
const char* Split(const char* path, sys::Text<kPathMax>* above) {
  const char* slash = sys::LastSlash(path);
  if (slash == nullptr) return path;
  size_t length = static_cast<size_t>(slash - path);
  while (length > 0 && path[length - 1] == '/') length--;
  above->Add(path, length);
  return slash + 1;
}

Outcome OpenOrMake(int root, const char* path, Kind kind, Links links, bool* existed, int depth);

// `path` is missing: makes its parents, then itself. Where its last component is a dangling link, what the link names
// is made instead (an image's /etc/resolv.conf often points into an empty /run).
Outcome MakeMissing(int root, const char* path, Kind kind, Links links, int depth) {
  sys::Text<kPathMax> above;
  const char* name = Split(path, &above);
  bool existed;
  Outcome opened = OpenOrMake(root, above.c_str(), Kind::kDirectory, links, &existed, depth + 1);
  if (!opened.ok()) return opened;
  UniqueFd parent(opened.value);
  if (*name == '\0') return Ok(parent.release());
  Outcome made = MakeAt(parent.get(), name, kind);
  if (!made.ok() && made.err() != EEXIST) return made;
  bool is_link = !made.ok() && TypeOf(parent.get(), name, AT_SYMLINK_NOFOLLOW) == S_IFLNK;
  if (!is_link) return OpenChild(parent.get(), name);
  if (links == Links::kRefuse) return Fail(ELOOP, sys::Call::k_openat2);
  char target[kPathMax];
  Outcome read = sys::ReadlinkAt(parent.get(), name, target, sizeof(target));
  if (!read.ok()) return read;
  sys::Text<kPathMax> next;
  if (target[0] != '/') next.Add(above.c_str()).Add("/");
  next.Add(target, static_cast<size_t>(read.value));
  if (next.overflowed()) return Fail(ENAMETOOLONG, sys::Call::k_openat2);
  return OpenOrMake(root, next.c_str(), kind, links, &existed, depth + 1);
}

Outcome OpenOrMake(int root, const char* path, Kind kind, Links links, bool* existed, int depth) {
  if (depth > kMaxLinks) return Fail(ELOOP, sys::Call::k_openat2);
  Outcome opened = OpenInRoot(root, path, links);
  *existed = opened.ok();
  if (opened.ok() || opened.err() != ENOENT) return opened;
  return MakeMissing(root, path, kind, links, depth);
}

}  // namespace

Outcome OpenInRoot(int root, const char* path, Links links) {
  struct open_how how = {};
  how.flags = kOpenPath;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (links == Links::kRefuse ? RESOLVE_NO_SYMLINKS : 0);
  Outcome opened;
  // EAGAIN: a rename raced with a ".." of ours. An attacker can make it so for ever, so the tries are counted.
  for (int tries = 0; tries < 128; tries++) {
    opened = sys::OpenAt2(root, path[0] == '\0' ? "." : path, &how);
    if (opened.err() != EAGAIN) break;
  }
  return sys::IsLacking(opened) ? WalkInRoot(root, path, links) : opened;
}

Outcome OpenTop(int dir) {
  struct open_how how = {};
  how.flags = kOpenPath | O_DIRECTORY;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return sys::OpenAt2(dir, "..", &how);
}

Outcome OpenTarget(int root, const char* path, Kind kind, Links links, bool* existed) {
  bool ignored;
  return OpenOrMake(root, path, kind, links, existed == nullptr ? &ignored : existed, 0);
}

Outcome OpenParent(int root, const char* path, const char** name) {
  sys::Text<kPathMax> above;
  *name = Split(path, &above);
  return OpenTarget(root, above.c_str(), Kind::kDirectory);
}

}  // namespace tsrunc::init
