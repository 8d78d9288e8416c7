// Owns the asking what a file is: statx(2), and newfstatat(2) where that is lacking. Knows no libc, whose struct stat
// has the same name as the kernel's and other headers.
#pragma once

#include "calls.h"
#include "lacks.h"

namespace tsrunc::sys {

#if defined(__x86_64__)
struct KernelStat {  // struct stat of asm/stat.h
  uint64_t dev, ino, nlink;
  uint32_t mode, uid, gid, pad;
  uint64_t rdev;
  int64_t size, block_size, blocks;
  uint64_t times[6], unused[3];
};
#else
struct KernelStat {  // asm-generic/stat.h
  uint64_t dev, ino;
  uint32_t mode, nlink, uid, gid;
  uint64_t rdev, pad;
  int64_t size;
  int32_t block_size, pad2;
  int64_t blocks;
  uint64_t times[6];
  uint32_t unused[2];
};
#endif

// How the kernel packs device numbers into a word: makedev(3).
inline uint32_t MajorOf(uint64_t device) { return static_cast<uint32_t>(device >> 8 & 0xfff); }
inline uint32_t MinorOf(uint64_t device) { return static_cast<uint32_t>((device & 0xff) | (device >> 12 & 0xfff00)); }

// What both calls can say; `stx_mask` tells what was said. stx_mnt_id is not among it before Linux 5.8: see MountId.
inline Outcome Statx(int dir, const char* path, int flags, unsigned mask, struct statx* out) {
  Outcome asked = StatxOnly(dir, path, flags, mask, out);
  if (!IsLacking(asked)) return asked;
  KernelStat found = {};
  Outcome old = NewFstatAt(dir, path, &found, flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
  if (!old.ok()) return old;
  *out = {};
  out->stx_mask = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_GID | STATX_INO | STATX_SIZE;
  out->stx_mode = static_cast<uint16_t>(found.mode);
  out->stx_nlink = static_cast<uint32_t>(found.nlink);
  out->stx_uid = found.uid;
  out->stx_gid = found.gid;
  out->stx_ino = found.ino;
  out->stx_size = static_cast<uint64_t>(found.size);
  out->stx_dev_major = MajorOf(found.dev);
  out->stx_dev_minor = MinorOf(found.dev);
  out->stx_rdev_major = MajorOf(found.rdev);
  out->stx_rdev_minor = MinorOf(found.rdev);
  return Ok();
}

}  // namespace tsrunc::sys
