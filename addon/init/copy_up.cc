// tmpcopyup; see copy_up.h.
#include "copy_up.h"

#include "context.h"

namespace tsrunc::init {
namespace {

using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

constexpr int kReadDirectory = O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, kMaxDepth = 64;

Outcome CopyBytes(int from, int to) {
  static char buffer[64 << 10];  // one thread, and no file is copied inside another
  for (;;) {
    Outcome read = sys::Read(from, buffer, sizeof(buffer));
    if (!read.ok() || read.value == 0) return read;
    for (long written = 0; written < read.value;) {
      Outcome outcome = sys::Write(to, buffer + written, static_cast<size_t>(read.value - written));
      if (!outcome.ok()) return outcome;
      written += outcome.value;
    }
  }
}

Outcome CopyEntry(int from, int to, const char* name, int depth) {
  struct statx found;
  TSRUNC_TRY(sys::Statx(from, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &found));
  unsigned type = found.stx_mode & S_IFMT;
  if (type == S_IFLNK) {
    char target[kPathMax];
    Outcome read = sys::ReadlinkAt(from, name, target, sizeof(target) - 1);
    if (!read.ok()) return read;
    target[read.value] = '\0';
    TSRUNC_TRY(sys::SymlinkAt(target, to, name));
    return sys::FchownAt(to, name, found.stx_uid, found.stx_gid, AT_SYMLINK_NOFOLLOW);
  }
  if (type == S_IFDIR) {
    TSRUNC_TRY(sys::MkdirAt(to, name, 0700));
    Outcome source = sys::OpenAt(from, name, kReadDirectory), copy = sys::OpenAt(to, name, kReadDirectory);
    UniqueFd source_fd(source.value), copy_fd(copy.value);
    if (!source.ok()) return source;
    if (!copy.ok()) return copy;
    TSRUNC_TRY(CopyUp(source_fd.get(), copy_fd.get(), depth + 1));
  } else if (type == S_IFREG) {
    Outcome source = sys::OpenAt(from, name, O_NOFOLLOW | O_CLOEXEC);
    Outcome copy = sys::OpenAt(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    UniqueFd source_fd(source.value), copy_fd(copy.value);
    if (!source.ok()) return source;
    if (!copy.ok()) return copy;
    TSRUNC_TRY(CopyBytes(source_fd.get(), copy_fd.get()));
  } else {
    // makedev(3) as the kernel packs it for mknod(2)
    uint64_t device = (found.stx_rdev_minor & 0xff) | (uint64_t{found.stx_rdev_major} << 8) |
                      (uint64_t{found.stx_rdev_minor & ~0xffu} << 12);
    TSRUNC_TRY(sys::MknodAt(to, name, found.stx_mode, device));
  }
  TSRUNC_TRY(sys::FchownAt(to, name, found.stx_uid, found.stx_gid, AT_SYMLINK_NOFOLLOW));
  return sys::FchmodAt(to, name, found.stx_mode & 07777);  // after the owner: chown(2) clears set-user-ID
}

}  // namespace

Outcome CopyUp(int from, int to, int depth) {
  if (depth > kMaxDepth) return sys::Fail(ELOOP, sys::Call::k_getdents64);
  alignas(8) char entries[4096];
  for (;;) {
    Outcome read = sys::Getdents64(from, entries, sizeof(entries));
    if (!read.ok() || read.value == 0) return read;
    for (long at = 0; at < read.value;) {
      const auto* entry = reinterpret_cast<const sys::DirectoryEntry*>(entries + at);
      at += entry->size;
      if (sys::Equal(entry->name, ".") || sys::Equal(entry->name, "..")) continue;
      TSRUNC_TRY(CopyEntry(from, to, entry->name, depth));
    }
  }
}

}  // namespace tsrunc::init
